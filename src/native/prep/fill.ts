/**
 * What all prep functions share: writing the fifteen words of an entry that are theirs.
 *
 * Words 8 and 9, `user_data`, belong to the runtime and are not touched. Everything else is
 * written every time, so that nothing survives of what the slot held before: the kernel refuses
 * entries whose unused fields are not zero.
 *
 * Hot path: no allocation, no closures, no polymorphism per operation.
 */

import { highWord } from '../layout/sqe.ts';
import type { Sqe } from '../layout/sqe.ts';

/** Fills `opcode`, `fd`, `off`, `addr`, `len` and the operation's flags; the rest becomes zero. */
export function fill(
  sqe: Sqe,
  opcode: number,
  fd: number,
  offset: number,
  address: number,
  length: number,
  opFlags: number,
): void {
  const { words, base } = sqe;
  words[base] = opcode;
  words[base + 1] = fd;
  words[base + 2] = offset | 0;
  words[base + 3] = highWord(offset);
  words[base + 4] = address | 0;
  words[base + 5] = highWord(address);
  words[base + 6] = length;
  words[base + 7] = opFlags;
  words[base + 10] = 0;
  words[base + 11] = 0;
  words[base + 12] = 0;
  words[base + 13] = 0;
  words[base + 14] = 0;
  words[base + 15] = 0;
}

/** Writes `addr` as two halves: where it holds the `user_data` of another operation. */
export function setAddressHalves(sqe: Sqe, low: number, high: number): void {
  const { words, base } = sqe;
  words[base + 4] = low;
  words[base + 5] = high;
}

/** Writes `off` as two halves: where it holds a `user_data`. */
export function setOffsetHalves(sqe: Sqe, low: number, high: number): void {
  const { words, base } = sqe;
  words[base + 2] = low;
  words[base + 3] = high;
}

/** Writes `addr3` or `optval`. */
export function setThirdAddress(sqe: Sqe, address: number): void {
  const { words, base } = sqe;
  words[base + 12] = address | 0;
  words[base + 13] = highWord(address);
}

/** Writes `splice_fd_in`, `optlen`, `addr_len` or whatever else shares their word. */
export function setWord11(sqe: Sqe, value: number): void {
  sqe.words[sqe.base + 11] = value;
}

/**
 * Writes where a direct descriptor goes: a slot of the registered file table, which the kernel
 * wants one too large, or `IORING_FILE_INDEX_ALLOC`, which it wants as it is.
 */
export function setTargetSlot(sqe: Sqe, slot: number): void {
  sqe.words[sqe.base + 11] = (slot | 0) === -1 ? -1 : slot + 1;
}
