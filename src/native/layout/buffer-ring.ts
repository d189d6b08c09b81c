/**
 * `struct io_uring_buf_ring`: the ring of provided buffers, 16 bytes per slot.
 *
 *   slot:  0,1 addr   2 len   3 bid (low half) | resv (high half)
 *
 * The `resv` of slot 0 is the tail, so a slot is written without touching that half word. The tail
 * is published last; the kernel reads it from inside `enter`, or from a kernel worker.
 *
 * Hot path: no allocation, no closures, no polymorphism per operation.
 */

import { highWord } from './sqe.ts';

/** Bytes of one `struct io_uring_buf`. */
export const BUF_SIZE = 16;
/** 32-bit words of one slot. */
export const BUF_WORDS = 4;
/** Where the tail is, counted in 16-bit words. */
export const BUF_RING_TAIL_HALFWORD = 7;

/** Writes a slot of the ring. `halves` is the same memory as `words`. */
export function writeBufSlot(
  words: Int32Array,
  halves: Uint16Array,
  slot: number,
  address: number,
  length: number,
  id: number,
): void {
  const at = slot * BUF_WORDS;
  words[at] = address | 0;
  words[at + 1] = highWord(address);
  words[at + 2] = length;
  halves[at * 2 + 6] = id;
}

/** Publishes the tail: all slots before it are the kernel's. It wraps at 16 bits. */
export function publishBufTail(halves: Uint16Array, tail: number): void {
  Atomics.store(halves, BUF_RING_TAIL_HALFWORD, tail & 0xffff);
}
