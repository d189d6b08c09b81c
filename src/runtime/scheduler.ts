/**
 * The scheduler: one tick after the other, driven by libuv's loop as its host.
 *
 * A tick is one `enter` (submit, run task work, wait if nothing is ready), collecting the
 * completions, running them, firing the timers that are due. A turn of the host runs ticks until
 * the host has something to do itself, until nothing is left, or until `TICKS_PER_TURN_MAX`.
 *
 *        host's turn: timers -> poll (never sleeps) -> check ----------------> setImmediate
 *                                                        |
 *              +-------------------- tick ---------------+
 *              | enter -> collect -> run, drain each -> timers due, drain each |--+
 *              +---^-----------------------------------------------------------+  |
 *                  +------------- again, while the host is idle ------------------+
 *
 * User code never throws through here: the error is thrown again from a microtask, where
 * `uncaughtException` sees it. Hot path: no allocation, no closures, no polymorphism.
 */

import { AsyncResource } from 'node:async_hooks';
import {
  assert,
  EAGAIN,
  EBADR,
  EBUSY,
  ECANCELED,
  EINTR,
  ETIME,
  IORING_SETUP_NO_MMAP,
  POLLIN,
  prepPollAdd,
} from '../native/index.ts';
import type { HostLoop, Sqe } from '../native/index.ts';
import { BatchRunner } from './batch-runner.ts';
import type { SignalBinding } from './cancellation.ts';
import { rethrow } from './drain.ts';
import { DueTimers } from './due-timers.ts';
import { systemError } from './errors.ts';
import type { Metrics } from './metrics.ts';
import type { Complete, Operation } from './operation.ts';
import { OperationTable } from './operation-table.ts';
import type { PolledRing } from './polled-ring.ts';
import { PolledRings } from './polled-rings.ts';
import type { Pressure } from './pressure.ts';
import type { Ring } from './ring.ts';
import { BusyWait } from './busy-wait.ts';
import { QuietWatch } from './quiet-watch.ts';
import type { SchedulerParts } from './scheduler-parts.ts';
import { TimerHeap } from './timer-heap.ts';
import type { Timer } from './timer-heap.ts';
import { clearSubstitute, substituteTimer } from './timer-substitute.ts';
import type { Waiter } from './wait.ts';

/** Ticks in one turn of the host: enough to amortize its epoll_wait, few enough to stay fair. */
const TICKS_PER_TURN_MAX = 32;
/** Work in one turn, waiting not counted: the host's own timers and sockets want their turn. */
const TURN_BUSY_MS_MAX = 2;
/** How far the host's clock may lag behind before it is set: it decides how long a tick waits. */
const STALE_MS_MAX = 0.2;
/**
 * Each turn begins in the async context of nobody: what a callback that threw has left behind must
 * not be seen by those that follow.
 */
const SCOPE = new AsyncResource('onering');
/** Offset in words of `user_data` in an SQE. */
const SQE_USER_DATA = 8;

/** After this many refusals in a row the kernel has no memory for requests. */
const SUBMIT_ATTEMPTS_MAX = 1000;

export class Scheduler {
  readonly operations: OperationTable = new OperationTable();
  readonly timers: TimerHeap = new TimerHeap();
  /** Companions for files whose devices are polled. */
  readonly polled: PolledRings;
  /** Signals that operations in flight are bound to. */
  readonly signals: Map<AbortSignal, SignalBinding> = new Map();
  readonly ring: Ring;
  readonly #batch: BatchRunner;
  readonly #waiter: Waiter;
  readonly #loop: HostLoop;
  readonly #pressure: Pressure;
  readonly #metrics: Metrics;
  readonly #busyWait: BusyWait;
  readonly #minWaitCount: number;
  readonly #minWaitMicros: number;
  readonly #onFailure: (error: Error) => void;
  /** Operations that the scheduler itself began. */
  #internalBegun = 0;
  /** The record of our poll of the host, until it completes. */
  #hostPoll: Operation | null = null;
  #isRunning = false;
  #isReferenced = false;
  #isInTurn = false;
  #isStopped = false;
  #failure: Error | null = null;
  #isHostReady = false;
  #isHostPollArmed = false;
  /** When the host was last told the time. */
  #updatedMs = 0;
  readonly #onHostReady: Complete;
  readonly #quiet: QuietWatch;
  readonly #due: DueTimers;

