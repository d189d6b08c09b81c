/**
 * Keeps V8 from collecting the whole heap again and again for the sake of received chunks, and the
 * C library from giving their memory back to the kernel each time.
 *
 * The data of a chunk lies outside the heap, and counts into the size at which V8 marks everything.
 * That size is a multiple of what survived the last time: where a program's own heap is small, a
 * few thousand chunks reach it, and the heap is marked dozens of times a second with nothing to be
 * found. Text that nobody reads makes a small heap an ordinary one.
 *
 *   full collections that are many or few bytes of chunks apart -> nothing: not ours
 *   `STORM` in a row that are between `BYTES_MIN` and `BYTES_MAX` -> `BALLAST` bytes of text
 *   one with fewer than `BYTES_MIN` since the last               -> the text is let go of
 *
 * Each collection frees some 32 MiB of chunks at once. glibc gives back what is free at the end
 * of its heap beyond 128 KiB, and the chunks that follow pay for the same pages with faults again.
 * It stops doing so when one large block was freed, as most programs do at some time: that is done
 * here. Where the environment decides (`MALLOC_TRIM_THRESHOLD_`), nothing changes.
 *
 * V8 collects by itself what has become quiet, so the text goes when the chunks have gone.
 * Nothing is done where the heap is large already, or its limit low. Figures: ARCHITECTURE.md.
 */

import { getHeapStatistics } from 'node:v8';
import type { Kernel } from '../native/index.ts';

const MIB = 1024 * 1024;
const BYTES_MIN = 8 * MIB;
const BYTES_MAX = 128 * MIB;
const STORM = 4;
const BALLAST = 32 * MIB;
/** From here on a heap needs none. */
const HEAP_SIZE_MAX = 64 * MIB;
/** Below, so much text would be a good part of all that there may be. */
const HEAP_LIMIT_MIN = 512 * MIB;
/** The largest block from which glibc learns: it keeps up to twice as much from then on. */
const LESSON = 32 * MIB - 64 * 1024;
/** Longer text lies outside the heap as well, in Node. */
const TEXT_LENGTH = 512 * 1024;

export class HeapBallast {
  readonly #kernel: Pick<Kernel, 'mallocAndFree'>;
  /** Bytes of chunks so far. */
  #bytes = 0;
  #bytesAtFull = 0;
  #storm = 0;
  #isTaught = false;
  /** The text, once it is there. */
  #texts: readonly string[] | null = null;
  /** Young collections leave what it watches alone. */
  readonly #watch: FinalizationRegistry<null> = new FinalizationRegistry(() => this.#onFull());

  constructor(kernel: Pick<Kernel, 'mallocAndFree'>) {
    this.#kernel = kernel;
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
    const bytes = this.#bytes - this.#bytesAtFull;
    this.#bytesAtFull = this.#bytes;
    if (bytes >= BYTES_MIN && !this.#isTaught) {
      this.#isTaught = true;
      this.#kernel.mallocAndFree(LESSON);
    }
    this.#storm = bytes >= BYTES_MIN && bytes < BYTES_MAX ? this.#storm + 1 : 0;
    if (bytes < BYTES_MIN) this.#texts = null;
    else if (this.#storm >= STORM && this.#texts === null) this.#hold();
    this.#watch.register({}, null);
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
