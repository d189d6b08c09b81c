/**
 * Multishot: one submission, many completions, as an async iterator.
 *
 * The kernel may end such an operation at any completion (no `F_MORE`): for want of room or of
 * buffers, or because it is over. The first kind is armed again here and counted; the second kind,
 * an error or the consumer leaving, ends the iteration. Completions that nobody has asked for yet
 * wait in a list. When it is long the operation is canceled, and armed again when it is empty: what
 * the kernel has meanwhile stays where it was.
 */

import { ECANCELED, ENOBUFS, IORING_CQE_F_MORE, prepNop } from '../native/index.ts';
import type { Sqe } from '../native/index.ts';
import { cancelOperation } from './cancellation.ts';
import { systemError } from './errors.ts';
import type { Metrics } from './metrics.ts';
import { ignoreCompletion } from './operation.ts';
import type { Operation } from './operation.ts';
import type { Scheduler } from './scheduler.ts';
import type { SubmitOptions } from './submit.ts';

/** One completion of a multishot operation. */
export interface MultishotCompletion {
  /** The kernel's result, 0 or more. */
  readonly result: number;
  /** `IORING_CQE_F_*`. */
  readonly flags: number;
}

interface Waiting {
  resolve(result: IteratorResult<MultishotCompletion, undefined>): void;
  reject(reason: unknown): void;
}

/** Completions that wait before the operation pauses: a burst, not a leak. */
const WAITING_MAX = 1024;

type State = 'armed' | 'ending' | 'ended';

/**
 * Iterates over the completions of one operation; made by `Runtime.multishot`.
 *
 * @example
 * ```ts
 * import { prep, runtime } from 'onering';
 *
 * const ring = runtime();
 * if (ring.backend === 'uring') {
 *   const completions = ring.multishot((sqe) => prep.prepNop(sqe));
 *   console.log((await completions.next()).done); // false
 *   await completions.return();
 * }
 * ```
 */
export class MultishotOperation implements AsyncIterableIterator<MultishotCompletion, undefined> {
  readonly #scheduler: Scheduler;
  readonly #metrics: Metrics;
  readonly #prepare: (sqe: Sqe) => void;
  readonly #options: SubmitOptions;
  readonly #completions: MultishotCompletion[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #onEnd: (() => void)[] = [];
  #operation: Operation | null = null;
  #state: State = 'armed';
  /** The consumer is far behind: the operation is being, or has been, canceled for that. */
  #isPaused = false;
  #failure: { readonly reason: unknown } | null = null;
  readonly #onAbort = (): void => {
    this.#failure ??= { reason: this.#options.signal?.reason };
    this.#cancel();
    if (this.#operation === null) this.#end();
  };

  /** @internal */
  constructor(
    scheduler: Scheduler,
    metrics: Metrics,
    prepare: (sqe: Sqe) => void,
    options: SubmitOptions,
  ) {
    this.#scheduler = scheduler;
    this.#metrics = metrics;
    this.#prepare = prepare;
    this.#options = options;
    this.#arm();
    // The first time the caller is there to hear of it.
    if (this.#failure !== null) throw this.#failure.reason;
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Waits for the next completion. */
  next(): Promise<IteratorResult<MultishotCompletion, undefined>> {
    const value = this.#completions.shift();
    if (value !== undefined) return Promise.resolve({ value, done: false });
    this.#resume();
    if (this.#state === 'ended') return this.#ended();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Cancels the operation and waits until the kernel has let go. */
  async return(): Promise<IteratorResult<MultishotCompletion, undefined>> {
    this.#drop();
    if (this.#state !== 'ended') {
      this.#cancel();
      await this.#over();
    }
    this.#drop();
    this.#failure = null;
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #over(): Promise<void> {
    if (this.#operation === null) {
      // It was paused, and nothing is in flight.
      this.#end();
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#onEnd.push(resolve));
  }

  /** Gives up what nobody will ask for. */
  #drop(): void {
    const { makesDescriptor = false } = this.#options;
    for (const { result } of this.#completions) {
      if (makesDescriptor) this.#scheduler.ring.kernel.close(result);
    }
    this.#completions.length = 0;
  }

  /** Goes on after a pause, when the kernel has let go. */
  #resume(): void {
    if (!this.#isPaused || this.#operation !== null || this.#state !== 'armed') return;
    this.#isPaused = false;
    this.#arm();
  }

  #pause(): void {
    if (this.#isPaused || this.#operation === null || this.#state !== 'armed') return;
    this.#isPaused = true;
    this.#metrics.multishotPauses += 1;
    cancelOperation(this.#scheduler, this.#operation);
  }

  #arm(): void {
    const scheduler = this.#scheduler;
    const options = this.#options;
    const operation = scheduler.begin(onCompletion, options.syscall ?? 'io_uring_enter');
    operation.context = this;
    operation.isMultishot = true;
    operation.makesDescriptor = options.makesDescriptor ?? false;
    operation.keep = options.keep ?? null;
    operation.reject = (reason) => this.#fail(reason);
    this.#operation = operation;
    if (options.ref === false) scheduler.setReferenced(operation, false);
    // Until the prepare function has done its part, the slot holds a NOP and nothing older.
    prepNop(scheduler.sqe);
    try {
      this.#prepare(scheduler.sqe);
    } catch (error) {
      prepNop(scheduler.sqe);
      operation.complete = ignoreCompletion;
      operation.reject = null;
      this.#fail(error);
    }
  }

  #cancel(): void {
    if (this.#state !== 'armed') return;
    this.#state = 'ending';
    if (this.#operation !== null) cancelOperation(this.#scheduler, this.#operation);
  }

  /** @internal */
  complete(result: number, flags: number): void {
    const isLast = (flags & IORING_CQE_F_MORE) === 0;
    if (result >= 0) this.#deliver({ result, flags });
    if (!isLast) return;
    this.#operation = null;
    if (this.#isPaused && this.#state === 'armed' && (result >= 0 || result === -ECANCELED)) {
      if (this.#completions.length === 0) this.#resume();
      return;
    }
    const isStarved = result >= 0 || result === -ENOBUFS;
    if (this.#state === 'armed' && isStarved) {
      this.#metrics.multishotRearms += 1;
      this.#arm();
      return;
    }
    const isExpected = this.#state === 'ending' && (result >= 0 || result === -ECANCELED);
    if (!isExpected && result < 0) {
      this.#failure ??= { reason: systemError(result, this.#options.syscall ?? 'io_uring_enter') };
    }
    this.#end();
  }

  #fail(reason: unknown): void {
    this.#operation = null;
    this.#failure ??= { reason };
    this.#end();
  }

  #deliver(value: MultishotCompletion): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ value, done: false });
      return;
    }
    this.#completions.push(value);
    if (this.#completions.length >= WAITING_MAX) this.#pause();
  }

  #end(): void {
    this.#state = 'ended';
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    for (const waiting of this.#waiting.splice(0)) {
      this.#ended().then(
        (result) => waiting.resolve(result),
        (reason: unknown) => waiting.reject(reason),
      );
    }
    for (const resolve of this.#onEnd.splice(0)) resolve();
  }

  /** The end, once: a failure is reported to the first who asks. */
  #ended(): Promise<IteratorResult<MultishotCompletion, undefined>> {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) return Promise.reject(failure.reason);
    return Promise.resolve({ value: undefined, done: true });
  }
}

function onCompletion(result: number, flags: number, operation: Operation): void {
  (operation.context as MultishotOperation).complete(result, flags);
}
