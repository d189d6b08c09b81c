/**
 * Trial: one experiment on throw-away rings, and the end of everything that it opened.
 *
 * It is synchronous: an experiment submits, waits for at most a second, and looks at what came. The
 * thread's own runtime takes no part in it. At the end operations are canceled and collected first,
 * rings closed next, memory given back last; what the kernel will not let go of is leaked instead.
 */

import { isMainThread } from 'node:worker_threads';
import {
  EINTR,
  errnoName,
  ETIME,
  IORING_ASYNC_CANCEL_ALL,
  IORING_ASYNC_CANCEL_ANY,
  IORING_CQE_F_MORE,
  IORING_REGISTER_SYNC_CANCEL,
  PAGE_SIZE,
  writeSyncCancelReg,
} from '../native/index.ts';
import type { Kernel, Memory, Sqe } from '../native/index.ts';
import { CQE_WORDS } from './completion-queue.ts';
import { SystemError } from './errors.ts';
import { Ring } from './ring.ts';
import { Waiter } from './wait.ts';

/** One completion of a trial's operation. */
export interface TrialCompletion {
  readonly result: number;
  readonly flags: number;
}

/** How long anything in a trial may take. */
const OPERATION_TIMEOUT_MS = 1000;
/** Small enough for a tight RLIMIT_MEMLOCK. */
const ENTRIES = 4;
const COMPLETION_ENTRIES = 8;
/** Offset in words of `user_data` in an SQE. */
const SQE_USER_DATA = 8;

/** Why an experiment did not work out. */
export class TrialFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TrialFailure';
  }
}

/** Returns what a call returned, or fails with the name of its error. */
export function accepted(result: number, call: string): number {
  if (result < 0) throw new TrialFailure(`${call} failed with ${errnoName(-result)}`);
  return result;
}

/** The same for calls that make something. */
export function made<T extends object>(value: T | number, call: string): T {
  if (typeof value === 'number') throw new TrialFailure(`${call} failed with ${errnoName(-value)}`);
  return value;
}

/** Fails unless the kernel behaved as the feature promises. */
export function demand(condition: boolean, message: string): void {
  if (!condition) throw new TrialFailure(message);
}

/** Runs an experiment. Returns why it did not work out, or `null` where it did. */
export function attempt(kernel: Kernel, experiment: (trial: Trial) => void): string | null {
  const trial = new Trial(kernel);
  try {
    experiment(trial);
    return null;
  } catch (error) {
    if (error instanceof TrialFailure) return error.message;
    if (error instanceof SystemError) return `${error.syscall} failed with ${error.code}`;
    throw error;
  } finally {
    trial.end();
  }
}

export class Trial {
  readonly kernel: Kernel;
  readonly #rings: TrialRing[] = [];
  readonly #descriptors: number[] = [];
  readonly #memory: { free(): void }[] = [];

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /** Opens a small ring like a runtime's; with slots, its wait region is registered. */
  ring(wantsSlots = false): TrialRing {
    const request = {
      entries: ENTRIES,
      completionEntries: COMPLETION_ENTRIES,
      usesOwnMemory: !isMainThread,
    };
    const page = this.pages(1);
    const ring = made(Ring.create(this.kernel, request), 'io_uring_setup');
    const trialRing = new TrialRing(this, ring, new Waiter(ring, page, wantsSlots));
    this.#rings.push(trialRing);
    accepted(ring.enable(), 'IORING_REGISTER_ENABLE_RINGS');
    return trialRing;
  }

  /** Maps zeroed pages. */
  pages(count: number): Memory {
    const memory = made(this.kernel.allocate(count * PAGE_SIZE), 'mmap');
    this.freeAtEnd(memory);
    return memory;
  }

  /** Has a descriptor closed at the end, even if the thread is terminated before. */
  own(fd: number): number {
    this.kernel.closeOnExit(fd);
    this.#descriptors.push(fd);
    return fd;
  }

  /** Has memory that the kernel uses given back after the rings are closed. */
  freeAtEnd(memory: { free(): void }): void {
    this.#memory.push(memory);
  }

