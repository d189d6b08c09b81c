/**
 * The submission queue: a cursor over the SQE array and the tail that the kernel reads.
 *
 * Entries are filled first and published as a batch by `publish()`, right before `enter`. The
 * kernel moves the head while it consumes them, so what is left to submit is always tail minus
 * head, whatever an earlier `enter` returned.
 *
 * Hot path: no allocation, no closures, no polymorphism per operation.
 */

import { IORING_SQ_CQ_OVERFLOW, IORING_SQ_TASKRUN, Sqe, SQE_WORDS } from '../native/index.ts';
import type { Memory } from '../native/index.ts';

/** Word offsets of `struct io_sqring_offsets`, as the kernel filled it in. */
export interface SubmissionOffsets {
  head: number;
  tail: number;
  ringMask: number;
  ringEntries: number;
  flags: number;
  dropped: number;
  /** Index array, or 0 with `IORING_SETUP_NO_SQARRAY`. */
  array: number;
}

export class SubmissionQueue {
  /** The slot that a prep function fills next. */
  readonly sqe: Sqe = new Sqe(new Int32Array(0), 0);
  #ring: Int32Array = new Int32Array(0);
  #headAt = 0;
  #tailAt = 0;
  #flagsAt = 0;
  #droppedAt = 0;
  #mask = 0;
  #entries = 0;
  #tail = 0;
  #space = 0;

  /** Number of entries. */
  get entries(): number {
    return this.#entries;
  }

  /** Entries that were filled and that the kernel has not consumed. */
  get pending(): number {
    return (this.#tail - Atomics.load(this.#ring, this.#headAt)) | 0;
  }

  /** Slots that are surely free: what was free after the last `enter`, less what was taken. */
  get space(): number {
    return this.#space;
  }

  /** Entries that the kernel refused because an index was out of range: always 0. */
  get dropped(): number {
    return this.#ring[this.#droppedAt] ?? 0;
  }

  /** Whether completions wait in the kernel for room in the completion queue. */
  get hasOverflow(): boolean {
    return (Atomics.load(this.#ring, this.#flagsAt) & IORING_SQ_CQ_OVERFLOW) !== 0;
  }

  /** Whether task work waits for an `enter`. A hint: after a resize it may be set for nothing. */
  get hasTaskWork(): boolean {
    return (Atomics.load(this.#ring, this.#flagsAt) & IORING_SQ_TASKRUN) !== 0;
  }

  /**
   * Forgets the hint that task work waits, which a resize sets for nothing and the kernel clears
   * only after real task work. An `enter` must follow: it runs what may have come before.
   */
  forgetTaskWork(): void {
    Atomics.and(this.#ring, this.#flagsAt, ~IORING_SQ_TASKRUN);
  }

  /** Looks at new memory: after the set-up, and after every resize. */
  attach(ring: Memory, entries: Memory, offsets: SubmissionOffsets): void {
    const words = new Int32Array(ring.buffer);
    this.#ring = words;
    this.#headAt = offsets.head >> 2;
    this.#tailAt = offsets.tail >> 2;
    this.#flagsAt = offsets.flags >> 2;
    this.#droppedAt = offsets.dropped >> 2;
    this.#mask = words[offsets.ringMask >> 2] ?? 0;
    this.#entries = words[offsets.ringEntries >> 2] ?? 0;
    this.#tail = Atomics.load(words, this.#tailAt);
    this.sqe.words = new Int32Array(entries.buffer);
    this.sqe.base = 0;
    this.refresh();
    if (offsets.array !== 0) {
      // Identity for ever: slot i of the array names entry i.
      for (let i = 0; i < this.#entries; i += 1) words[(offsets.array >> 2) + i] = i;
    }
  }

  /** Takes the next slot and points `sqe` at it. The caller has seen that there is space. */
  take(): Sqe {
    const sqe = this.sqe;
    sqe.base = (this.#tail & this.#mask) * SQE_WORDS;
    this.#tail = (this.#tail + 1) | 0;
    this.#space -= 1;
    return sqe;
  }

  /** Looks how far the kernel has come: after every `enter`. */
  refresh(): void {
    this.#space = this.#entries - this.pending;
  }

  /** Shows the kernel what was filled, and returns how much there is to submit. */
  publish(): number {
    Atomics.store(this.#ring, this.#tailAt, this.#tail);
    return this.pending;
  }
}
