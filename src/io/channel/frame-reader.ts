/**
 * The receiving end of a queue of frames in shared memory.
 *
 * `next()` finds a frame, whose payload is read in place; `advance()` is done with it. The sender
 * is told of the room in large steps: each time costs a store that its processor has to fetch. A
 * sender that waits for room is to be woken when half the queue is empty and not before, so that
 * the two do not wake each other for every message.
 *
 * Hot path: no allocation, no closures, no polymorphism per frame.
 */

import { reclaimDescriptors } from './frame-writer.ts';
import {
  BLOCKED,
  FIRST_POSITION,
  frameSize,
  FRAME_HEADER_SIZE,
  HEAD,
  KIND_PADDING,
  SLEEPING,
  TAIL,
  takeDescriptor,
} from './layout.ts';
import type { QueueMemory } from './layout.ts';

/** Room is told of when this share of the queue was read. */
const STEP_SHARE = 8;

export class FrameReader {
  /** The frames' bytes: the payload of the present one is at `offset`. */
  readonly bytes: Buffer;
  /** Of the frame that `next` found. */
  kind = 0;
  offset = 0;
  length = 0;
  readonly #words: Int32Array;
  readonly #control: number;
  readonly #frames: Int32Array;
  readonly #capacity: number;
  readonly #step: number;
  #head = FIRST_POSITION;
  /** What the sender knows of it. */
  #toldHead = FIRST_POSITION;
  /** The sender's tail when it was last looked at. */
  #tail = FIRST_POSITION;

  constructor(memory: QueueMemory) {
    this.bytes = memory.bytes;
    this.#words = memory.words;
    this.#control = memory.control;
    this.#frames = memory.frames;
    this.#capacity = memory.capacity;
    this.#step = memory.capacity / STEP_SHARE;
  }

  /** Finds the next frame. Returns false if there is none. */
  next(): boolean {
    for (;;) {
      if (this.#head === this.#tail) {
        this.#tail = Atomics.load(this.#words, this.#control + TAIL);
        if (this.#head === this.#tail) return false;
      }
      const at = this.#head & (this.#capacity - 1);
      this.length = this.#frames[at >> 2] ?? 0;
      this.kind = this.#frames[(at >> 2) + 1] ?? 0;
      this.offset = at + FRAME_HEADER_SIZE;
      if (this.kind !== KIND_PADDING) return true;
      this.advance();
    }
  }

  /** Is done with the frame that `next` found. */
  advance(): void {
    this.#head = (this.#head + frameSize(this.length)) | 0;
    if (((this.#head - this.#toldHead) | 0) >= this.#step) this.#tell();
  }

  /** Takes the descriptor of the present frame, or -1 if the sender has taken it back. */
  takeDescriptor(): number {
    return takeDescriptor(this.#frames, this.offset >> 2);
  }

  /** Whether the sender waits and is now to be woken, which only one call is told. */
  takeBlocked(): boolean {
    const at = this.#control + BLOCKED;
    if (Atomics.load(this.#words, at) !== 1) return false;
    if (this.#head === this.#tail) this.#tell();
    const tail = Atomics.load(this.#words, this.#control + TAIL);
    if (((tail - this.#toldHead) | 0) > this.#capacity / 2) return false;
    return Atomics.exchange(this.#words, at, 0) === 1;
  }

  /** Asks to be woken by the next frame. Returns false if there is one by now. */
  sleep(): boolean {
    this.#tell();
    const at = this.#control + SLEEPING;
    Atomics.store(this.#words, at, 1);
    if (Atomics.load(this.#words, this.#control + TAIL) === this.#head) return true;
    Atomics.store(this.#words, at, 0);
    return false;
  }

  /** Takes descriptors that will not be received out. */
  reclaimDescriptors(reclaim: (fd: number) => void): void {
    reclaimDescriptors(this.#frames, this.#capacity - 1, {
      head: this.#head,
      tail: Atomics.load(this.#words, this.#control + TAIL),
      reclaim,
    });
  }

  #tell(): void {
    if (this.#toldHead === this.#head) return;
    this.#toldHead = this.#head;
    Atomics.store(this.#words, this.#control + HEAD, this.#head);
  }
}
