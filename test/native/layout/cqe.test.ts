/**
 * Where the fields of a completion are, in one that C wrote.
 */

import { describe, expect, it } from 'vitest';
import {
  CQE_FLAGS,
  CQE_RES,
  CQE_SIZE,
  CQE_USER_DATA_HIGH,
  CQE_USER_DATA_LOW,
  CQE_WORDS,
  cqeBufferId,
} from '../../../src/native/layout/cqe.ts';
import { recordedStruct } from '../../support/recorded-structs.ts';

describe('Cqe', () => {
  it('has its fields where the kernel puts them', () => {
    const bytes = recordedStruct('cqe');
    const words = new Int32Array(bytes.buffer);
    expect([CQE_SIZE, CQE_WORDS]).toEqual([bytes.length, words.length]);
    expect(words[CQE_USER_DATA_LOW]).toBe(0x55667788);
    expect(words[CQE_USER_DATA_HIGH]).toBe(0x11223344);
    expect(words[CQE_RES]).toBe(-125);
    expect(words[CQE_FLAGS]).toBe(0xfffe0003 | 0);
  });
});

describe('cqeBufferId', () => {
  it('is the upper half, unsigned', () => {
    expect(cqeBufferId(0xfffe0003 | 0)).toBe(0xfffe);
    expect(cqeBufferId(3)).toBe(0);
  });
});
