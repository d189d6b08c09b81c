/**
 * `struct io_uring_params` (120 bytes) with its two offset tables, at the start of a buffer; and
 * the arguments of a wait, with their timespec, at a word index.
 *
 * With `IORING_SETUP_NO_MMAP` the caller says where the memory of the rings and of the entries
 * is; the fields for that are the last ones of the two tables.
 */

import { highWord } from './sqe.ts';

/** What a set-up or a resize asks for. */
export interface RingParamsRequest {
  readonly flags: number;
  readonly sqEntries: number;
  readonly cqEntries: number;
  readonly sqThreadIdleMs?: number;
  readonly wqFd?: number;
  /** Memory of both rings with `NO_MMAP`, else 0. */
  readonly ringsAddress: number;
  /** Memory of the entries with `NO_MMAP`, else 0. */
  readonly entriesAddress: number;
}

/** `struct io_sqring_offsets` in bytes. */
export interface SqRingOffsets {
  readonly head: number;
  readonly tail: number;
  readonly ringMask: number;
  readonly ringEntries: number;
  readonly flags: number;
  readonly dropped: number;
  readonly array: number;
}

/** `struct io_cqring_offsets` in bytes. */
export interface CqRingOffsets {
  readonly head: number;
  readonly tail: number;
  readonly ringMask: number;
  readonly ringEntries: number;
  readonly overflow: number;
  readonly cqes: number;
  readonly flags: number;
}

/** What the kernel made of it. */
export interface RingParams {
  readonly sqEntries: number;
  readonly cqEntries: number;
  readonly flags: number;
  readonly features: number;
  readonly sqOff: SqRingOffsets;
  readonly cqOff: CqRingOffsets;
}

export const RING_PARAMS_SIZE = 120;
const SQ_OFF = 40;
const CQ_OFF = 80;
const USER_ADDRESS = 32;

/** Writes the whole struct at offset 0. */
export function writeRingParams(buffer: ArrayBuffer, request: RingParamsRequest): void {
  new Uint8Array(buffer, 0, RING_PARAMS_SIZE).fill(0);
  const view = new DataView(buffer, 0, RING_PARAMS_SIZE);
  view.setUint32(0, request.sqEntries, true);
  view.setUint32(4, request.cqEntries, true);
  view.setUint32(8, request.flags, true);
  view.setUint32(16, request.sqThreadIdleMs ?? 0, true);
  view.setUint32(24, request.wqFd ?? 0, true);
  view.setBigUint64(SQ_OFF + USER_ADDRESS, BigInt(request.entriesAddress), true);
  view.setBigUint64(CQ_OFF + USER_ADDRESS, BigInt(request.ringsAddress), true);
}

/** Reads what the kernel wrote at offset 0. */
export function readRingParams(buffer: ArrayBuffer): RingParams {
  const word = (offset: number): number => view.getUint32(offset, true);
  const view = new DataView(buffer, 0, RING_PARAMS_SIZE);
  return {
    sqEntries: word(0),
    cqEntries: word(4),
    flags: word(8),
    features: word(20),
    sqOff: {
      head: word(SQ_OFF),
      tail: word(SQ_OFF + 4),
      ringMask: word(SQ_OFF + 8),
      ringEntries: word(SQ_OFF + 12),
      flags: word(SQ_OFF + 16),
      dropped: word(SQ_OFF + 20),
      array: word(SQ_OFF + 24),
    },
    cqOff: {
      head: word(CQ_OFF),
      tail: word(CQ_OFF + 4),
      ringMask: word(CQ_OFF + 8),
      ringEntries: word(CQ_OFF + 12),
      overflow: word(CQ_OFF + 16),
      cqes: word(CQ_OFF + 20),
      flags: word(CQ_OFF + 24),
    },
  };
}

export const TIMESPEC_SIZE = 16;

/**
 * Writes a `struct __kernel_timespec` at a word index: seconds and nanoseconds, 64 bits each.
 * Nanoseconds are below a second; negative seconds are written as they are.
 */
export function writeTimespec(
  words: Int32Array,
  at: number,
  seconds: number,
  nanoseconds: number,
): void {
  words[at] = seconds | 0;
  words[at + 1] = highWord(seconds);
  words[at + 2] = nanoseconds;
  words[at + 3] = 0;
}

export const GETEVENTS_ARG_SIZE = 24;

/** `struct io_uring_getevents_arg`: what `IORING_ENTER_EXT_ARG` points at. Linux 5.11+. */
export interface GeteventsArg {
  /** Address of the signal mask for the time of the wait, or 0. */
  readonly sigmask: number;
  readonly sigmaskSize: number;
  /** Linux 6.12+; zero before. */
  readonly minWaitMicros: number;
  /** Address of a timespec, or 0 to wait for ever. */
  readonly timespec: number;
}

/** Writes the whole struct at a word index. The kernel copies it in `enter`. */
export function writeGeteventsArg(words: Int32Array, at: number, arg: GeteventsArg): void {
  words[at] = arg.sigmask | 0;
  words[at + 1] = highWord(arg.sigmask);
  words[at + 2] = arg.sigmaskSize;
  words[at + 3] = arg.minWaitMicros;
  words[at + 4] = arg.timespec | 0;
  words[at + 5] = highWord(arg.timespec);
}

export const REG_WAIT_SIZE = 64;
export const REG_WAIT_WORDS = 16;

/** `struct io_uring_reg_wait`: one slot of a registered wait region. Linux 6.13+. */
export interface RegWait {
  /** The timespec is inline here; it counts with `IORING_REG_WAIT_TS`. */
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly minWaitMicros: number;
  /** `IORING_REG_WAIT_TS` or 0. */
  readonly flags: number;
  readonly sigmask: number;
  readonly sigmaskSize: number;
}

/** Writes the whole slot at a word index. The kernel reads it at each `enter` that names it. */
export function writeRegWait(words: Int32Array, at: number, wait: RegWait): void {
  writeTimespec(words, at, wait.seconds, wait.nanoseconds);
  words[at + 4] = wait.minWaitMicros;
  words[at + 5] = wait.flags;
  words[at + 6] = wait.sigmask | 0;
  words[at + 7] = highWord(wait.sigmask);
  words[at + 8] = wait.sigmaskSize;
  words.fill(0, at + 9, at + REG_WAIT_WORDS);
}
