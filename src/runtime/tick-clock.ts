/**
 * Tick clock: when what runs now happened. All completions of a batch have come by the time that it
 * begins, so the clock is read once for them, as libuv does for a turn of its loop.
 *
 * One for each thread, since a thread has one ring.
 */

class TickClock {
  #isInBatch = false;
  /** 0 until somebody asks in this batch. */
  #nowMs = 0;

  /** Milliseconds of `performance.now()`: in a batch, those of the first one who asked. */
  get nowMs(): number {
    if (!this.#isInBatch) return performance.now();
    if (this.#nowMs === 0) this.#nowMs = performance.now();
    return this.#nowMs;
  }

  /** @internal */
  beginBatch(): void {
    this.#isInBatch = true;
    this.#nowMs = 0;
  }

  /** @internal */
  endBatch(): void {
    this.#isInBatch = false;
  }
}

/** This thread's. */
export const tickClock: TickClock = new TickClock();
