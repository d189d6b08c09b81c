/**
 * Timers: sleeping once and ticking again and again, on top of the scheduler's heap.
 *
 * Nothing here submits an operation: a deadline only shortens the next wait. Nothing here checks
 * arguments or knows an `AbortSignal` either.
 *
 *   Sleep:     waiting --deadline--> resolved with its value
 *                 '------end()-----> resolved with something else
 *   Interval:  running --deadline--> one more tick to take, running
 *                 '------stop()----> stopped; a pending `nextTick` resolves
 *
 * A runtime that closes hands its timers over to Node's own, so `fire` works outside of a turn,
 * and on a timer that was ended meanwhile.
 */

import type { Runtime } from './runtime.ts';
import type { Scheduler } from './scheduler.ts';
import { Timer } from './timer-heap.ts';

/** What timers need of the scheduler. */
export type TimerQueue = Pick<Scheduler, 'addTimer' | 'nowMs' | 'removeTimer'>;

type Resolve<T> = (value: T | PromiseLike<T>) => void;

let parked: Resolve<unknown> | null = null;

/** The executor of every promise here: no closure for each. */
function park(resolve: Resolve<unknown>): void {
  parked = resolve;
}

/** A promise that resolves to a value when its delay is over. */
export class Sleep<T> {
  readonly promise: Promise<T>;
  readonly #queue: TimerQueue;
  readonly #timer: Timer;
  readonly #value: T;
  /** `null` once it is over. */
  #resolve: Resolve<T> | null;

  constructor(queue: TimerQueue, delayMs: number, value: T, isReferenced: boolean) {
    this.promise = new Promise<unknown>(park) as Promise<T>;
    this.#resolve = parked;
    this.#value = value;
    this.#queue = queue;
    this.#timer = new Timer(queue.nowMs() + delayMs, wake, this);
    this.#timer.isReferenced = isReferenced;
    queue.addTimer(this.#timer);
  }

  /** Called when the deadline has come. */
  wake(): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.(this.#value);
  }

  /** Ends it early. Without effect once it is over. */
  end(outcome: T | PromiseLike<T>): void {
    const resolve = this.#resolve;
    if (resolve === null) return;
    this.#resolve = null;
    this.#queue.removeTimer(this.#timer);
    resolve(outcome);
  }
}

function wake(timer: Timer): void {
  (timer.context as Sleep<unknown>).wake();
}

/**
 * Ticks that are counted until somebody takes them. Each deadline counts from the tick before, as
 * Node's does: a thread that was busy for several periods finds one tick.
 */
export class Interval {
  /** Ticks to take; whoever takes one counts it down. */
  ticks = 0;
  readonly #owner: Pick<Runtime, 'isClosed'>;
  readonly #queue: TimerQueue;
  readonly #timer: Timer;
  readonly #delayMs: number;
  #resume: Resolve<void> | null = null;
  /** Node's timer that stands in after the runtime was closed. */
  #substitute: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(
    owner: Pick<Runtime, 'isClosed'>,
    queue: TimerQueue,
    delayMs: number,
    isReferenced: boolean,
  ) {
    this.#owner = owner;
    this.#queue = queue;
    this.#delayMs = delayMs;
    this.#timer = new Timer(queue.nowMs() + delayMs, tick, this);
    this.#timer.isReferenced = isReferenced;
    queue.addTimer(this.#timer);
  }

  /** Whether `stop` was called. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Resolves at the next tick, or when the interval is stopped. For one caller at a time. */
  nextTick(): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    const promise = new Promise<unknown>(park) as Promise<void>;
    this.#resume = parked;
    return promise;
  }

  /** Called when the deadline has come. */
  tick(): void {
    if (this.#isStopped) return;
    this.ticks += 1;
    this.#arm();
    this.#wakeTaker();
  }

  /** Makes no more ticks; those that were not taken stay. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#queue.removeTimer(this.#timer);
    clearTimeout(this.#substitute);
    this.#wakeTaker();
  }

  #arm(): void {
    if (this.#owner.isClosed) {
      this.#substitute = setTimeout(tick, this.#delayMs, this.#timer);
      if (!this.#timer.isReferenced) this.#substitute.unref();
    } else {
      this.#timer.deadlineMs = this.#queue.nowMs() + this.#delayMs;
      this.#queue.addTimer(this.#timer);
    }
  }

  #wakeTaker(): void {
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  }
}

function tick(timer: Timer): void {
  (timer.context as Interval).tick();
}
