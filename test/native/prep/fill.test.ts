/**
 * What all prep functions share: that every word but `user_data` is written, and how 64-bit values
 * are split.
 */

import { describe, expect, it } from 'vitest';
import { IORING_FILE_INDEX_ALLOC } from '../../../src/native/constants/io-uring.ts';
import { SQE_WORDS } from '../../../src/native/layout/sqe.ts';
import type { Sqe } from '../../../src/native/layout/sqe.ts';
import {
  fill,
  setAddressHalves,
  setOffsetHalves,
  setTargetSlot,
  setThirdAddress,
  setWord11,
} from '../../../src/native/prep/fill.ts';
import { fillMiddleSlot } from '../../support/recorded-entries.ts';

function slotAfter(change: (sqe: Sqe) => void): string[] {
  return fillMiddleSlot(change).slice(SQE_WORDS, 2 * SQE_WORDS);
}

const untouched: readonly string[] = Array.from({ length: SQE_WORDS }, () => 'aaaaaaaa');

function untouchedBut(changed: Readonly<Record<number, string>>): string[] {
  return untouched.map((word, index) => changed[index] ?? word);
}

describe('fill', () => {
  it('writes fourteen words and leaves user_data', () => {
    const words = slotAfter((sqe) => fill(sqe, 0x16, -100, -1, 0x1fffffffffffff, 0xffffffff, -2));
    expect(words.join(' ')).toBe(
      [
        '00000016 ffffff9c ffffffff ffffffff ffffffff 001fffff ffffffff fffffffe',
        'aaaaaaaa aaaaaaaa 00000000 00000000 00000000 00000000 00000000 00000000',
      ].join(' '),
    );
  });
});

describe('setAddressHalves, setOffsetHalves', () => {
  it('write two words each, high bits included', () => {
    expect(slotAfter((sqe) => setAddressHalves(sqe, 0xfedcba98, -1))).toEqual(
      untouchedBut({ 4: 'fedcba98', 5: 'ffffffff' }),
    );
    expect(slotAfter((sqe) => setOffsetHalves(sqe, 1, 0x80000000))).toEqual(
      untouchedBut({ 2: '00000001', 3: '80000000' }),
    );
  });
});

describe('setThirdAddress', () => {
  it('splits an address', () => {
    expect(slotAfter((sqe) => setThirdAddress(sqe, 0x7f01f3456780))).toEqual(
      untouchedBut({ 12: 'f3456780', 13: '00007f01' }),
    );
  });
});

describe('setWord11', () => {
  it('writes the whole word', () => {
    expect(slotAfter((sqe) => setWord11(sqe, 28))).toEqual(untouchedBut({ 11: '0000001c' }));
  });
});

describe('setTargetSlot', () => {
  it('counts from one, and keeps the marker in either notation', () => {
    expect(slotAfter((sqe) => setTargetSlot(sqe, 0))[11]).toBe('00000001');
    expect(slotAfter((sqe) => setTargetSlot(sqe, 41))).toEqual(untouchedBut({ 11: '0000002a' }));
    expect(slotAfter((sqe) => setTargetSlot(sqe, IORING_FILE_INDEX_ALLOC))[11]).toBe('ffffffff');
    expect(slotAfter((sqe) => setTargetSlot(sqe, -1))[11]).toBe('ffffffff');
  });
});
