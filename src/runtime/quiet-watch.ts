/**
 * Quiet watch: while the completion queue is grown, an unreferenced timer looks whether it can
 * shrink again; and a resize that loses the ring is reported, whoever asked for it.
 */

import type { Pressure } from './pressure.ts';
import { Timer } from './timer-heap.ts';

export class QuietWatch {
  /** Its own timer, which nobody else set. */
  readonly timer: Timer;
  readonly #pressure: Pressure;
  readonly #onLost: (error: unknown) => void;

  constructor(pressure: Pressure, onLost: (error: unknown) => void) {
    this.#pressure = pressure;
    this.#onLost = onLost;
    this.timer = new Timer(0, () => this.#guard(() => pressure.settle()), null);
    this.timer.isReferenced = false;
  }

  /** Whether the timer is to be set: for its deadline see `arm`. */
  get isWanted(): boolean {
    return this.#pressure.isGrown && this.timer.index < 0;
  }

  /** Gives the timer its deadline. The caller adds it. */
  arm(nowMs: number): Timer {
    this.timer.deadlineMs = nowMs + this.#pressure.quietMs;
    return this.timer;
  }

  /** Grows the queue if it has been pressed for long enough. */
  relieve(): void {
    this.#guard(() => this.#pressure.relieve());
  }

  #guard(resize: () => void): void {
    try {
      resize();
    } catch (error) {
      this.#onLost(error);
    }
  }
}
