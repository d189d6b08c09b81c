/**
 * errno names, numbers and messages beside those of the running Node and of libuv in it.
 */

import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as numbers from '../../src/native/constants/errno.ts';
import { errnoMessage, errnoName, errnoNumber } from '../../src/native/errno.ts';

/** libuv's own codes, for what has no errno, begin at -3000; `EOF` is -4095. */
const ERRNO_COUNT = 1000;

const mapped = [...getSystemErrorMap()].filter(([number]) => -number < ERRNO_COUNT);

describe('errno constants', () => {
  it('equal those of the C library', () => {
    const fromNode = Object.entries(constants.errno);
    expect(fromNode.length).toBeGreaterThan(70);
    expect(numbers).toMatchObject(Object.fromEntries(fromNode));
  });

  it('have no gaps but the two of Linux', () => {
    const known = new Set<number>(Object.values(numbers));
    const missing = Array.from({ length: 133 }, (_, i) => i + 1).filter((n) => !known.has(n));
    expect(missing).toEqual([41, 58]);
  });
});

describe('errnoName and errnoMessage', () => {
  it("give Node's words for everything that libuv knows", () => {
    expect(mapped.length).toBeGreaterThan(60);
    const ours = mapped.map(([n]) => [n, [errnoName(-n), errnoMessage(-n)]]);
    expect(ours).toEqual(mapped);
  });

  it("give the C library's words for the rest", () => {
    expect([errnoName(numbers.EDQUOT), errnoMessage(numbers.EDQUOT)]).toEqual([
      'EDQUOT',
      'disk quota exceeded',
    ]);
    expect([errnoName(numbers.EBADFD), errnoMessage(numbers.EBADFD)]).toEqual([
      'EBADFD',
      'file descriptor in bad state',
    ]);
  });

  it('say so when nobody knows a number', () => {
    for (const number of [0, 41, 524, -2]) {
      expect([errnoName(number), errnoMessage(number)]).toEqual(['UNKNOWN', 'unknown error']);
    }
  });

  it('have a name and a message for every constant', () => {
    for (const number of Object.values(numbers)) {
      expect(errnoName(number)).toMatch(/^E[A-Z0-9]+$/);
      expect(errnoMessage(number)).not.toBe('unknown error');
    }
  });
});

describe('errnoNumber', () => {
  it('is the inverse of errnoName', () => {
    for (const number of Object.values(numbers)) {
      expect(errnoNumber(errnoName(number))).toBe(number);
    }
  });

  it('knows the second names', () => {
    expect(errnoNumber('EWOULDBLOCK')).toBe(11);
    expect(errnoNumber('EOPNOTSUPP')).toBe(95);
    expect(errnoNumber('ENOTSUP')).toBe(95);
  });

  it('is undefined for what is no errno', () => {
    expect(errnoNumber('ENOSUCHTHING')).toBeUndefined();
    expect(errnoNumber('toString')).toBeUndefined();
  });
});
