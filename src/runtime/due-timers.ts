/**
 * Due timers: fires those of the heap whose time has come, in step with Node's own.
 *
 * A program that mixes both kinds sees them in the order of their deadlines: where one of Node's is
 * due as well, the host goes first, and ours fire in the turn after it.
 */

import type { HostLoop } from '../native/index.ts';
import { drainMicrotasks, rethrow } from './drain.ts';
import type { Metrics } from './metrics.ts';
import type { TimerHeap } from './timer-heap.ts';

/** What it asks of, and tells, the scheduler. */
export interface DueTimersHost {
  nowMs(): number;
  /** One of Node's own timers is due before ours: the turn is to end. */
  onHostDue(): void;
}

export class DueTimers {
  readonly #timers: TimerHeap;
  readonly #loop: HostLoop;
  readonly #metrics: Metrics;
  readonly #host: DueTimersHost;
  /** When the last turn ended: what was due then on Node's own timers has run since. */
  #yieldedMs = 0;

  constructor(timers: TimerHeap, loop: HostLoop, metrics: Metrics, host: DueTimersHost) {
    this.#timers = timers;
    this.#loop = loop;
    this.#metrics = metrics;
    this.#host = host;
  }

  /** The turn ends: Node's own timers that are due run next. */
  yieldToHost(): void {
    this.#yieldedMs = this.#host.nowMs();
  }

  /** Fires what is due; drains after each where no callback of somebody else's is running. */
  fire(drains: boolean): void {
    const limitMs = this.#limitMs();
    const { nextSequence } = this.#timers;
    for (;;) {
      // What is added meanwhile waits for the next tick, however soon it is due.
      const timer = this.#timers.takeDue(limitMs, nextSequence);
      if (timer === undefined) return;
      this.#metrics.timersFired += 1;
      try {
        timer.fire(timer);
      } catch (error) {
        rethrow(error);
      }
      if (drains) drainMicrotasks();
    }
  }

  /**
   * Up to which deadline timers may fire. Where one of Node's is due as well, the host goes first:
   * its deadlines are cut to whole milliseconds, so one set before ours is never due after it.
   */
  #limitMs(): number {
    const nowMs = this.#host.nowMs();
    const { nextDeadlineMs } = this.#timers;
    if (nextDeadlineMs > nowMs || nextDeadlineMs <= this.#yieldedMs) return this.#yieldedMs;
    this.#loop.updateTime();
    if (this.#loop.timeoutMs() !== 0) return nowMs;
    this.#host.onHostDue();
    return this.#yieldedMs;
  }
}
