/**
 * `struct io_uring_cqe`: 16 bytes, read as four 32-bit words.
 *
 *   0,1 user_data   2 res (signed: a result, or -errno)   3 flags
 *
 * The 32-byte completions of `IORING_SETUP_CQE32` and `CQE_MIXED` are not used here.
 */

import { IORING_CQE_BUFFER_SHIFT } from '../constants/io-uring.ts';

/** Bytes of one completion. */
export const CQE_SIZE = 16;
/** 32-bit words of one completion. */
export const CQE_WORDS = 4;

/** Where the words of a completion are. */
export const CQE_USER_DATA_LOW = 0;
export const CQE_USER_DATA_HIGH = 1;
export const CQE_RES = 2;
export const CQE_FLAGS = 3;

/** The provided buffer that a completion with `IORING_CQE_F_BUFFER` names. */
export function cqeBufferId(flags: number): number {
  return flags >>> IORING_CQE_BUFFER_SHIFT;
}
