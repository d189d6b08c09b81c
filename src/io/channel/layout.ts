/**
 * The shared memory of a channel: a header of words, then one queue of frames for each direction.
 *
 *   words     0            64                128                                 bytes
 *   header    side A       side B            queue A to B      queue B to A
 *   a side    | bell fd | bell id | is closed |
 *   a queue   | tail | head | sleeping | blocked |   a cache line each, so that neither end
 *                                                    slows the other
 *   a frame   | length | kind | payload, to the next multiple of 8 |
 *
 * Positions count bytes and wrap at 2^32; capacities are powers of two. Only the sender of a
 * direction moves its tail, only the receiver its head. A descriptor in here belongs to whoever
 * takes it out with `takeDescriptor`: exactly one of both can.
 */

/** Words between two things that different threads write: a cache line of 64 bytes. */
const LINE = 16;
const SIDE_WORDS = 2 * LINE;
const QUEUE_WORDS = 4 * LINE;
const HEADER_WORDS = 2 * SIDE_WORDS + 2 * QUEUE_WORDS;

/** Words of a queue's control block, from its first. */
export const TAIL = 0;
export const HEAD: number = LINE;
/** 1 while the receiver sleeps and wants to be woken by the next frame. */
export const SLEEPING: number = 2 * LINE;
/** 1 while the sender waits for room and wants to be woken when there is. */
export const BLOCKED: number = 3 * LINE;

/** Words of a side. */
const BELL_FD = 0;
const BELL_ID = 1;
const IS_CLOSED = 2;

/** What an empty place for a descriptor holds. */
const NONE = -1;

/** Where both ends begin: positions wrap early in the life of every channel, not late in some. */
export const FIRST_POSITION = -4096;

export const FRAME_HEADER_SIZE = 8;

/** Bytes of a descriptor. */
export const DESCRIPTOR_SIZE = 4;

/** What a frame holds. */
export const KIND_VALUE = 0;
export const KIND_BYTES = 1;
export const KIND_SERIALIZED = 2;
export const KIND_DESCRIPTOR = 3;
/** Nothing: fills the queue up to its end, because a frame is never split there. */
export const KIND_PADDING = 4;
/** More of the same message follows in the next frame. */
export const KIND_MORE = 0x100;

export type Side = 0 | 1;

/** One direction, as both ends see it. */
export interface QueueMemory {
  readonly words: Int32Array;
  /** Index of the control block's first word. */
  readonly control: number;
  /** The frames. */
  readonly bytes: Buffer;
  /** The same as words. */
  readonly frames: Int32Array;
  readonly capacity: number;
}

/** Makes the memory of a channel; nothing is in it. */
export function makeChannelMemory(capacity: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(HEADER_WORDS * 4 + 2 * capacity);
  const words = new Int32Array(memory, 0, HEADER_WORDS);
  words[BELL_FD] = NONE;
  words[SIDE_WORDS + BELL_FD] = NONE;
  for (const control of [2 * SIDE_WORDS, 2 * SIDE_WORDS + QUEUE_WORDS]) {
    words[control + TAIL] = FIRST_POSITION;
    words[control + HEAD] = FIRST_POSITION;
  }
  return memory;
}

/** The queue that `side` sends through. */
export function queueOf(memory: SharedArrayBuffer, side: Side): QueueMemory {
  const capacity = (memory.byteLength - HEADER_WORDS * 4) / 2;
  const from = HEADER_WORDS * 4 + side * capacity;
  return {
    words: new Int32Array(memory, 0, HEADER_WORDS),
    control: 2 * SIDE_WORDS + side * QUEUE_WORDS,
    bytes: Buffer.from(memory, from, capacity),
    frames: new Int32Array(memory, from, capacity >> 2),
    capacity,
  };
}

/** Tells the peer where `side` can be rung at. The descriptor is given away with it. */
export function publishBell(words: Int32Array, side: Side, fd: number, id: number): void {
  const at = side * SIDE_WORDS;
  words[at + BELL_ID] = id;
  Atomics.store(words, at + BELL_FD, fd);
}

/** Takes the descriptor to ring `side` with, or -1 if there is none or it was taken. */
export function takeBell(words: Int32Array, side: Side): number {
  return takeDescriptor(words, side * SIDE_WORDS + BELL_FD);
}

/** Which of the bells there is meant. */
export function bellId(words: Int32Array, side: Side): number {
  return words[side * SIDE_WORDS + BELL_ID] ?? 0;
}

/** Says that `side` receives nothing any more. */
export function markClosed(words: Int32Array, side: Side): void {
  Atomics.store(words, side * SIDE_WORDS + IS_CLOSED, 1);
}

/** Whether `side` receives nothing any more. One whose thread was terminated has not said so. */
export function isMarkedClosed(words: Int32Array, side: Side): boolean {
  return Atomics.load(words, side * SIDE_WORDS + IS_CLOSED) === 1;
}

/** Takes a descriptor out of shared memory, or -1 if somebody else has. */
export function takeDescriptor(words: Int32Array, at: number): number {
  return Atomics.exchange(words, at, NONE);
}

/** Bytes of a frame with a payload of `length`. */
export function frameSize(length: number): number {
  return FRAME_HEADER_SIZE + ((length + 7) & ~7);
}
