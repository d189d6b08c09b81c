/**
 * Runtime: what a program holds. It owns an engine on io_uring, or stands in for one on Node's own
 * loop, and it is the thread's only one while it is open: a thread has one place to wait.
 */

import { EventEmitter } from 'eventemitter3';
import { linuxHost, prepNop } from '../native/index.ts';
import type { Sqe } from '../native/index.ts';
import { promiseOf, settleWithResult } from './completion-promise.ts';
import type { BufferTable } from './buffer-table.ts';
import { rethrow } from './drain.ts';
import { Engine } from './engine.ts';
import { closedError, codedError, invalidArgType, invalidArgValue } from './errors.ts';
import { UringUnavailableError } from './errors.ts';
import { channels } from './events.ts';
import type { RuntimeEvents } from './events.ts';
import type { FileTable } from './file-table.ts';
import { snapshotOf } from './metrics.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { MultishotOperation } from './multishot.ts';
import { warnUnavailable } from './napi.ts';
import type { Napi } from './napi.ts';
import type { Operation } from './operation.ts';
import { integer, resolveOptions } from './options.ts';
import type { ResolvedOptions, RuntimeOptions } from './options.ts';
import { submit, validateSubmit } from './submit.ts';
import type { SubmitOptions } from './submit.ts';
import { permissionObjection, requestedBackend } from './unavailable.ts';
import type { Waiter } from './wait.ts';

/** Receives the kernel's result, `-errno` or more, and the completion's flags. */
export type CompletionCallback = (result: number, flags: number) => void;

/** Something that holds a descriptor for longer than an operation, and gives it up on `close()`. */
export interface Resource {
  destroy(): void;
}

/** A read that never ends, on Node's own thread pool, keeps its file open for longer. */
const RELEASE_TIMEOUT_MS = 1000;

/** The kernel's limit for one registered buffer: 1 GiB. */
const ALLOCATION_SIZE_MAX = 2 ** 30;

let current: Runtime | undefined;

/** Shared by all copies of this package in a thread: two rings cannot both be waited in. */
const RING_OWNER = Symbol.for('onering.ring');
const thread = globalThis as { [RING_OWNER]?: Runtime };

function setCurrent(open: Runtime | undefined): void {
  current = open;
}

/**
 * Returns this thread's runtime; the first call opens it with default options.
 *
 * @returns the open runtime of this thread, whoever opened it.
 * @example
 * ```ts
 * import { runtime } from 'onering';
 *
 * console.log(await runtime().nop()); // 0
 * ```
 */
export function runtime(): Runtime {
  current ??= new Runtime();
  return current;
}

/** The open runtime of this thread, if there is one. */
export function openRuntime(): Runtime | undefined {
  return current;
}

/**
 * Drives the operations of one thread from one io_uring.
 *
 * There is one open runtime a thread. `runtime()` opens it on first use; make one of your own
 * before that to choose its options.
 *
 * @example
 * ```ts
 * import { Runtime } from 'onering';
 *
 * const ring = new Runtime({ entries: 256, busyWaitMicros: 0 });
 * console.log(await ring.nop()); // 0
 * await ring.close();
 * ```
 * @see https://man7.org/linux/man-pages/man7/io_uring.7.html
 */
export class Runtime {
  /** `'uring'`, or `'libuv'` where io_uring cannot be had or was switched off. */
  readonly backend: 'uring' | 'libuv';
  /** Why the backend is `'libuv'`; `null` on `'uring'`. */
  readonly reason: UringUnavailableError | null;
  /** @internal */
  readonly options: ResolvedOptions;
  readonly #events = new EventEmitter<RuntimeEvents>();
  readonly #onExit = (): void => this.#exit();
  /**
   * Sockets and files that are open: `close()` destroys them.
   * @internal
   */
  readonly resources: Set<Resource> = new Set();
  #engine: Engine | null = null;
  /** The engine while operations may be begun. */
  #usable: Engine | null = null;
  #hasEnded = false;
  #closing: Promise<void> | null = null;
  #failure: Error | null = null;

