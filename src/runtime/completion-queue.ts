/**
 * The completion queue: what the kernel posted, copied out in batches.
 *
 * Completions are collected first and run later. So a callback may submit, fill the submission
 * queue or throw while nothing of the ring is half read; the head has moved before the first
 * callback runs; and a resize finds an empty queue.
 *
 * Hot path: no allocation, no closures, no polymorphism per operation.
 */

import type { Memory } from '../native/index.ts';

/** Word offsets of `struct io_cqring_offsets`, as the kernel filled it in. */
export interface CompletionOffsets {
  head: number;
  tail: number;
  ringMask: number;
  ringEntries: number;
  overflow: number;
  cqes: number;
}

/** Words of one `io_uring_cqe`: `user_data` low and high, `res`, `flags`. */
export const CQE_WORDS = 4;

/** One page of CQEs to begin with; a burst makes it grow, and it stays grown. */
const BATCH_ENTRIES = 256;

export class CompletionQueue {
  /** Collected completions, `CQE_WORDS` words each; the first `count` of them are valid. */
  batch: Int32Array = new Int32Array(BATCH_ENTRIES * CQE_WORDS);
  /** Completions in `batch`. The batch runner takes those that it has run off. */
  count = 0;
  #ring: Int32Array = new Int32Array(0);
  #headAt = 0;
  #tailAt = 0;
  #overflowAt = 0;
  #cqesAt = 0;
  #mask = 0;
  #entries = 0;
  #head = 0;

  get entries(): number {
    return this.#entries;
  }

  /** Completions posted and not collected yet. */
  get ready(): number {
    return (Atomics.load(this.#ring, this.#tailAt) - this.#head) | 0;
  }

  /** Completions that the kernel could not even keep in its overflow list. */
  get lost(): number {
    return this.#ring[this.#overflowAt] ?? 0;
  }

  /** Looks at new memory: after the set-up, and after every resize. */
  attach(ring: Memory, offsets: CompletionOffsets): void {
    const words = new Int32Array(ring.buffer);
    this.#ring = words;
    this.#headAt = offsets.head >> 2;
    this.#tailAt = offsets.tail >> 2;
    this.#overflowAt = offsets.overflow >> 2;
    this.#cqesAt = offsets.cqes >> 2;
    this.#mask = words[offsets.ringMask >> 2] ?? 0;
    this.#entries = words[offsets.ringEntries >> 2] ?? 0;
    this.#head = Atomics.load(words, this.#headAt);
  }

  /** Moves what is posted into `batch` and frees the ring's slots. Returns how many there were. */
  collect(): number {
    const ready = this.ready;
    if (ready === 0) return 0;
    const needed = (this.count + ready) * CQE_WORDS;
    if (needed > this.batch.length) this.#growBatch(needed);
    const { batch } = this;
    const ring = this.#ring;
    let to = this.count * CQE_WORDS;
    for (let i = 0; i < ready; i += 1) {
      const from = this.#cqesAt + ((this.#head + i) & this.#mask) * CQE_WORDS;
      batch[to] = ring[from] ?? 0;
      batch[to + 1] = ring[from + 1] ?? 0;
      batch[to + 2] = ring[from + 2] ?? 0;
      batch[to + 3] = ring[from + 3] ?? 0;
      to += CQE_WORDS;
    }
    this.count += ready;
    this.#head = (this.#head + ready) | 0;
    Atomics.store(ring, this.#headAt, this.#head);
    return ready;
  }

  /** Forgets the first `index` collected completions; the others move to the front. */
  keepFrom(index: number): void {
    const { batch, count } = this;
    if (index < count) batch.copyWithin(0, index * CQE_WORDS, count * CQE_WORDS);
    this.count = Math.max(0, count - index);
  }

  #growBatch(words: number): void {
    const grown = new Int32Array(Math.max(words, this.batch.length * 2));
    grown.set(this.batch);
    this.batch = grown;
  }
}
