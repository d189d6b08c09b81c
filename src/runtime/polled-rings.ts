/**
 * The polled storage rings of a thread: at most one for each way of polling, made on first use.
 *
 * They live and die with the thread's ring, and the scheduler drives them with it. Registered
 * buffers are known to all of them.
 */

import type { Kernel } from '../native/index.ts';
import { PolledRing } from './polled-ring.ts';
import type { PolledRingHost, PollMode } from './polled-ring.ts';

export class PolledRings {
  readonly #kernel: Kernel;
  readonly #usesOwnMemory: boolean;
  readonly #host: PolledRingHost;
  readonly #onMade: (made: PolledRing) => void;
  readonly #rings: PolledRing[] = [];
  /** What making a ring failed with: it is not tried again. */
  readonly #failures = new Map<PollMode, number>();

  constructor(
    kernel: Kernel,
    usesOwnMemory: boolean,
    host: PolledRingHost,
    onMade: (made: PolledRing) => void,
  ) {
    this.#kernel = kernel;
    this.#usesOwnMemory = usesOwnMemory;
    this.#host = host;
    this.#onMade = onMade;
  }

  /** The ring that polls this way, or `-errno` where the kernel has none. */
  of(mode: PollMode): PolledRing | number {
    for (const ring of this.#rings) if (ring.mode === mode) return ring;
    const failure = this.#failures.get(mode);
    if (failure !== undefined) return failure;
    const made = PolledRing.create(this.#kernel, mode, this.#usesOwnMemory, this.#host);
    if (typeof made === 'number') {
      this.#failures.set(mode, made);
      return made;
    }
    this.#rings.push(made);
    this.#onMade(made);
    return made;
  }

  /** Whether one of them has work: nothing may sleep then. */
  get isBusy(): boolean {
    for (const ring of this.#rings) if (ring.isBusy) return true;
    return false;
  }

  /** Calls of `io_uring_enter(2)`. */
  get enterCount(): number {
    let count = 0;
    for (const { ring } of this.#rings) count += ring.enterCount;
    return count;
  }

  /** Enters those that have work. Says whether anything completed. */
  poll(drains: boolean): boolean {
    let hasCompleted = false;
    for (const ring of this.#rings) {
      if (ring.isBusy && ring.poll(drains) > 0) hasCompleted = true;
    }
    return hasCompleted;
  }

  /** The same, and tells nobody: for the end of the thread. */
  drop(): void {
    for (const ring of this.#rings) if (ring.isBusy) ring.drop();
  }

  /** Visits each, for what is registered with all of them. */
  forEach(visit: (ring: PolledRing) => void): void {
    this.#rings.forEach(visit);
  }

  /** Releases them. Nothing may be in flight. */
  close(): void {
    for (const { ring } of this.#rings) ring.close();
  }

  /** Closes the descriptors only: for rings whose operations could not be taken back. */
  abandon(): void {
    for (const { ring } of this.#rings) ring.abandon();
  }
}
