/**
 * How a tick waits: in `io_uring_enter`, on a registered wait slot where the kernel has them
 * (Linux 6.13+), on an argument that the kernel copies (`EXT_ARG`) where it has not.
 *
 * The region is one page of 64 slots of 64 bytes; a slot is chosen by its byte offset. The kernel
 * reads it at every `enter`, so a timeout is changed by two stores.
 *
 *   slot 0 timed   1 indefinite   2 two-stage   3 copied argument   4..63 free to acquire
 *
 * Hot path: no allocation, no closures, no polymorphism per wait.
 */

import {
  assert,
  IORING_ENTER_EXT_ARG,
  IORING_ENTER_EXT_ARG_REG,
  IORING_ENTER_NO_IOWAIT,
  IORING_FEAT_MIN_TIMEOUT,
  IORING_FEAT_NO_IOWAIT,
  IORING_MEM_REGION_REG_WAIT_ARG,
  IORING_MEM_REGION_TYPE_USER,
  IORING_REG_WAIT_TS,
  IORING_REGISTER_MEM_REGION,
  writeMemRegionReg,
  writeRegionDesc,
} from '../native/index.ts';
import type { Memory } from '../native/index.ts';
import type { Ring } from './ring.ts';

export const WAIT_SLOT_TIMED = 0;
export const WAIT_SLOT_INDEFINITE = 1;
export const WAIT_SLOT_TWO_STAGE = 2;
/** Where slots are not registered, the argument that the kernel copies is built here. */
const WAIT_SLOT_COPY = 3;
const WAIT_SLOT_FIRST_FREE = 4;
export const WAIT_SLOT_COUNT = 64;

const SLOT_SIZE = 64;
const SLOT_WORDS = SLOT_SIZE / 4;
/** `struct io_uring_getevents_arg`, for kernels without registered waits. */
const GETEVENTS_ARG_SIZE = 24;
/** Word offsets in `struct io_uring_reg_wait`. */
const WORD_SECONDS = 0;
const WORD_NANOSECONDS = 2;
const WORD_MIN_WAIT = 4;
const WORD_FLAGS = 5;
const WORD_SIGMASK = 6;
const WORD_SIGMASK_SIZE = 8;

/**
 * The wait slots of one runtime (see `Runtime.waiter`). Slots 0 to 3 are the scheduler's; a power
 * user acquires another, prepares it, and waits on it by hand. Completions that end such a wait are
 * delivered in the next tick.
 *
 * @example
 * ```ts
 * import { runtime } from 'onering';
 *
 * const ring = runtime();
 * if (ring.backend === 'uring') {
 *   const slot = ring.waiter.acquireSlot();
 *   ring.waiter.setSlot(slot, 0.25, 0);
 *   console.log(ring.waiter.wait(slot, 1) < 0); // true
 *   ring.waiter.releaseSlot(slot);
 * }
 * ```
 * @see https://man7.org/linux/man-pages/man3/io_uring_register_region.3.html
 */
export class Waiter {
  /** Whether waits use registered slots. */
  readonly usesSlots: boolean;
  /** Whether the kernel can wait in two stages. */
  readonly hasMinWait: boolean;
  /** Whether waits are kept out of the iowait figure. */
  readonly hidesIowait: boolean;
  readonly #ring: Ring;
  readonly #memory: Memory;
  readonly #words: Int32Array;
  readonly #flags: number;
  readonly #freeSlots: number[] = [];

  /** Registers the region if the kernel takes it. The ring must still be disabled. */
  constructor(ring: Ring, memory: Memory, wantsSlots: boolean) {
    this.#ring = ring;
    this.#memory = memory;
    this.#words = new Int32Array(memory.buffer);
    this.usesSlots = wantsSlots && registerRegion(ring, memory);
    this.hasMinWait = (ring.features & IORING_FEAT_MIN_TIMEOUT) !== 0;
    this.hidesIowait = (ring.features & IORING_FEAT_NO_IOWAIT) !== 0;
    const iowait = this.hidesIowait ? IORING_ENTER_NO_IOWAIT : 0;
    this.#flags = IORING_ENTER_EXT_ARG | iowait | (this.usesSlots ? IORING_ENTER_EXT_ARG_REG : 0);
    for (let slot = WAIT_SLOT_COUNT - 1; slot >= WAIT_SLOT_FIRST_FREE; slot -= 1) {
      this.#freeSlots.push(slot);
    }
    this.setSlot(WAIT_SLOT_TIMED, 0, 0);
    this.setSlot(WAIT_SLOT_INDEFINITE, Infinity, 0);
    this.setSlot(WAIT_SLOT_TWO_STAGE, Infinity, 0);
  }

  /** Takes a slot for a wait of one's own, or returns -1 when all are taken. */
  acquireSlot(): number {
    return this.#freeSlots.pop() ?? -1;
  }

