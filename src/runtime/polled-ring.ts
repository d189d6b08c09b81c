/**
 * The polled storage ring: the companion of the thread's ring for files whose device is polled
 * instead of interrupting (`IORING_SETUP_IOPOLL`). Polling is a property of a whole ring, and such
 * a ring takes little but reads and writes of files opened with `O_DIRECT`.
 *
 *   hybrid   the kernel sleeps once for half of the device's usual time, then spins. Linux 6.13+.
 *   busy     it spins from the start. Linux 5.1+.
 *
 * Nothing tells when a device is done: completions appear only while somebody enters. So while it
 * has work the scheduler enters both rings in each tick and sleeps in neither; and this ring is
 * never entered to wait, because nothing but the device itself would end that wait. What is in
 * flight here cannot be canceled: an abort takes effect when the device has answered.
 *
 * Operations are records of the scheduler's table, so one completion finds its operation whichever
 * ring it came from.
 */

import {
  EAGAIN,
  EBUSY,
  EINTR,
  IORING_SETUP_HYBRID_IOPOLL,
  IORING_SETUP_IOPOLL,
} from '../native/index.ts';
import type { Kernel, Sqe } from '../native/index.ts';
import { BatchRunner } from './batch-runner.ts';
import { systemError } from './errors.ts';
import type { Metrics } from './metrics.ts';
import type { Complete, Operation } from './operation.ts';
import type { OperationTable } from './operation-table.ts';
import { Ring } from './ring.ts';

/** How a device is polled. */
export type PollMode = 'hybrid' | 'busy';

/** Devices have queues of 32 to 1024; what is more waits in the submission queue. */
const ENTRIES = 256;
const COMPLETION_ENTRIES = 1024;
/** Offset in words of `user_data` in an SQE. */
const SQE_USER_DATA = 8;
/** After this many refusals in a row the kernel has no memory for requests. */
const SUBMIT_ATTEMPTS_MAX = 1000;

/** What a polled ring shares with the scheduler that drives it. */
export interface PolledRingHost {
  readonly operations: OperationTable;
  readonly metrics: Metrics;
  /** The ring is broken: takes `-errno` of an `enter`. */
  fail(result: number): void;
}

export class PolledRing {
  readonly ring: Ring;
  readonly mode: PollMode;
  /** Operations that the device has not answered. */
  inFlight = 0;
  readonly #host: PolledRingHost;
  readonly #batch: BatchRunner;
  #isBroken = false;

  private constructor(ring: Ring, mode: PollMode, host: PolledRingHost) {
    this.ring = ring;
    this.mode = mode;
    this.#host = host;
    this.#batch = new BatchRunner(host.operations, ring.completions, host.metrics);
  }

  /** Makes an enabled ring. Returns `-errno`: `-EINVAL` where the kernel lacks the mode. */
  static create(
    kernel: Kernel,
    mode: PollMode,
    usesOwnMemory: boolean,
    host: PolledRingHost,
  ): PolledRing | number {
    const hybrid = mode === 'hybrid' ? IORING_SETUP_HYBRID_IOPOLL : 0;
    const ring = Ring.create(kernel, {
      entries: ENTRIES,
      completionEntries: COMPLETION_ENTRIES,
      usesOwnMemory,
      extraFlags: IORING_SETUP_IOPOLL | hybrid,
    });
    if (typeof ring === 'number') return ring;
    const enabled = ring.enable();
    if (enabled < 0) {
      ring.close();
      return enabled;
    }
    return new PolledRing(ring, mode, host);
  }

  /** Whether there is something to submit, to look for, or to run. */
  get isBusy(): boolean {
    return this.inFlight > 0 || this.ring.completions.count > 0;
  }

  /** The slot that `begin` took. */
  get sqe(): Sqe {
    return this.ring.submissions.sqe;
  }

  /** As `Scheduler.begin`, which calls it. */
  begin(complete: Complete, syscall: string): Operation {
    if (this.ring.submissions.space === 0) this.#makeSpace();
    const operation = this.#host.operations.acquire(complete, syscall);
    const { words, base } = this.ring.next();
    words[base + SQE_USER_DATA] = operation.index;
    words[base + SQE_USER_DATA + 1] = operation.generation;
    this.inFlight += 1;
    this.#host.metrics.polledOperations += 1;
    return operation;
  }

  /**
   * Submits what is queued, looks at the device once, and runs what it has completed. Returns how
   * many operations that were.
   */
  poll(drains: boolean): number {
    this.#enter();
    this.inFlight -= this.ring.completions.collect();
    const { count } = this.ring.completions;
    this.#batch.drains = drains;
    this.#batch.run();
    this.#batch.drains = false;
    return count;
  }

  /** The same, and tells nobody: for the end of the thread. */
  drop(): void {
    this.#enter();
    this.inFlight -= this.ring.completions.collect();
    this.#batch.drop(this.ring.kernel);
  }

  #enter(): void {
    const result = this.ring.enter(0, 0, 0, 0);
    if (result >= 0 || result === -EINTR) return;
    if (result === -EAGAIN || result === -EBUSY) this.#host.metrics.submitRetries += 1;
    else this.#break(result);
  }

  #break(result: number): void {
    this.#isBroken = true;
    this.#host.fail(result);
  }

  /** Submits early, because the submission queue is full. Completions run in the next tick. */
  #makeSpace(): void {
    const { submissions, completions } = this.ring;
    this.#host.metrics.fullSubmissionQueues += 1;
    for (let attempt = 0; submissions.space === 0; attempt += 1) {
      if (attempt > SUBMIT_ATTEMPTS_MAX) this.#break(-EAGAIN);
      else this.#enter();
      if (this.#isBroken) throw systemError(-EAGAIN, 'io_uring_enter');
      this.inFlight -= completions.collect();
    }
  }
}
