/**
 * Lanes: as many operations in flight as a scenario says, by promise or by callback.
 *
 * In a closed loop each lane starts its next operation when its last one is over. At a fixed rate
 * operations become due in bursts, with each beat of the 1 ms timer; latency then counts from the
 * time at which the beat was due, and what finds no free lane waits in line and is not forgiven.
 */

import type { Done, Started, Work } from '../workloads/workload.ts';
import type { Window } from './window.ts';

/** Runs work until the window is over and nothing is in flight. */
export async function runLanes(work: Work, window: Window): Promise<void> {
  window.open();
  const lane = work.style === 'promise' ? promiseLane : callbackLane;
  await Promise.all(Array.from({ length: work.lanes }, (_, index) => lane(work, window, index)));
}

async function promiseLane(work: Work, window: Window, lane: number): Promise<void> {
  while (!window.isStopping) {
    const number = window.take();
    const startMs = window.isTimed(number) ? performance.now() : 0;
    const result = await work.start(number, lane, ignore);
    window.complete(work.check(number, lane, result), startMs);
  }
}

/** One closure a lane, made before the run, as a careful user of callbacks has it. */
function callbackLane(work: Work, window: Window, lane: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let number = 0;
    let startMs = 0;
    const next = (): void => {
      number = window.take();
      startMs = window.isTimed(number) ? performance.now() : 0;
      void work.start(number, lane, done);
    };
    const done = (error: unknown, result: unknown): void => {
      if (error !== null && error !== undefined) {
        reject(error instanceof Error ? error : new Error('The driver has failed'));
        return;
      }
      window.complete(work.check(number, lane, result), startMs);
      if (window.isStopping) resolve();
      else next();
    };
    next();
  });
}

/** Starts work on the beats of a timer; see the header. */
export class PacedLanes {
  readonly #work: Work;
  readonly #rate: number;
  readonly #free: number[];
  readonly #due: number[] = [];
  #window: Window | null = null;
  #owed = 0;
  #lastBeatMs = 0;
  #onDone: (() => void) | null = null;
  #onFail: ((error: unknown) => void) | null = null;

  constructor(work: Work, rate: number) {
    this.#work = work;
    this.#rate = rate;
    this.#free = Array.from({ length: work.lanes }, (_, lane) => lane);
  }

  /** Runs until the window is over; `beat` must be what its timer calls. */
  run(window: Window): Promise<void> {
    this.#window = window;
    this.#lastBeatMs = performance.now();
    window.open();
    return new Promise((resolve, reject) => {
      this.#onDone = resolve;
      this.#onFail = reject;
    });
  }

  readonly beat = (dueMs: number): void => {
    const window = this.#window;
    if (window === null || window.isStopping) return;
    this.#owed += ((dueMs - this.#lastBeatMs) / 1000) * this.#rate;
    this.#lastBeatMs = dueMs;
    for (; this.#owed >= 1; this.#owed -= 1) this.#due.push(dueMs);
    this.#startDue(window);
  };

  #startDue(window: Window): void {
    while (this.#due.length > 0 && this.#free.length > 0) {
      const lane = this.#free.pop() ?? 0;
      this.#start(window, lane, this.#due.shift() ?? 0);
    }
  }

  #start(window: Window, lane: number, dueMs: number): void {
    const number = window.take();
    const done = (error: unknown, result: unknown): void => {
      if (error !== null && error !== undefined) {
        this.#onFail?.(error);
        return;
      }
      this.#free.push(lane);
      window.complete(this.#work.check(number, lane, result), dueMs);
      if (!window.isStopping) this.#startDue(window);
      else if (this.#free.length === this.#work.lanes) this.#onDone?.();
    };
    const started = this.#work.start(number, lane, done);
    if (this.#work.style === 'promise') void settle(started, done);
  }
}

/** Lets a driver of promises call back. */
async function settle(started: Started, done: Done): Promise<void> {
  try {
    done(null, await started);
  } catch (error) {
    done(error, null);
  }
}

function ignore(): void {
  // Work in promises never calls back.
}
