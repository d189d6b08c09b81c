/**
 * Receive buffers in JavaScript's own memory: the kernel writes a large chunk right into what the
 * program then owns, without a copy.
 *
 *   provided --a completion names it--> ours --large--> the program's; a fresh one in its place
 *       ^                                '---small--> copied out
 *       '-----------------------------------------------'
 *
 * Each buffer is an `ArrayBuffer` of its own, and the program gets it only when the kernel has let
 * go of all of it: a chunk may be transferred or detached, and nobody else sees that. What is
 * handed over is at least half full, so that a chunk that is kept holds no more than twice its
 * size. Not for leases: memory that comes back could have been transferred meanwhile.
 */

import type { Addresses } from './addresses.ts';
import { BufferSlots } from './buffer-slots.ts';
import type { HeapBallast } from './heap-ballast.ts';
import type { Ring } from './ring.ts';
import { SMALL_CHUNK_MAX, SmallChunks } from './small-chunks.ts';

/** Below, a copy from Node's pool costs less than memory of its own. */
const COPY_SIZE_MIN = 4096;
/** Few at first: what goes round fast stays in the processor's cache, and dies young. */
const FIRST_COUNT = 32;
const NOTHING = Buffer.alloc(0);

export interface ReceiveBufferPlan {
  /** Names them in `buf_group`. */
  readonly group: number;
  /** How many there may be: a power of two. */
  readonly count: number;
  readonly size: number;
  /** Shared by all that hand memory over. */
  readonly ballast: HeapBallast;
}

export class ReceiveBuffers {
  /** Names the buffers in `buf_group`. */
  readonly group: number;
  readonly count: number;
  readonly size: number;
  readonly #addresses: Addresses;
  readonly #slots: BufferSlots;
  readonly #ballast: HeapBallast;
  readonly #small = new SmallChunks();
  /** By id; the kernel's or ours, never a program's. */
  readonly #memory: Buffer[] = [];
  /** Where they are. */
  readonly #starts: number[] = [];
  /** The same memory in words, once something small was in it. */
  readonly #words: (Int32Array | null)[] = [];
  /** From here on a chunk is handed over. */
  readonly #handOverMin: number;

  /** Allocates and registers `count` buffers (a power of two) of `size` bytes. */
  constructor(ring: Ring, addresses: Addresses, plan: ReceiveBufferPlan) {
    const { group, count, size } = plan;
    this.group = group;
    this.count = count;
    this.size = size;
    this.#addresses = addresses;
    this.#ballast = plan.ballast;
    this.#handOverMin = Math.max(COPY_SIZE_MIN, size / 2);
    this.#slots = new BufferSlots(ring, group, count);
    this.grow();
  }

  /**
   * Allocates more, for want of which a receive has ended. Returns false when all are there: they
   * come back as completions run.
   */
  grow(): boolean {
    const made = this.#memory.length;
    const wanted = Math.min(this.count, made === 0 ? FIRST_COUNT : 2 * made);
    for (let id = made; id < wanted; id += 1) this.#renew(id);
    return wanted > made;
  }

  /** The first `length` bytes of a buffer, for the program to keep. The kernel gets one back. */
  take(id: number, length: number): Buffer {
    const memory = this.#memory[id] ?? NOTHING;
    if (length >= this.#handOverMin) {
      this.#ballast.onMemory(this.size);
      this.#renew(id);
      return length === memory.length ? memory : memory.subarray(0, length);
    }
    const copy = length <= SMALL_CHUNK_MAX ? this.#copyWords(id, length) : this.#copy(id, length);
    this.#slots.provide(id, this.#starts[id] ?? 0, this.size);
    return copy;
  }

  #copyWords(id: number, length: number): Buffer {
    let words = this.#words[id] ?? null;
    if (words === null) {
      words = new Int32Array((this.#memory[id] ?? NOTHING).buffer);
      this.#words[id] = words;
    }
    return this.#small.copy(words, length);
  }

  #copy(id: number, length: number): Buffer {
    // Larger ones do not come from the pool.
    if (length >= COPY_SIZE_MIN) this.#ballast.onMemory(length);
    const copy = Buffer.allocUnsafe(length);
    (this.#memory[id] ?? NOTHING).copy(copy, 0, 0, length);
    return copy;
  }

  /** How many there are: no more than there may be. */
  get made(): number {
    return this.#memory.length;
  }

  /**
   * Asks the kernel how many it may fill now: all that were made, when none was lost or provided
   * twice and no completion waits. Returns `-errno` before Linux 6.8.
   */
  countReady(): number {
    return this.#slots.countReady();
  }

  /** Takes the buffers back from the kernel. No operation may use the group any more. */
  unregister(): void {
    this.#slots.unregister();
  }

  /** Gives the memory up, after the ring is closed or the buffers are unregistered. */
  free(): void {
    this.#slots.free();
    this.#memory.length = 0;
    this.#words.length = 0;
  }

  #renew(id: number): void {
    const memory = Buffer.allocUnsafeSlow(this.size);
    const start = this.#addresses.of(memory);
    this.#memory[id] = memory;
    this.#starts[id] = start;
    this.#words[id] = null;
    this.#slots.provide(id, start, this.size);
  }
}
