/**
 * The simulated host loop: `HostLoop` driven turn by turn by a test.
 *
 * It answers as libuv does: the timeout is 0 unless the idle handle is paused, and when nothing
 * keeps the loop alive; a stopped loop calls no tick. Each turn runs in a macrotask of its own, so
 * that ticks and microtasks are drained by whom they are drained in a program.
 */

import { assert } from '../../src/native/assert.ts';
import type { HostLoop } from '../../src/native/loop.ts';
import type { SimKernel } from './sim-kernel.ts';

/** Turns after which a test that waits for something has failed. */
const TURNS_MAX = 10_000;

export class SimLoop implements HostLoop {
  readonly backendFd: number;
  isStarted = false;
  isPaused = false;
  isReferenced = false;
  /** What the loop would sleep: milliseconds, 0 not at all, -1 for ever. */
  sleepMs = -1;
  /** Whether something of the host's own keeps it alive: a server, a timer. */
  hasOwnWork = false;
  /** How often the loop was told that time has passed. */
  timeUpdates = 0;
  /** Turns in which the tick was called. */
  turns = 0;
  readonly #kernel: SimKernel;
  #tick: () => void = () => {};

  constructor(kernel: SimKernel) {
    this.#kernel = kernel;
    this.backendFd = kernel.openDescriptor();
  }

  /** Makes the loop's own descriptor readable, as a timer, a thread or a signal would. */
  setReady(isReady: boolean): void {
    this.#kernel.setReady(this.backendFd, isReady);
  }

  /** One turn of the host. Its own work, if it had any, is done by then. */
  async turn(): Promise<void> {
    await macrotask(() => {
      this.setReady(false);
      if (!this.isStarted) return;
      this.turns += 1;
      this.#tick();
      assert(!this.isPaused || !this.isStarted, 'The idle handle runs again after a turn');
    });
  }

  /** Turns until `isDone` answers true. */
  async turnUntil(isDone: () => boolean): Promise<void> {
    for (let turns = 0; !isDone(); turns += 1) {
      assert(turns < TURNS_MAX, 'What a test waits for happens');
      assert(this.isStarted, 'A loop with nothing to do changes nothing any more');
      await this.turn();
    }
  }

  /** Turns until the scheduler leaves the loop alone, or nothing keeps the loop alive. */
  async turnUntilStopped(): Promise<void> {
    await this.turnUntil(() => !this.isStarted || !this.#isAlive);
  }

  setTick(tick: () => void): void {
    this.#tick = tick;
  }

  start(): void {
    this.isStarted = true;
    this.isPaused = false;
  }

  stop(): void {
    this.isStarted = false;
    this.isPaused = false;
  }

  pause(): void {
    assert(this.isStarted, 'Only a running loop is paused');
    this.isPaused = true;
  }

  resume(): void {
    assert(this.isStarted, 'Only a running loop is resumed');
    this.isPaused = false;
  }

  setReferenced(isReferenced: boolean): void {
    this.isReferenced = isReferenced;
  }

  timeoutMs(): number {
    return this.isPaused && this.#isAlive ? this.sleepMs : 0;
  }

  get #isAlive(): boolean {
    return this.isReferenced || this.hasOwnWork;
  }

  updateTime(): void {
    this.timeUpdates += 1;
  }
}

/** Runs a function outside of any microtask, where `process._tickCallback` does its work. */
export function macrotask<T>(run: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(run());
      } catch (error) {
        reject(error);
      }
    });
  });
}
