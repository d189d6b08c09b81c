/**
 * Pressure on the completion queue, and resizing as the remedy (Linux 6.13+).
 *
 * A batch that filled three quarters of the queue, or overflowed it, is pressed. Several pressed
 * batches without a calm one between them double the queue, up to a limit. It is halved after a
 * long time in which no batch filled an eighth of it. A resize costs about 80 µs, so neither
 * happens twice in a row for the same cause. Without the feature the overflow path carries on:
 * the kernel keeps what does not fit, and the next `enter` delivers it.
 */

import { EOVERFLOW } from '../native/index.ts';
import type { Metrics } from './metrics.ts';
import type { Ring } from './ring.ts';

/** One change of the completion queue's size. */
export interface ResizeEvent {
  /** Completion queue entries before. */
  readonly from: number;
  /** Completion queue entries after. */
  readonly to: number;
  readonly reason: 'pressure' | 'quiet';
}

/** When to resize, and how far. */
export interface PressurePolicy {
  readonly isEnabled: boolean;
  /** Size that is returned to. */
  readonly entriesMin: number;
  readonly entriesMax: number;
  /** Pressed batches before growing. */
  readonly pressedBatches: number;
  /** Milliseconds without pressure before shrinking. */
  readonly quietMs: number;
}

const PRESSED_SHARE = 0.75;
const CALM_SHARE = 0.125;

export class Pressure {
  readonly #ring: Ring;
  readonly #policy: PressurePolicy;
  readonly #metrics: Metrics;
  readonly #onResize: (event: ResizeEvent) => void;
  #pressed = 0;
  /** Largest batch since the last look at quietness, as a share of the queue. */
  #peak = 0;
  #isBroken = false;

  constructor(
    ring: Ring,
    policy: PressurePolicy,
    metrics: Metrics,
    onResize: (event: ResizeEvent) => void,
  ) {
    this.#ring = ring;
    this.#policy = policy;
    this.#metrics = metrics;
    this.#onResize = onResize;
  }

  /** Whether the queue is larger than it has to be, so that quietness is worth watching. */
  get isGrown(): boolean {
    return this.#policy.isEnabled && this.#ring.completions.entries > this.#policy.entriesMin;
  }

  get quietMs(): number {
    return this.#policy.quietMs;
  }

  /** Takes note of a batch that is about to be collected. */
  observe(batch: number, hasOverflow: boolean): void {
    if (batch === 0 && !hasOverflow) return;
    if (hasOverflow) this.#metrics.completionOverflows += 1;
    const share = batch / this.#ring.completions.entries;
    if (share > this.#peak) this.#peak = share;
    if (hasOverflow || share >= PRESSED_SHARE) this.#pressed += 1;
    else if (share < CALM_SHARE) this.#pressed = 0;
  }

  /** Grows the queue if it has been pressed for long enough. */
  relieve(): void {
    const policy = this.#policy;
    if (this.#pressed < policy.pressedBatches || !policy.isEnabled || this.#isBroken) return;
    this.#pressed = 0;
    const from = this.#ring.completions.entries;
    if (from >= policy.entriesMax) return;
    const to = Math.min(from * 2, policy.entriesMax);
    const result = this.#ring.resize(to);
    if (result < 0) {
      this.#fail();
      return;
    }
    this.#metrics.resizesGrown += 1;
    this.#onResize({ from, to: this.#ring.completions.entries, reason: 'pressure' });
  }

  /** Looks back on a quiet time: halves the queue if nothing pressed it. */
  settle(): void {
    const peak = this.#peak;
    this.#peak = 0;
    if (!this.isGrown || peak >= CALM_SHARE || this.#isBroken) return;
    const from = this.#ring.completions.entries;
    const to = Math.max(from / 2, this.#policy.entriesMin);
    const result = this.#ring.resize(to);
    if (result === -EOVERFLOW) return;
    if (result < 0) {
      this.#fail();
      return;
    }
    this.#metrics.resizesShrunk += 1;
    this.#onResize({ from, to: this.#ring.completions.entries, reason: 'quiet' });
  }

  /** A kernel that refuses once is not asked again: the old rings stay in use. */
  #fail(): void {
    this.#metrics.resizesFailed += 1;
    this.#isBroken = true;
  }
}
