/**
 * Tick delay: has things heard of when all that was submitted along with them has had its tick. For
 * what is often taken back at once, like stopping a receive until a write is over.
 *
 *   add() --> young --a NOP comes back--> old --the next one--> onLater()
 *
 * One NOP for all, and two in a row: what is submitted behind the first of them in the same tick
 * completes behind it. Nothing is in flight while nothing waits.
 */

import { prepNop } from '../native/index.ts';
import type { Operation } from './operation.ts';
import type { Scheduler } from './scheduler.ts';

/** Hears of it once, one or two ticks after it was added. */
export interface Delayed {
  onLater(): void;
}

export class TickDelay {
  readonly #scheduler: Scheduler;
  #young: Delayed[] = [];
  #old: Delayed[] = [];
  /** An empty list, so that none has to be made. */
  #spare: Delayed[] = [];
  #isRunning = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  add(delayed: Delayed): void {
    this.#young.push(delayed);
    if (!this.#isRunning) this.#begin();
  }

  #begin(): void {
    const operation = this.#scheduler.begin(onTick, 'nop');
    operation.context = this;
    prepNop(this.#scheduler.sqe);
    this.#isRunning = true;
  }

  /** @internal */
  onTick(): void {
    this.#isRunning = false;
    const due = this.#old;
    this.#old = this.#young;
    this.#young = this.#spare;
    this.#spare = due;
    if (this.#scheduler.isStopped) return;
    if (this.#old.length > 0) this.#begin();
    for (const delayed of due) delayed.onLater();
    due.length = 0;
  }
}

function onTick(_result: number, _flags: number, operation: Operation): void {
  (operation.context as TickDelay).onTick();
}
