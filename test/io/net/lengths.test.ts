/**
 * Lengths are taken over by name, of functions only, and not of constructors.
 */

import { describe, expect, it } from 'vitest';
import { takeLengths } from '../../../src/io/net/lengths.ts';

describe('takeLengths', () => {
  it('gives functions the lengths of their models', () => {
    const own = { one: (...args: unknown[]) => args, two: 2, constructor: () => 0, four: () => 4 };
    const model = {
      one: (a: number, b: number) => a + b,
      two: (a: number) => a,
      constructor: (a: number) => a,
      three: (a: number) => a,
    };
    takeLengths(own, model);
    expect([own.one.length, own.two, own.constructor.length, own.four.length]).toEqual([
      2, 2, 0, 0,
    ]);
    expect(own).not.toHaveProperty('three');
    expect(own.one(1, 2, 3)).toEqual([1, 2, 3]);
  });
});
