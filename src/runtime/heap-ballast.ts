/**
 * Keeps V8 from collecting the whole heap again and again for the sake of received chunks.
 *
 * The data of a chunk lies outside the heap, and counts into the size at which V8 marks everything.
 * That size is a multiple of what survived the last time: where a program's own heap is small, a
 * few thousand chunks reach it, and the heap is marked dozens of times a second with nothing to be
 * found. Text that nobody reads makes a small heap an ordinary one.
 *
 *   full collections seldom                                -> nothing
 *   `STORM` in a row, each within `APART` bytes of chunks  -> `BALLAST` bytes of text, for good
 *
 * Nothing is done where the heap is large already, or its limit low. Figures: ARCHITECTURE.md.
 */

import { getHeapStatistics } from 'node:v8';

const MIB = 1024 * 1024;
const APART = 128 * MIB;
const STORM = 8;
const BALLAST = 32 * MIB;
/** From here on a heap needs none. */
const HEAP_SIZE_MAX = 64 * MIB;
/** Below, so much text would be a good part of all that there may be. */
const HEAP_LIMIT_MIN = 512 * MIB;
/** Longer text lies outside the heap as well, in Node. */
const TEXT_LENGTH = 512 * 1024;

export class HeapBallast {
  /** Bytes of chunks so far. */
  #bytes = 0;
  #bytesAtFull = -APART;
  #storm = 0;
  /** The text, once it is there. */
  #texts: readonly string[] | null = null;
  /** Young collections leave what it watches alone. */
  readonly #watch: FinalizationRegistry<null> = new FinalizationRegistry(() => this.#onFull());

  constructor() {
    this.#watch.register({}, null);
  }

  /** Bytes of text that are held. */
  get size(): number {
    return this.#texts === null ? 0 : this.#texts.length * TEXT_LENGTH;
  }

  /** A chunk takes so many bytes outside the heap. Hot path. */
  onMemory(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Everything was collected, a moment ago. */
  #onFull(): void {
    const isOurs = this.#bytes - this.#bytesAtFull < APART;
    this.#bytesAtFull = this.#bytes;
    this.#storm = isOurs && this.#bytes > 0 ? this.#storm + 1 : 0;
    if (this.#storm >= STORM) this.#hold();
    if (this.#texts === null) this.#watch.register({}, null);
  }

  #hold(): void {
    this.#storm = 0;
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    if (used > HEAP_SIZE_MAX || limit < HEAP_LIMIT_MIN) return;
    const zeros = Buffer.alloc(TEXT_LENGTH);
    const count = BALLAST / TEXT_LENGTH;
    this.#texts = Array.from({ length: count }, () => zeros.toString('latin1'));
  }
}
