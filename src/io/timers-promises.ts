/**
 * Drop-in for `node:timers/promises`: deadlines in the runtime's heap, met by the ring's own wait,
 * so a fraction of a millisecond counts.
 *
 * What the ring has no part in is left to Node's own functions: immediates, every timer where
 * there is no ring, arguments that Node refuses, and aborts. Codes, messages and warnings are
 * therefore those of the Node that runs, whichever it is.
 */

import { addAbortListener } from 'node:events';
import * as node from 'node:timers/promises';
import { Interval, runtime, Sleep } from '../runtime/index.ts';
import type { TimerQueue } from '../runtime/index.ts';

/** Above this Node makes the delay 1. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** Settings of a timer. */
export interface TimerOptions {
  /**
   * Whether it keeps the process alive.
   * @defaultValue true
   */
  ref?: boolean | undefined;
  /**
   * Aborting it ends the timer early.
   * @defaultValue none
   */
  signal?: AbortSignal | undefined;
}

/**
 * Resolves after a delay.
 *
 * Differs from Node: fractional milliseconds are honored, also below 1. A delay of 0 is 1 ms, as
 * in Node. Mock timers that replace Node's own do not replace this one.
 *
 * @remarks
 * It costs no system call: the earliest deadline ends the ring's next wait. It is never early, and
 * late by what runs meanwhile and by the kernel's timer slack, 50 µs unless changed. When the
 * runtime is closed, it goes on with Node's timers for the time that is left.
 *
 * @param delay - milliseconds; what Node cannot use becomes 1, with Node's warning.
 * @param value - what the promise resolves to.
 * @param options - `ref: false` lets the process end before it is over, `signal` ends it early.
 * @returns a promise of `value`.
 * @throws `ERR_INVALID_ARG_TYPE` for wrong arguments, `ABORT_ERR` with the signal's reason as
 *   `cause`: both reject the promise.
 * @example
 * ```ts
 * import { setTimeout } from 'onering/timers/promises';
 *
 * console.log(await setTimeout(0.25, 'a quarter of a millisecond later'));
 * ```
 * @see https://nodejs.org/api/timers.html#timerspromisessettimeoutdelay-value-options
 */
export function setTimeout<T = void>(
  delay?: number,
  value?: T,
  options: TimerOptions = {},
): Promise<T> {
  const queue = isOrdinary(delay, options) ? timerQueue() : undefined;
  if (queue === undefined) return node.setTimeout(delay, value, options);
  const { signal, ref = true } = options;
  const sleep = new Sleep(queue, effectiveDelayMs(delay), value as T, ref);
  if (signal === undefined) return sleep.promise;
  const listener = addAbortListener(signal, () => sleep.end(rejectAborted(signal)));
  return sleep.promise.finally(() => listener[Symbol.dispose]());
}

/**
 * Resolves after libuv's poll phase. It is Node's own function: immediates stay with libuv, which
 * is the host of the ring.
 *
 * @param value - what the promise resolves to.
 * @param options - `ref` and `signal`, as for `setTimeout`.
 * @returns a promise of `value`.
 * @throws as `setTimeout` does.
 * @example
 * ```ts
 * import { setImmediate } from 'onering/timers/promises';
 *
 * console.log(await setImmediate('after the poll phase'));
 * ```
 * @see https://nodejs.org/api/timers.html#timerspromisessetimmediatevalue-options
 */
export const setImmediate: typeof node.setImmediate = node.setImmediate;

/**
 * Iterates over ticks. Ticks that come while the loop's body waits are counted, and delivered one
 * after the other; leaving the loop ends them.
 *
 * Differs from Node: fractional milliseconds are honored, as in `setTimeout`.
 *
 * @remarks
 * Time starts with the first `next()`. Each tick counts from the one before it, so a thread that
 * was busy for several periods finds one. When the runtime is closed, ticks go on with Node's
 * timers.
 *
 * @param delay - milliseconds between two ticks, as for `setTimeout`.
 * @param value - what each tick yields.
 * @param options - `ref` and `signal`, as for `setTimeout`.
 * @returns an async iterator.
 * @throws as `setTimeout` does, from `next()`. Ticks from before an abort are delivered first.
 * @example
 * ```ts
 * import { setInterval } from 'onering/timers/promises';
 *
 * let ticks = 0;
 * for await (const text of setInterval(0.5, 'tick')) {
 *   console.log(text);
 *   ticks += 1;
 *   if (ticks === 3) break;
 * }
 * ```
 * @see https://nodejs.org/api/timers.html#timerspromisessetintervaldelay-value-options
 */
