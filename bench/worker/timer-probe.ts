/**
 * How late a timer of 1 ms fires while the work runs: what the rest of a program feels of it.
 *
 * One `setTimeout` after the other, Node's own in every contender. Its lateness counts from the
 * moment it was due. Costs about 5 µs of CPU a millisecond, the same for everybody. A pacemaker for
 * work at a fixed rate hangs on it too. Runs under Bun and Deno.
 */

import { Histogram } from '../histogram.ts';
import type { Percentiles } from '../histogram.ts';

const DELAY_MS = 1;

export class TimerProbe {
  readonly #lateness = new Histogram();
  readonly #onBeat: ((dueMs: number) => void) | null;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;

  constructor(onBeat: ((dueMs: number) => void) | null = null) {
    this.#onBeat = onBeat;
  }

  start(): void {
    this.#arm(performance.now());
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Forgets what warming up has cost. */
  reset(): void {
    this.#lateness.reset();
  }

  micros(): Percentiles | null {
    return this.#lateness.micros();
  }

  #arm(nowMs: number): void {
    this.#dueMs = nowMs + DELAY_MS;
    this.#timer = setTimeout(this.#beat, DELAY_MS);
  }

  readonly #beat = (): void => {
    const nowMs = performance.now();
    this.#lateness.record(nowMs - this.#dueMs);
    const dueMs = this.#dueMs;
    this.#arm(nowMs);
    this.#onBeat?.(dueMs);
  };
}
