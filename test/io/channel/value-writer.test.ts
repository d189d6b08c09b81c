/**
 * What the writer writes itself, what it leaves to V8, and that a refusal leaves no trace.
 */

import { describe, expect, it } from 'vitest';
import { ValueReader } from '../../../src/io/channel/value-reader.ts';
import { ValueWriter } from '../../../src/io/channel/value-writer.ts';

describe('ValueWriter.write', () => {
  const twice = { a: 1 };
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const deep = JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) as unknown;
  it.each([
    ['an object that occurs twice', { x: twice, y: twice }],
    ['a cycle', cycle],
    ['many objects', deep],
    ['a Map', new Map()],
    ['an instance of a class', new URL('a:b')],
    ['an object without prototype', Object.create(null) as unknown],
    // oxlint-disable-next-line no-sparse-arrays -- Holes are what this is about.
    ['a hole', [1, , 2]],
    ['an array with a property', Object.assign([1], { name: 'x' })],
    ['a property that would set a prototype', JSON.parse('{"__proto__": 1}') as unknown],
    ['a big integer', 1n],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a shared array', new Uint8Array(new SharedArrayBuffer(1))],
    ['a Buffer inside of something', [Buffer.from('x')]],
  ])('leaves %s to V8', (_name, value) => {
    expect(new ValueWriter().write(value)).toBe(false);
  });

  it('leaves to V8 what a getter sends meanwhile', () => {
    const writer = new ValueWriter();
    const inner: boolean[] = [];
    const message = {
      first: 'before',
      get second(): number {
        inner.push(writer.write({ other: 1 }));
        return 2;
      },
    };
    expect(writer.write(message)).toBe(true);
    expect(inner).toEqual([false]);
    expect(new ValueReader().read(writer.bytes, 0)).toEqual({ first: 'before', second: 2 });
  });

  it('forgets names that a refused message would have taught', () => {
    const writer = new ValueWriter();
    const reader = new ValueReader();
    expect(writer.write({ first: 1, second: () => 1 })).toBe(false);
    const throwing = {
      third: 1,
      get fourth(): number {
        throw new Error('no');
      },
    };
    expect(() => writer.write(throwing)).toThrow('no');
    for (const value of [
      { second: 2, first: 1 },
      { first: 3, fourth: 4, second: 5 },
    ]) {
      expect(writer.write(value)).toBe(true);
      expect(reader.read(writer.bytes, 0)).toEqual(value);
    }
  });

  it('names a property in one byte from the second time on', () => {
    const writer = new ValueWriter();
    const sizeOf = (value: object): number => (writer.write(value) ? writer.length : NaN);
    const first = sizeOf({ property: 1, a: 1 });
    expect(first - sizeOf({ property: 1, b: 1 })).toBe('property'.length + 1);
  });

  it('names all properties of an object in one byte from the second time on', () => {
    const writer = new ValueWriter();
    writer.write({ id: 1, property: 2 });
    writer.write({ id: 1, property: 2 });
    // Tags and slot, and two numbers.
    expect(writer.length).toBe(2 + 2 * 5);
  });

  it('keeps objects apart whose names fall to one slot, inside of each other as well', () => {
    const writer = new ValueWriter();
    const reader = new ValueReader();
    const one = (inner: unknown): object => ({ ab: 1, ba: inner });
    const other = (inner: unknown): object => ({ ac: 1, bb: inner });
    const messages = [
      one(other(1)),
      one(other(one(2))),
      other(one(other(3))),
      one(null),
      other(null),
    ];
    for (const message of [...messages, ...messages]) {
      expect(writer.write(message)).toBe(true);
      expect(reader.read(writer.bytes, 0)).toEqual(message);
    }
  });

  it('forgets the names of an object that a refused message would have taught', () => {
    const writer = new ValueWriter();
    const reader = new ValueReader();
    const good = { id: 1, inner: { deep: 'text' } };
    expect(writer.write([good, () => 1])).toBe(false);
    for (let i = 0; i < 3; i += 1) {
      expect(writer.write(good)).toBe(true);
      expect(reader.read(writer.bytes, 0)).toEqual(good);
    }
  });

  it('keeps the order of properties', () => {
    const writer = new ValueWriter();
    const reader = new ValueReader();
    const messages = [
      { b: 1, a: 2, 7: 3, 3: 4 },
      { 3: 1, a: 2, b: 3, 7: 4 },
      { 7: 1, 3: 2, b: 3, a: 4 },
    ];
    for (const message of [...messages, ...messages]) {
      expect(writer.write(message)).toBe(true);
      const read = reader.read(writer.bytes, 0) as object;
      expect(Object.entries(read)).toEqual(Object.entries(message));
    }
  });

  it('goes on when it cannot learn more names', () => {
    const writer = new ValueWriter();
    const reader = new ValueReader();
    for (let i = 0; i < 600; i += 1) {
      const value = { [`name ${i % 300}`]: i, [`${'long'.repeat(20)} ${i}`]: 1, 名: 2 };
      expect(writer.write(value)).toBe(true);
      expect(reader.read(writer.bytes, 0)).toEqual(value);
    }
  });

  it('gives the room of a giant back', () => {
    const writer = new ValueWriter();
    writer.write('x'.repeat(3_000_000));
    expect(writer.bytes.length).toBeGreaterThan(3_000_000);
    writer.write('x');
    expect(writer.bytes.length).toBeLessThan(10_000);
  });
});