export async function* setInterval<T = void>(
  delay?: number,
  value?: T,
  options: TimerOptions = {},
): AsyncGenerator<T, undefined> {
  const queue = isOrdinary(delay, options) ? timerQueue() : undefined;
  if (queue === undefined) return yield* node.setInterval(delay, value, options);
  const { signal, ref = true } = options;
  const interval = new Interval(runtime(), queue, effectiveDelayMs(delay), ref);
  let listener: Disposable | undefined;
  try {
    if (signal !== undefined) listener = addAbortListener(signal, () => interval.stop());
    while (!interval.isStopped) {
      if (interval.ticks === 0) await interval.nextTick();
      for (; interval.ticks > 0; interval.ticks -= 1) yield value as T;
    }
    return await rejectAborted(signal);
  } finally {
    interval.stop();
    listener?.[Symbol.dispose]();
  }
}

/** `scheduler` of `node:timers/promises`. */
export interface TimersScheduler {
  /**
   * Resolves after a delay, as `setTimeout` does.
   *
   * @param delay - milliseconds, as for `setTimeout`.
   * @param options - `signal`, as for `setTimeout`.
   * @returns a promise of nothing.
   * @throws `ERR_INVALID_THIS` when called on something else, and as `setTimeout` does.
   * @example
   * ```ts
   * import { scheduler } from 'onering/timers/promises';
   *
   * await scheduler.wait(2.5);
   * ```
   */
  wait(delay: number, options?: { signal?: AbortSignal }): Promise<void>;
  /**
   * Lets everything else run first, as `setImmediate` does.
   *
   * @returns a promise of nothing.
   * @throws `ERR_INVALID_THIS` when called on something else.
   * @example
   * ```ts
   * import { scheduler } from 'onering/timers/promises';
   *
   * await scheduler.yield();
   * ```
   */
  yield(): Promise<void>;
}

const isScheduler = Symbol('isScheduler');

/** As in Node, there is one, and nobody makes another. */
class Scheduler implements TimersScheduler {
  declare readonly [isScheduler]?: true;

  constructor() {
    Reflect.construct(node.scheduler.constructor, []);
  }

  yield(): Promise<void> {
    if (!this[isScheduler]) return node.scheduler.yield.call(this);
    return setImmediate();
  }

  wait(delay: number, options?: { signal?: AbortSignal }): Promise<void> {
    if (!this[isScheduler]) return node.scheduler.wait.call(this, delay, options);
    return setTimeout(delay, undefined, options);
  }
}

/**
 * The two calls of the Scheduling APIs draft that Node has.
 *
 * @example
 * ```ts
 * import { scheduler } from 'onering/timers/promises';
 *
 * await scheduler.yield();
 * await scheduler.wait(0.5);
 * ```
 * @see https://nodejs.org/api/timers.html#timerspromisesschedulerwaitdelay-options
 */
export const scheduler: TimersScheduler = Object.create(Scheduler.prototype, {
  [isScheduler]: { value: true, enumerable: true },
});

const timersPromises: {
  setTimeout: typeof setTimeout;
  setImmediate: typeof setImmediate;
  setInterval: typeof setInterval;
  scheduler: TimersScheduler;
} = { setTimeout, setImmediate, setInterval, scheduler };

export default timersPromises;

/** Whether the ring can do it: no argument that Node refuses, and no signal that is aborted. */
function isOrdinary(delay: unknown, options: unknown): boolean {
  if (delay !== undefined && typeof delay !== 'number') return false;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return false;
  const { signal, ref }: { signal?: unknown; ref?: unknown } = options;
  if (ref !== undefined && typeof ref !== 'boolean') return false;
  if (signal === undefined) return true;
  if (typeof signal !== 'object' || signal === null || !('aborted' in signal)) return false;
  return !signal.aborted;
}

/** Where this thread's timers go, if not to Node's own. */
function timerQueue(): TimerQueue | undefined {
  const ring = runtime();
  return ring.isClosed ? undefined : ring.engine?.scheduler;
}

function effectiveDelayMs(delay = 1): number {
  if (delay > 0 && delay <= DELAY_MS_MAX) return delay;
  // Node warns of some of these; of which ones, and how often, depends on its version.
  if (delay !== 0) clearTimeout(globalThis.setTimeout(ignore, delay));
  return 1;
}

function ignore(): void {}

/** Rejects with Node's `AbortError`, which has no public constructor. */
function rejectAborted(signal: AbortSignal | undefined): Promise<never> {
  const aborted = { aborted: true, reason: signal?.reason } as AbortSignal;
  return node.setTimeout(1, undefined, { signal: aborted }) as Promise<never>;
}
