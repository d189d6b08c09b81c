/**
 * Values there and back: equal to their structured clones, and sharing nothing with the message.
 */

import { describe, expect, it } from 'vitest';
import { ValueReader } from '../../../src/io/channel/value-reader.ts';
import { ValueWriter } from '../../../src/io/channel/value-writer.ts';
import { SeededRandom } from '../../support/seeded-random.ts';

const writer = new ValueWriter();
const reader = new ValueReader();

function thereAndBack(value: unknown): unknown {
  expect(writer.write(value)).toBe(true);
  // Somewhere in the middle of other bytes, as in a queue.
  const bytes = Buffer.alloc(writer.length + 24, 0xee);
  writer.bytes.copy(bytes, 8, 0, writer.length);
  const read = reader.read(bytes, 8);
  bytes.fill(0);
  return read;
}

describe('ValueReader.read', () => {
  it.each([
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    2 ** 31 - 1,
    -(2 ** 31),
    2 ** 31,
    1.5,
    NaN,
    -Infinity,
    Number.MAX_VALUE,
    '',
    'a',
    'é',
    'ÿ'.repeat(300),
    'Ā',
    '\u{1f600}'.repeat(200),
    '\ud800',
    'x\ud800y'.repeat(50),
    new Date(12),
    new Date(NaN),
    new Uint8Array([1, 2, 3]),
    new Uint8Array(100_000).fill(7),
    [],
    [1, 'a', [null, undefined, []]],
    Array.from({ length: 300 }, (_, i) => i),
    {},
    { a: 1, b: { c: [new Date(0), new Uint8Array(2)] }, '': 0, 7: 8, 名: '前' },
  ])('gives back value %$', (value) => {
    const read = thereAndBack(value);
    expect(read).toStrictEqual(structuredClone(value));
    expect(Object.is(read, -0)).toBe(Object.is(value, -0));
  });

  it('gives back texts that differ in one character', () => {
    const texts = Array.from({ length: 40 }, (_, at) => {
      const characters = [...'a text of some length, or so'];
      characters[at % characters.length] = at < characters.length ? '!' : '\u00ff';
      return characters.join('').slice(0, at < 20 ? undefined : at);
    });
    for (const text of [...texts, ...texts]) expect(thereAndBack(text)).toBe(text);
  });

  it('gives back random values', () => {
    const random = new SeededRandom();
    const make = (depth: number): unknown => {
      const kind = random.below(depth > 3 ? 5 : 7);
      if (kind === 0) return random.between(-1000, 1000);
      if (kind === 1) return random.next() * 1e9;
      if (kind === 2) return random.pick([true, false, null, undefined]);
      if (kind === 3) return 'ab\u00e9\u4e16'.repeat(random.below(40)).slice(random.below(3));
      if (kind === 4) return Uint8Array.from(random.bytes(random.below(30)));
      const items = Array.from({ length: random.below(4) }, () => make(depth + 1));
      if (kind === 5) return items;
      return Object.fromEntries(items.map((item) => [`key${random.below(400)}`, item]));
    };
    for (let i = 0; i < 2000; i += 1) {
      const value = make(0);
      if (writer.write(value)) {
        const bytes = Buffer.from(writer.bytes.subarray(0, writer.length));
        expect(reader.read(bytes, 0), random.replay).toStrictEqual(structuredClone(value));
      }
    }
  });

  it('refuses a tag that nobody writes', () => {
    expect(() => reader.read(Buffer.from([0xee]), 0)).toThrow('same tags');
  });
});