  /** Undoes everything. */
  end(): void {
    const areDone = this.#rings.map((ring) => ring.cancel());
    for (const ring of this.#rings) ring.close();
    for (const fd of this.#descriptors) this.kernel.close(fd);
    if (areDone.includes(false)) return;
    for (const memory of this.#memory) memory.free();
  }
}

/** A ring of a trial. Operations are told apart by the tag that `begin` returns. */
export class TrialRing {
  readonly ring: Ring;
  readonly waiter: Waiter;
  readonly #trial: Trial;
  readonly #arrived: (TrialCompletion & { readonly tag: number })[] = [];
  readonly #makers = new Set<number>();
  readonly #inFlight = new Set<number>();
  #tag = 0;

  constructor(trial: Trial, ring: Ring, waiter: Waiter) {
    this.#trial = trial;
    this.ring = ring;
    this.waiter = waiter;
  }

  /** Queues the operation that `prepare` fills in; the next wait submits it. */
  begin(prepare: (sqe: Sqe) => void, makes?: 'descriptor'): number {
    demand(this.ring.submissions.space > 0, 'The submission queue is full');
    this.#tag += 1;
    const sqe = this.ring.next();
    prepare(sqe);
    sqe.words[sqe.base + SQE_USER_DATA] = this.#tag;
    sqe.words[sqe.base + SQE_USER_DATA + 1] = 0;
    if (makes === 'descriptor') this.#makers.add(this.#tag);
    this.#inFlight.add(this.#tag);
    return this.#tag;
  }

  /** Waits for the next completion of an operation. */
  take(tag: number): TrialCompletion {
    const deadlineMs = this.#trial.kernel.nowMs() + OPERATION_TIMEOUT_MS;
    for (;;) {
      const index = this.#arrived.findIndex((completion) => completion.tag === tag);
      const [completion] = index === -1 ? [] : this.#arrived.splice(index, 1);
      if (completion !== undefined) return completion;
      const leftMs = deadlineMs - this.#trial.kernel.nowMs();
      demand(leftMs > 0, 'No completion came');
      const result = this.waiter.waitFor(leftMs, 1, 0);
      if (result !== -ETIME && result !== -EINTR) accepted(result, 'io_uring_enter');
      this.collect();
    }
  }

  /** Submits an operation and waits for its completion. */
  run(prepare: (sqe: Sqe) => void): TrialCompletion {
    return this.take(this.begin(prepare));
  }

  /** Looks at what has come without waiting. Returns how many completions that were. */
  collect(): number {
    const { completions } = this.ring;
    const count = completions.collect();
    for (let i = 0; i < count; i += 1) {
      const [tag = 0, , result = 0, flags = 0] = completions.batch.subarray(i * CQE_WORDS);
      if ((flags & IORING_CQE_F_MORE) === 0) this.#inFlight.delete(tag);
      if (this.#makers.has(tag) && result >= 0) this.#trial.own(result);
      this.#arrived.push({ tag, result, flags });
    }
    completions.count = 0;
    return count;
  }

  /** Cancels what is in flight. Returns whether the kernel has let go of all of it. */
  cancel(): boolean {
    this.collect();
    if (this.#inFlight.size === 0) return true;
    const { ring } = this;
    // What was queued and never submitted is submitted, so that all of it ends the same way.
    ring.enter(0, 0, 0, 0);
    writeSyncCancelReg(ring.scratch.buffer, 0, {
      flags: IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
      timeoutSeconds: 1,
    });
    ring.register(IORING_REGISTER_SYNC_CANCEL, ring.scratch.address, 1);
    const deadlineMs = this.#trial.kernel.nowMs() + OPERATION_TIMEOUT_MS;
    this.collect();
    while (this.#inFlight.size > 0 && this.#trial.kernel.nowMs() < deadlineMs) {
      this.waiter.waitFor(10, 1, 0);
      this.collect();
    }
    return this.#inFlight.size === 0;
  }

  /** Releases the ring, or only its descriptor while the kernel still uses its memory. */
  close(): void {
    if (this.#inFlight.size === 0) this.ring.close();
    else this.ring.abandon();
  }
}
