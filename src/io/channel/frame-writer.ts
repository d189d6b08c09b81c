/**
 * The sending end of a queue of frames in shared memory.
 *
 * Frames are written first and published then, with one store to the tail: a thread that is
 * terminated half-way has sent nothing. Publishing several at once spares both processors the
 * fight for the line that the tail is on. Flags follow one rule on both sides: store, then look at
 * the other's word again, so that one of them always sees the other. `Atomics` are sequentially
 * consistent, which that needs.
 *
 * Hot path: no allocation, no closures, no polymorphism per frame.
 */

import {
  BLOCKED,
  DESCRIPTOR_SIZE,
  FIRST_POSITION,
  frameSize,
  FRAME_HEADER_SIZE,
  HEAD,
  KIND_DESCRIPTOR,
  KIND_MORE,
  KIND_PADDING,
  SLEEPING,
  TAIL,
  takeDescriptor,
} from './layout.ts';
import type { QueueMemory } from './layout.ts';

/** A message longer than this share of the queue goes in several frames. */
const FRAME_SHARE = 4;
/** Below this, copying in a loop beats the call of `set`: bytes, and words of four. */
const LOOP_COPY_MAX = 32;
const LOOP_COPY_WORDS_MAX = 64;

export class FrameWriter {
  /** Bytes of payload that one frame takes at most. */
  readonly frameMax: number;
  readonly #words: Int32Array;
  readonly #control: number;
  readonly #bytes: Buffer;
  readonly #frames: Int32Array;
  readonly #capacity: number;
  #tail = FIRST_POSITION;
  /** The receiver's head when it was last looked at. */
  #head = FIRST_POSITION;

  constructor(memory: QueueMemory) {
    this.#words = memory.words;
    this.#control = memory.control;
    this.#bytes = memory.bytes;
    this.#frames = memory.frames;
    this.#capacity = memory.capacity;
    this.frameMax = memory.capacity / FRAME_SHARE - FRAME_HEADER_SIZE;
  }

  /**
   * Writes `source` from `start` to `end` as one frame, to be published with what else is written.
   * Returns false if there is no room.
   */
  write(kind: number, source: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    const at = this.#reserve(frameSize(length));
    if (at < 0) return false;
    this.#frames[at >> 2] = length;
    this.#frames[(at >> 2) + 1] = kind;
    const to = at + FRAME_HEADER_SIZE;
    if (length <= LOOP_COPY_MAX) {
      const bytes = this.#bytes;
      for (let i = 0; i < length; i += 1) bytes[to + i] = source[start + i] ?? 0;
    } else {
      this.#bytes.set(
        start === 0 && end === source.length ? source : source.subarray(start, end),
        to,
      );
    }
    this.#tail = (this.#tail + frameSize(length)) | 0;
    return true;
  }

  /**
   * Writes the first `length` bytes of `source` as `write` does, from words: whole ones, for which
   * frames always have room.
   */
  writeWords(kind: number, source: Int32Array, length: number): boolean {
    const at = this.#reserve(frameSize(length));
    if (at < 0) return false;
    const frames = this.#frames;
    const to = (at >> 2) + 2;
    frames[to - 2] = length;
    frames[to - 1] = kind;
    const count = (length + 3) >> 2;
    if (count <= LOOP_COPY_WORDS_MAX) {
      for (let i = 0; i < count; i += 1) frames[to + i] = source[i] ?? 0;
    } else {
      frames.set(source.subarray(0, count), to);
    }
    this.#tail = (this.#tail + frameSize(length)) | 0;
    return true;
  }

  /** Writes a descriptor, which belongs to whoever takes it out. */
  writeDescriptor(fd: number): boolean {
    const size = frameSize(DESCRIPTOR_SIZE);
    const at = this.#reserve(size);
    if (at < 0) return false;
    this.#frames[at >> 2] = DESCRIPTOR_SIZE;
    this.#frames[(at >> 2) + 1] = KIND_DESCRIPTOR;
    Atomics.store(this.#frames, (at + FRAME_HEADER_SIZE) >> 2, fd);
    this.#tail = (this.#tail + size) | 0;
    return true;
  }

  /** Shows the receiver what was written. */
  publish(): void {
    Atomics.store(this.#words, this.#control + TAIL, this.#tail);
  }

  /** Whether the receiver sleeps and is now to be woken, which only one call is told. */
  takeSleeper(): boolean {
    const at = this.#control + SLEEPING;
    return Atomics.load(this.#words, at) === 1 && Atomics.exchange(this.#words, at, 0) === 1;
  }

  /**
   * Asks to be woken when there is room for `length` bytes. Returns false if there is by now.
   */
  block(length: number): boolean {
    const at = this.#control + BLOCKED;
    Atomics.store(this.#words, at, 1);
    if (!this.#hasRoom(frameSize(length))) return true;
    Atomics.store(this.#words, at, 0);
    return false;
  }

  /** Takes descriptors that nobody received back out, when the receiver is gone. */
  reclaimDescriptors(reclaim: (fd: number) => void): void {
    reclaimDescriptors(this.#frames, this.#bytes.length - 1, {
      head: Atomics.load(this.#words, this.#control + HEAD),
      tail: this.#tail,
      reclaim,
    });
  }

  #hasRoom(size: number): boolean {
    this.#head = Atomics.load(this.#words, this.#control + HEAD);
    const at = this.#tail & (this.#capacity - 1);
    const rest = this.#capacity - at;
    const needed = rest < size ? rest + size : size;
    return this.#capacity - ((this.#tail - this.#head) | 0) >= needed;
  }

  /** Finds room for a frame in one piece. Returns its offset, or -1. */
  #reserve(size: number): number {
    const at = this.#tail & (this.#capacity - 1);
    const rest = this.#capacity - at;
    const needed = rest < size ? rest + size : size;
    if (this.#capacity - ((this.#tail - this.#head) | 0) < needed && !this.#hasRoom(size)) {
      return -1;
    }
    if (rest >= size) return at;
    this.#frames[at >> 2] = rest - FRAME_HEADER_SIZE;
    this.#frames[(at >> 2) + 1] = KIND_PADDING;
    this.#tail = (this.#tail + rest) | 0;
    return 0;
  }
}

/** Walks what lies between two positions and takes every descriptor out. */
export function reclaimDescriptors(
  frames: Int32Array,
  mask: number,
  range: { head: number; tail: number; reclaim: (fd: number) => void },
): void {
  let { head } = range;
  while (((range.tail - head) | 0) > 0) {
    const word = (head & mask) >> 2;
    if (((frames[word + 1] ?? 0) & ~KIND_MORE) === KIND_DESCRIPTOR) {
      const fd = takeDescriptor(frames, word + (FRAME_HEADER_SIZE >> 2));
      if (fd >= 0) range.reclaim(fd);
    }
    head = (head + frameSize(frames[word] ?? 0)) | 0;
  }
}