  /** Gives a slot back. */
  releaseSlot(slot: number): void {
    assert(slot >= WAIT_SLOT_FIRST_FREE && slot < WAIT_SLOT_COUNT, 'A slot that was acquired');
    assert(!this.#freeSlots.includes(slot), 'A slot is released once');
    this.#freeSlots.push(slot);
  }

  /**
   * Writes a slot: how long to wait at most (milliseconds, fractional; `Infinity` for ever), and
   * how long to wait for the full count before any completion is enough (microseconds).
   */
  setSlot(slot: number, timeoutMs: number, minWaitMicros: number): void {
    assert(slot >= 0 && slot < WAIT_SLOT_COUNT, 'A slot inside the region');
    const words = this.#words;
    const at = slot * SLOT_WORDS;
    const isTimed = timeoutMs !== Infinity;
    const nanoseconds = isTimed ? Math.max(0, Math.ceil(timeoutMs * 1e6)) : 0;
    const seconds = Math.floor(nanoseconds / 1e9);
    words[at + WORD_SECONDS] = seconds;
    words[at + WORD_SECONDS + 1] = 0;
    words[at + WORD_NANOSECONDS] = nanoseconds - seconds * 1e9;
    words[at + WORD_NANOSECONDS + 1] = 0;
    words[at + WORD_MIN_WAIT] = minWaitMicros;
    words[at + WORD_FLAGS] = isTimed ? IORING_REG_WAIT_TS : 0;
  }

  /** Has a slot wait with a signal mask: the address of a `sigset_t`, and 8, its kernel size. */
  setSlotSigmask(slot: number, address: number, size: number): void {
    assert(slot >= 0 && slot < WAIT_SLOT_COUNT, 'A slot inside the region');
    const at = slot * SLOT_WORDS;
    this.#words[at + WORD_SIGMASK] = address | 0;
    this.#words[at + WORD_SIGMASK + 1] = Math.floor(address / 4294967296) | 0;
    this.#words[at + WORD_SIGMASK_SIZE] = size;
  }

  /** Submits, then waits on a slot for `count` completions. Returns what `enter` returned. */
  wait(slot: number, count: number): number {
    if (this.usesSlots) return this.#ring.enter(count, this.#flags, slot * SLOT_SIZE, SLOT_SIZE);
    return this.#ring.enter(count, this.#flags, this.#copySlot(slot), GETEVENTS_ARG_SIZE);
  }

  /** Waits at most `timeoutMs` for `count` completions, in two stages with `minWaitMicros`. */
  waitFor(timeoutMs: number, count: number, minWaitMicros: number): number {
    if (minWaitMicros > 0) {
      this.setSlot(WAIT_SLOT_TWO_STAGE, timeoutMs, minWaitMicros);
      return this.wait(WAIT_SLOT_TWO_STAGE, count);
    }
    if (timeoutMs === Infinity) return this.wait(WAIT_SLOT_INDEFINITE, count);
    this.setSlot(WAIT_SLOT_TIMED, timeoutMs, 0);
    return this.wait(WAIT_SLOT_TIMED, count);
  }

  /** Writes the slot as `struct io_uring_getevents_arg`, and returns where that is. */
  #copySlot(slot: number): number {
    const words = this.#words;
    const from = slot * SLOT_WORDS;
    const to = WAIT_SLOT_COPY * SLOT_WORDS;
    const isTimed = words[from + WORD_FLAGS] === IORING_REG_WAIT_TS;
    const timespec = isTimed ? this.#memory.address + slot * SLOT_SIZE : 0;
    words[to] = words[from + WORD_SIGMASK] ?? 0;
    words[to + 1] = words[from + WORD_SIGMASK + 1] ?? 0;
    words[to + 2] = words[from + WORD_SIGMASK_SIZE] ?? 0;
    words[to + 3] = this.hasMinWait ? (words[from + WORD_MIN_WAIT] ?? 0) : 0;
    words[to + 4] = timespec | 0;
    words[to + 5] = Math.floor(timespec / 4294967296) | 0;
    return this.#memory.address + WAIT_SLOT_COPY * SLOT_SIZE;
  }
}

/** Mirrors io_uring_register_region(3) with `REG_WAIT_ARG`. Linux 6.13+. */
function registerRegion(ring: Ring, memory: Memory): boolean {
  const { scratch } = ring;
  const REGION_AT = 64;
  writeRegionDesc(scratch.buffer, REGION_AT, {
    userAddress: memory.address,
    size: memory.size,
    flags: IORING_MEM_REGION_TYPE_USER,
  });
  writeMemRegionReg(scratch.buffer, 0, {
    regionAddress: scratch.address + REGION_AT,
    flags: IORING_MEM_REGION_REG_WAIT_ARG,
  });
  return ring.register(IORING_REGISTER_MEM_REGION, scratch.address, 1) === 0;
}
