/**
 * The adaptive busy wait: before a tick sleeps, it looks at shared memory for a while.
 *
 * A sleep and a wake-up cost more than a short wait is long. Spinning watches the completion
 * queue's tail and the task-work flag, and calls nothing. When it keeps finding nothing the budget
 * is halved, down to a sixteenth, so that an idle program hardly spins; one hit restores it.
 */

import type { Ring } from './ring.ts';

/** Looks at shared memory between two looks at the clock (30 ns each against 1 ns). */
const LOOKS_PER_CLOCK = 64;
/** Misses in a row before the budget is halved. */
const MISSES_BEFORE_HALVING = 8;
const HALVINGS_MAX = 4;

export class BusyWait {
  /** Whether there is any spinning at all. */
  readonly isEnabled: boolean;
  readonly #ring: Ring;
  readonly #budgetMs: number;
  #halvings = 0;
  #misses = 0;

  constructor(ring: Ring, micros: number) {
    this.#ring = ring;
    this.#budgetMs = micros / 1000;
    this.isEnabled = micros > 0;
  }

  /** Submits, then spins for at most `timeoutMs`. Says whether something turned up. */
  spin(timeoutMs: number): boolean {
    const { submissions, completions, kernel } = this.#ring;
    if (submissions.pending > 0) this.#ring.enter(0, 0, 0, 0);
    const budgetMs = this.#budgetMs / 2 ** this.#halvings;
    const endMs = kernel.nowMs() + Math.min(budgetMs, timeoutMs);
    do {
      for (let look = 0; look < LOOKS_PER_CLOCK; look += 1) {
        if (completions.ready > 0 || submissions.hasTaskWork) {
          this.#misses = 0;
          this.#halvings = 0;
          return true;
        }
      }
    } while (kernel.nowMs() < endMs);
    this.#miss();
    return false;
  }

  #miss(): void {
    this.#misses += 1;
    if (this.#misses < MISSES_BEFORE_HALVING) return;
    this.#misses = 0;
    this.#halvings = Math.min(this.#halvings + 1, HALVINGS_MAX);
  }
}
