/**
 * `struct futex_waitv`: one futex to wait for, 24 bytes.
 *
 *   0 val (u64)   8 uaddr (u64)   16 flags (u32)   20 reserved
 */

import { highWord } from './sqe.ts';

export const FUTEX_WAITV_SIZE = 24;
export const FUTEX_WAITV_WORDS = 6;

/** Writes the whole struct at a word index. */
export function writeFutexWaiter(
  words: Int32Array,
  at: number,
  address: number,
  value: number,
  flags: number,
): void {
  words[at] = value | 0;
  words[at + 1] = highWord(value);
  words[at + 2] = address | 0;
  words[at + 3] = highWord(address);
  words[at + 4] = flags;
  words[at + 5] = 0;
}