  constructor(parts: SchedulerParts) {
    this.ring = parts.ring;
    this.#batch = new BatchRunner(this.operations, parts.ring.completions, parts.metrics);
    this.#waiter = parts.waiter;
    this.#loop = parts.loop;
    this.#pressure = parts.pressure;
    this.#metrics = parts.metrics;
    this.#busyWait = new BusyWait(parts.ring, parts.busyWaitMicros);
    this.#minWaitCount = parts.minWait.count;
    this.#minWaitMicros = parts.waiter.hasMinWait ? parts.minWait.micros : 0;
    this.#onFailure = parts.onFailure;
    this.#onHostReady = () => {
      this.#isHostReady = true;
      this.#isHostPollArmed = false;
      this.#hostPoll = null;
    };
    this.#quiet = new QuietWatch(parts.pressure, (error) => this.#fail(error));
    this.polled = new PolledRings(
      this.ring.kernel,
      (this.ring.flags & IORING_SETUP_NO_MMAP) !== 0,
      {
        operations: this.operations,
        metrics: parts.metrics,
        fail: (result) => this.#fail(systemError(result, 'io_uring_enter')),
      },
      parts.onPolledRing,
    );
    this.#due = new DueTimers(this.timers, parts.loop, parts.metrics, {
      nowMs: () => this.nowMs(),
      onHostDue: () => {
        this.#isHostReady = true;
      },
    });
    const turn = (): void => this.#turn();
    this.#loop.setTick(() => SCOPE.runInAsyncScope(turn));
  }

  /** Operations in flight that somebody asked for. */
  get inFlight(): number {
    return this.operations.inFlight - (this.#hostPoll?.isInFlight === true ? 1 : 0);
  }

  /** Operations ever begun, but for the scheduler's own. */
  get begun(): number {
    return this.operations.begun - this.#internalBegun;
  }

  /** Timers that somebody set. */
  get timerCount(): number {
    return this.timers.size - (this.#quiet.timer.index < 0 ? 0 : 1);
  }

  /** The time on the runtime's clock: milliseconds, fractional. */
  nowMs(): number {
    return this.ring.kernel.nowMs();
  }

  /**
   * Begins an operation: takes a record, and a slot that `sqe` points to until the next call. The
   * caller fills the slot at once with a prep function, and has checked every argument before.
   */
  begin(complete: Complete, syscall: string): Operation {
    assert(!this.#isStopped, 'A closed runtime begins nothing');
    if (this.ring.submissions.space === 0) this.#makeSpace(1);
    const operation = this.operations.acquire(complete, syscall);
    const { words, base } = this.ring.next();
    words[base + SQE_USER_DATA] = operation.index;
    words[base + SQE_USER_DATA + 1] = operation.generation;
    if (!this.#isRunning) this.#start();
    else if (!this.#isReferenced && !this.#isInTurn) this.#settleReference();
    return operation;
  }

  /** The same on a polled ring: its slot is the one to fill. */
  beginPolled(polled: PolledRing, complete: Complete, syscall: string): Operation {
    assert(!this.#isStopped, 'A closed runtime begins nothing');
    const operation = polled.begin(complete, syscall);
    if (!this.#isRunning) this.#start();
    else if (!this.#isReferenced && !this.#isInTurn) this.#settleReference();
    return operation;
  }

  /** The slot that `begin` took. */
  get sqe(): Sqe {
    return this.ring.submissions.sqe;
  }

  /** Makes sure that `count` operations that follow are submitted together: for linked chains. */
  reserve(count: number): void {
    if (this.ring.submissions.space < count) this.#makeSpace(count);
  }

  /** Adds a timer; it fires in the first tick at or after its deadline. */
  addTimer(timer: Timer): void {
    if (this.#isStopped) {
      substituteTimer(timer, timer.deadlineMs - this.nowMs());
      return;
    }
    this.timers.add(timer);
    if (!this.#isRunning) this.#start();
    else if (!this.#isReferenced && !this.#isInTurn) this.#settleReference();
  }

  /** Takes a timer back. Returns false when it has fired or was never added. */
  removeTimer(timer: Timer): boolean {
    if (clearSubstitute(timer)) return true;
    if (!this.timers.remove(timer)) return false;
    if (!this.#isInTurn) this.#settleHost();
    return true;
  }

  /** Changes whether a timer keeps the process alive. */
  setTimerReferenced(timer: Timer, isReferenced: boolean): void {
    this.timers.setReferenced(timer, isReferenced);
    if (!this.#isInTurn) this.#settleHost();
  }

  /** Changes whether an operation keeps the process alive. */
  setReferenced(operation: Operation, isReferenced: boolean): void {
    this.operations.setReferenced(operation, isReferenced);
    if (!this.#isInTurn) this.#settleHost();
  }

  /** Submits what is queued now and takes in what is complete; callbacks run in the next tick. */
  flush(): void {
    this.#enter();
    this.ring.completions.collect();
  }

  /** Collects and runs completions until nothing is in flight or the time is up: for closing. */
  drain(timeoutMs: number): boolean {
    const deadlineMs = this.nowMs() + timeoutMs;
    while (this.inFlight > 0 && this.#failure === null) {
      this.flush();
      this.#batch.run();
      const leftMs = deadlineMs - this.nowMs();
      if (this.inFlight === 0) break;
      if (leftMs <= 0) return false;
      this.#waiter.waitFor(Math.min(leftMs, 10), 1, 0);
    }
    return true;
  }

  /**
   * Takes in completions until nothing is in flight or the time is up, and tells nobody: for the
   * end of the thread. A descriptor that was still being made is closed.
   */
  discard(timeoutMs: number): boolean {
    const { kernel } = this.ring;
    const deadlineMs = this.nowMs() + timeoutMs;
    for (;;) {
      this.flush();
      if (this.#failure !== null) return false;
      this.#batch.drop(kernel);
      this.polled.drop();
      // Our own poll was canceled with everything else; who called this may be a completion.
      if (this.#batch.isLast) return true;
      const leftMs = deadlineMs - this.nowMs();
      if (leftMs <= 0) return false;
      this.#waiter.waitFor(this.polled.isBusy ? 0 : Math.min(leftMs, 10), 1, 0);
    }
  }

  /** Counts an operation that a signal aborted. */
  countAbort(): void {
    this.#metrics.aborts += 1;
  }

  /** Whether nothing can be begun any more. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Why the ring is broken, or `null`. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Resolves when another batch of completions has run, or the ring has broken. */
  nextBatch(): Promise<void> {
    return this.#batch.nextBatch();
  }

  /**
   * Ends every operation of a ring that is broken. Promises are rejected with the error, listeners
   * told that they were canceled. Nothing is released: the kernel may still use the memory.
   */
  failAll(error: Error): void {
    this.stop();
    this.operations.forEachInFlight((operation) => {
      try {
        if (operation.reject !== null) operation.reject(error);
        else operation.complete(-ECANCELED, 0, operation);
      } catch (thrown) {
        rethrow(thrown);
      }
    });
  }

  /** Takes the host back to running alone. Nothing may be begun afterwards. */
  stop(): void {
    this.#isStopped = true;
    if (this.#isRunning) this.#leaveHost();
    this.timers.remove(this.#quiet.timer);
    this.#handTimersOver();
  }

  /** Timers outlive the ring: what is left of each is waited for on Node's own. */
  #handTimersOver(): void {
    const nowMs = this.nowMs();
    for (;;) {
      const timer = this.timers.takeDue(Infinity, Infinity);
      if (timer === undefined) return;
      substituteTimer(timer, timer.deadlineMs - nowMs);
    }
  }

  #start(): void {
    this.#isRunning = true;
    this.#loop.start();
    if (!this.#isInTurn) this.#settleHost();
  }

  /** Tells the host whether to stay alive for our sake. */
  #settleReference(): void {
    const isReferenced = this.operations.referenced > 0 || this.timers.referenced > 0;
    if (isReferenced === this.#isReferenced) return;
    this.#isReferenced = isReferenced;
    this.#loop.setReferenced(isReferenced);
  }

  /** Tells the host whether to stay alive, or that there is nothing left to do. */
  #settleHost(): void {
    if (!this.#isRunning || this.#isStopped) return;
    this.#settleReference();
    if (this.inFlight === 0 && this.timers.size === 0 && this.ring.completions.count === 0) {
      this.#leaveHost();
    }
  }

  #leaveHost(): void {
    this.#isRunning = false;
    this.#loop.stop();
    if (this.#isReferenced) this.#loop.setReferenced(false);
    this.#isReferenced = false;
  }

  #turn(): void {
    if (this.#isStopped) return;
    this.#isInTurn = true;
    this.#batch.drains = true;
    this.#metrics.turns += 1;
    // Moves on with each wait, so that only work counts.
    const idleMs = this.nowMs() - this.#metrics.waitedMs;
    let isPaused = false;
    try {
      for (let ticks = 0; ticks < TICKS_PER_TURN_MAX; ticks += 1) {
        if (this.inFlight === 0 && this.timers.size === 0) break;
        if (!isPaused) {
          this.#loop.pause();
          isPaused = true;
        }
        this.#settleReference();
        if (ticks > 0 && this.#hasBeenBusy(idleMs)) break;
        const hostTimeoutMs = this.#loop.timeoutMs();
        this.#tick(hostTimeoutMs);
        if (hostTimeoutMs === 0 || this.#isHostReady || this.#isStopped) break;
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#isHostReady = false;
    this.#isInTurn = false;
    this.#batch.drains = false;
    if (this.#isStopped) return;
    if (isPaused) this.#loop.resume();
    if (this.timers.size > 0) this.#due.yieldToHost();
    this.#settleHost();
  }

  /** Whether the turn has worked for long enough. The host's clock follows long callbacks. */
  #hasBeenBusy(idleMs: number): boolean {
    const nowMs = this.nowMs();
    if (nowMs - this.#updatedMs > STALE_MS_MAX) {
      this.#loop.updateTime();
      this.#updatedMs = nowMs;
    }
    return nowMs - this.#metrics.waitedMs - idleMs >= TURN_BUSY_MS_MAX;
  }

  #tick(hostTimeoutMs: number): void {
    this.#metrics.ticks += 1;
    const { completions, submissions } = this.ring;
    const isReady = completions.count > 0 || completions.ready > 0;
    const isBusy = isReady || this.polled.isBusy;
    const timeoutMs = isBusy ? 0 : this.#timeoutMs(hostTimeoutMs);
    if (timeoutMs > 0) this.#wait(timeoutMs);
    else if (submissions.pending > 0 || submissions.hasTaskWork || submissions.hasOverflow) {
      this.#enter();
    }
    if (this.#isStopped) return;
    this.#pressure.observe(completions.ready, submissions.hasOverflow);
    completions.collect();
    this.#batch.run();
    if (this.polled.isBusy && this.polled.poll(this.#batch.drains)) this.#batch.tell();
    if (this.timers.size > 0) this.#due.fire(this.#isInTurn);
    if (this.#isStopped) return;
    this.#quiet.relieve();
    if (this.#quiet.isWanted) this.addTimer(this.#quiet.arm(this.nowMs()));
  }

  #timeoutMs(hostTimeoutMs: number): number {
    if (hostTimeoutMs === 0) return 0;
    const hostMs = hostTimeoutMs < 0 ? Infinity : hostTimeoutMs;
    const nextDeadlineMs = this.timers.nextDeadlineMs;
    if (nextDeadlineMs === Infinity) return hostMs;
    return Math.min(hostMs, nextDeadlineMs - this.nowMs());
  }

  #wait(timeoutMs: number): void {
    const startMs = this.nowMs();
    if (!this.#isHostPollArmed) this.#armHostPoll();
    if (this.ring.completions.count > 0) {
      // Arming took completions in, to make space: they are run first.
      this.#enter();
    } else if (this.#busyWait.isEnabled && this.#busyWait.spin(timeoutMs)) {
      this.#metrics.busyWaitHits += 1;
      this.#enter();
    } else {
      this.#metrics.waits += 1;
      const spunMs = this.#busyWait.isEnabled ? this.nowMs() - startMs : 0;
      const count = this.#minWaitMicros > 0 ? this.#minWaitCount : 1;
      const leftMs = Math.max(0, timeoutMs - spunMs);
      this.#check(this.#waiter.waitFor(leftMs, count, this.#minWaitMicros));
    }
    this.#loop.updateTime();
    this.#updatedMs = this.nowMs();
    this.#metrics.waitedMs += this.#updatedMs - startMs;
  }

  /** Looks at the level when it is armed, and fires once: see ARCHITECTURE.md for why not more. */
  #armHostPoll(): void {
    this.#isHostPollArmed = true;
    this.#internalBegun += 1;
    const operation = this.begin(this.#onHostReady, 'poll');
    this.#hostPoll = operation;
    this.operations.setReferenced(operation, false);
    prepPollAdd(this.sqe, this.#loop.backendFd, POLLIN);
  }

  #enter(): void {
    this.#check(this.ring.enter(0, 0, 0, 0));
  }

  /** Every result of `enter`, considered. */
  #check(result: number): void {
    if (result >= 0 || result === -ETIME || result === -EINTR) return;
    if (result === -EAGAIN || result === -EBUSY) {
      // No memory for requests, or the completion queue must be emptied first: what was not
      // consumed stays in the queue and goes with the next enter.
      this.#metrics.submitRetries += 1;
      return;
    }
    if (result === -EBADR) {
      // The kernel had no memory left to keep an overflowed completion.
      this.#metrics.lostCompletions = this.ring.completions.lost;
    }
    this.#fail(systemError(result, 'io_uring_enter'));
  }

  /** The ring is broken: it is not entered again. */
  #fail(error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.stop();
    this.#batch.tell();
    this.#onFailure(this.#failure);
  }

  /** Submits early, because the submission queue is full. Completions are run in the next tick. */
  #makeSpace(count: number): void {
    const { submissions, completions } = this.ring;
    assert(count <= submissions.entries, 'A chain fits into the submission queue');
    this.#metrics.fullSubmissionQueues += 1;
    for (let attempt = 0; submissions.space < count; attempt += 1) {
      // Each attempt empties the completion queue, which is what the kernel may be waiting for.
      if (attempt > SUBMIT_ATTEMPTS_MAX) throw systemError(-EAGAIN, 'io_uring_enter');
      this.#enter();
      if (this.#failure !== null) throw this.#failure;
      this.#pressure.observe(completions.ready, submissions.hasOverflow);
      completions.collect();
      this.#quiet.relieve();
      if (this.#failure !== null) throw this.#failure;
    }
  }
}
