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
    writer.write({ property: 1 });
    const first = writer.length;
    writer.write({ property: 1 });
    expect(first - writer.length).toBe('property'.length + 1);
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