  /**
   * @param options - sizes, limits and policies; each is validated, and typos are named.
   * @throws `ERR_RUNTIME_OPEN` while another runtime of this thread is open.
   * @throws `ERR_URING_UNAVAILABLE` with `backend: 'uring'` where io_uring cannot be had.
   * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_OUT_OF_RANGE` for bad options.
   */
  constructor(options?: RuntimeOptions) {
    if (current !== undefined) {
      throw codedError('ERR_RUNTIME_OPEN', 'This thread has an open runtime: close it first');
    }
    this.options = resolveOptions(options);
    const backend = requestedBackend(this.options.backend);
    const objection = backend === 'auto' ? permissionObjection() : null;
    this.reason = backend === 'libuv' ? switchedOff() : (objection ?? this.#open());
    if (this.reason !== null && backend === 'uring') throw this.reason;
    this.backend = this.reason === null ? 'uring' : 'libuv';
    if (this.reason !== null && this.options.napi !== null) {
      warnUnavailable('NAPI busy poll has no effect: there is no ring');
    }
    setCurrent(this);
    process.on('exit', this.#onExit);
    channels.open.publish(this);
  }

  /** Whether `close()` has been called. */
  get isClosed(): boolean {
    return this.#closing !== null || this.#failure !== null;
  }

  /**
   * The engine, for the layers above.
   * @internal
   */
  get engine(): Engine | null {
    return this.#engine;
  }

  /**
   * Submits an operation that does nothing: one round trip through the ring.
   *
   * With a callback nothing is allocated. Callbacks of one batch run back to back, before ticks
   * and microtasks, in the context of the scheduler: bind one with `AsyncResource.bind` to carry an
   * `AsyncLocalStorage`.
   *
   * @param callback - receives the result instead of a promise.
   * @returns a promise of 0.
   * @throws `ERR_RUNTIME_CLOSED` after `close()`.
   * @example
   * ```ts
   * import { runtime } from 'onering';
   *
   * await runtime().nop();
   * runtime().nop((result) => console.log(result)); // 0
   * ```
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_nop.3.html
   */
  nop(): Promise<number>;
  nop(callback: CompletionCallback): void;
  nop(callback?: CompletionCallback): Promise<number> | void {
    const engine = this.#usable;
    if (engine === null) return this.#nopWithoutRing(callback);
    if (callback === undefined) {
      try {
        const operation = engine.scheduler.begin(settleWithResult, 'nop');
        prepNop(engine.scheduler.sqe);
        return promiseOf<number>(operation);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    if (typeof callback !== 'function') {
      throw invalidArgType('callback', 'of type function', callback);
    }
    const operation = engine.scheduler.begin(callBack, 'nop');
    operation.context = callback;
    prepNop(engine.scheduler.sqe);
  }

  /**
   * Submits any operation that a prep function can fill in.
   *
   * The memory that its addresses point to must stay where it is until the promise settles: pass
   * what owns it as `keep`.
   *
   * @param prepare - fills the entry; called at once, exactly once.
   * @param options - what to keep alive, an abort signal, the name in errors.
   * @returns the completion's `res`, 0 or more.
   * @throws `ERR_RUNTIME_CLOSED`, `ERR_URING_UNAVAILABLE` on the libuv backend, the signal's
   *   reason, and otherwise a `SystemError` with the kernel's `code`.
   * @example
   * ```ts
   * import { prep, runtime } from 'onering';
   *
   * const ring = runtime();
   * if (ring.backend === 'uring') {
   *   console.log(await ring.submit((sqe) => prep.prepNop(sqe))); // 0
   * }
   * ```
   * @see https://man7.org/linux/man-pages/man2/io_uring_enter.2.html
   */
  async submit(prepare: (sqe: Sqe) => void, options: SubmitOptions = {}): Promise<number> {
    const { scheduler } = this.requireEngine();
    return await submit(scheduler, prepare, options);
  }

  /**
   * Submits an operation that completes many times, and iterates over its completions. One that
   * the kernel ends early (overflow, no buffers) is armed again and counted in the metrics.
   *
   * @param prepare - fills the entry; called again for each time that it is armed.
   * @param options - as for `submit`.
   * @returns completions in order; leaving the loop cancels the operation.
   * @example
   * ```ts
   * import { prep, runtime } from 'onering';
   *
   * const ring = runtime();
   * if (ring.backend === 'uring') {
   *   const often = ring.multishot((sqe) => prep.prepNop(sqe));
   *   for await (const { result } of often) {
   *     console.log(result); // 0
   *     break;
   *   }
   * }
   * ```
   * @see https://man7.org/linux/man-pages/man7/io_uring_multishot.7.html
   */
  multishot(prepare: (sqe: Sqe) => void, options: SubmitOptions = {}): MultishotOperation {
    const { scheduler, metrics } = this.requireEngine();
    validateSubmit(prepare, options);
    options.signal?.throwIfAborted();
    return new MultishotOperation(scheduler, metrics, prepare, options);
  }

  /**
   * Registered files of this runtime, for low-level operations with `IOSQE_FIXED_FILE`.
   *
   * @throws `ERR_URING_UNAVAILABLE` on the libuv backend; `ERR_RUNTIME_CLOSED`; `EMFILE` when
   *   RLIMIT_NOFILE is below the table's size.
   * @see https://man7.org/linux/man-pages/man3/io_uring_register_files.3.html
   */
  get files(): FileTable {
    return this.requireEngine().files;
  }

  /**
   * Allocates zeroed memory that is registered with the ring: `File.read` and `File.write` with it,
   * or with a part of it, skip looking its pages up, which large and direct transfers profit from.
   * It counts against RLIMIT_MEMLOCK. On the libuv backend it is an ordinary `Buffer`.
   *
   * Nobody has to give it back: it is unregistered and unmapped when it is garbage.
   *
   * @param size - bytes, at most 1 GiB.
   * @returns the memory.
   * @throws `ENOMEM` over RLIMIT_MEMLOCK, `ERR_TABLE_FULL` when 1024 are in use,
   *   `ERR_OUT_OF_RANGE`, `ERR_RUNTIME_CLOSED`.
   * @example
   * ```ts
   * import { File, runtime } from 'onering';
   *
   * await using file = await File.open('package.json');
   * const buffer = runtime().allocate(4096);
   * await file.read(buffer.subarray(0, 1), { position: 0 });
   * console.log(buffer.toString('latin1', 0, 1)); // {
   * runtime().release(buffer);
   * ```
   * @see https://man7.org/linux/man-pages/man3/io_uring_register_buffers.3.html
   */
  allocate(size: number): Buffer {
    integer(size, 'size', undefined, 1, ALLOCATION_SIZE_MAX);
    if (this.isClosed) throw this.#failure ?? closedError('runtime');
    return this.#engine === null ? Buffer.alloc(size) : this.#engine.lend(size);
  }

  /**
   * Unregisters memory that `allocate` gave, once nothing is in flight on it. It stays readable and
   * writable for as long as anybody holds it, as ordinary memory.
   *
   * @param buffer - the memory, or a part of it.
   * @throws `ERR_INVALID_ARG_VALUE` for memory that was not allocated here.
   */
  release(buffer: Buffer): void {
    if (this.#engine === null || this.isClosed) return;
    if (this.#engine.lent === null)
      throw invalidArgValue('buffer', buffer, 'was not allocated here');
    this.#engine.lent.release(buffer);
  }

  /**
   * Registered buffers of this runtime, for low-level fixed reads and writes.
   *
   * @throws `ERR_URING_UNAVAILABLE` on the libuv backend; `ERR_RUNTIME_CLOSED`.
   * @see https://man7.org/linux/man-pages/man3/io_uring_register_buffers.3.html
   */
  get buffers(): BufferTable {
    return this.requireEngine().buffers;
  }

  /**
   * NAPI busy poll: how it is set up, and the list of device queues to look at and to change.
   *
   * @throws `ERR_URING_UNAVAILABLE` on the libuv backend; `ERR_RUNTIME_CLOSED`.
   * @see https://man7.org/linux/man-pages/man3/io_uring_register_napi.3.html
   */
  get napi(): Napi {
    return this.requireEngine().napi;
  }

  /**
   * The wait slots of this runtime: acquire one to prepare a wait of your own.
   *
   * @throws `ERR_URING_UNAVAILABLE` on the libuv backend; `ERR_RUNTIME_CLOSED`.
   */
  get waiter(): Waiter {
    return this.requireEngine().waiter;
  }

  /**
   * Reads the counters.
   *
   * @returns a snapshot: plain numbers that only grow, and the present state of the queues.
   * @example
   * ```ts
   * import { runtime } from 'onering';
   *
   * await runtime().nop();
   * console.log(runtime().metrics().inFlight); // 0
   * ```
   */
  metrics(): RuntimeMetrics {
    return snapshotOf(this.backend, this.#engine);
  }

  /**
   * Listens to an event of the runtime: `'resize'`, `'failure'`, `'close'`.
   *
   * @param event - its name.
   * @param listener - called with what the event carries.
   * @returns the runtime.
   * @example
   * ```ts
   * import { runtime } from 'onering';
   *
   * runtime().on('resize', ({ from, to }) => console.log(`${from} -> ${to} entries`));
   * ```
   */
  on<E extends keyof RuntimeEvents>(event: E, listener: (...args: RuntimeEvents[E]) => void): this {
    this.#events.on(event, listener);
    return this;
  }

  /**
   * Stops listening.
   *
   * @param event - its name.
   * @param listener - the one to remove.
   * @returns the runtime.
   */
  off<E extends keyof RuntimeEvents>(
    event: E,
    listener: (...args: RuntimeEvents[E]) => void,
  ): this {
    this.#events.off(event, listener);
    return this;
  }

  /**
   * Cancels what is in flight, waits until the kernel has let go of everything, and releases the
   * ring. What was canceled rejects with `ECANCELED`, and what had a further step to begin with
   * `ERR_RUNTIME_CLOSED`. A second call does nothing more.
   *
   * @returns a promise that resolves when all is released.
   */
  close(): Promise<void> {
    this.#usable = null;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * The engine of an open runtime on io_uring.
   * @internal
   */
  requireEngine(): Engine {
    if (this.#closing !== null) throw closedError('runtime');
    if (this.#failure !== null) throw this.#failure;
    if (this.#engine === null) {
      throw this.reason ?? switchedOff();
    }
    return this.#engine;
  }

  #open(): UringUnavailableError | null {
    if (thread[RING_OWNER] !== undefined) {
      return new UringUnavailableError('copies', 'Another copy of onering has this thread');
    }
    const host = linuxHost();
    if (typeof host === 'string') return new UringUnavailableError('platform', host);
    try {
      this.#engine = new Engine(host, this.options, {
        onResize: (event) => {
          this.#emit('resize', event);
          channels.resize.publish(event);
        },
        onFailure: (error) => this.#fail(error),
      });
      this.#usable = this.#engine;
      thread[RING_OWNER] = this;
      return null;
    } catch (error) {
      if (error instanceof UringUnavailableError) return error;
      throw error;
    }
  }

  async #close(): Promise<void> {
    for (const resource of this.resources) resource.destroy();
    if (this.#engine !== null && this.#failure === null) await this.#engine.close();
    await this.#released();
    this.#ended();
    this.#emit('close');
  }

  /** Sockets and files whose last operation just ended close themselves; none may hold us up. */
  async #released(): Promise<void> {
    const deadlineMs = performance.now() + RELEASE_TIMEOUT_MS;
    while (this.resources.size > 0 && performance.now() < deadlineMs) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** The ring is broken: every operation in flight ends with the error, its memory is leaked. */
  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#usable = null;
    this.#engine?.abandon(error);
    this.#ended();
    channels.failure.publish(error);
    this.#emit('failure', error);
  }

  #exit(): void {
    // Also when `close()` is under way: nobody will go on with it.
    if (this.#failure === null) this.#engine?.discard();
    this.#ended();
  }

  /** A listener that throws is the program's affair, not the ring's. */
  #emit<E extends keyof RuntimeEvents>(event: E, ...args: RuntimeEvents[E]): void {
    try {
      (this.#events as unknown as EventEmitter).emit(event, ...args);
    } catch (error) {
      rethrow(error);
    }
  }

  #ended(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    process.off('exit', this.#onExit);
    if (current === this) setCurrent(undefined);
    if (thread[RING_OWNER] === this) delete thread[RING_OWNER];
    channels.close.publish(this);
  }

  #nopWithoutRing(callback: CompletionCallback | undefined): Promise<number> | void {
    if (this.#closing !== null || this.#failure !== null) {
      const error = this.#failure ?? closedError('runtime');
      if (callback === undefined) return Promise.reject(error);
      throw error;
    }
    if (callback === undefined) return new Promise((resolve) => setImmediate(resolve, 0));
    setImmediate(callback, 0, 0);
  }
}

function switchedOff(): UringUnavailableError {
  return new UringUnavailableError('disabled', 'The libuv backend was asked for');
}

function callBack(result: number, flags: number, operation: Operation): void {
  (operation.context as CompletionCallback)(result, flags);
}
