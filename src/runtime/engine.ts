/**
 * Engine: one open ring with everything that lives and dies with it: scheduler, wait region,
 * pressure, metrics. A `Runtime` has one, or has none and runs on Node's own loop.
 *
 * Opening fails with a `UringUnavailableError` that says why; closing has two forms, one that
 * waits for the kernel in ticks, and one for the moment when no tick comes any more.
 */

import { isMainThread } from 'node:worker_threads';
import {
  IORING_ASYNC_CANCEL_ALL,
  IORING_ASYNC_CANCEL_ANY,
  IORING_REGISTER_SYNC_CANCEL,
  PAGE_SIZE,
  prepCancelAny,
  prepNop,
  writeSyncCancelReg,
} from '../native/index.ts';
import type { Host } from '../native/index.ts';
import { Addresses } from './addresses.ts';
import { BufferRing } from './buffer-ring.ts';
import { BufferTable } from './buffer-table.ts';
import { promiseOf, settleWithResult } from './completion-promise.ts';
import { DirectCalls } from './direct-calls.ts';
import { Doorbell } from './doorbell.ts';
import { UringUnavailableError } from './errors.ts';
import { FileTable } from './file-table.ts';
import { HeapBallast } from './heap-ballast.ts';
import { KnownViews } from './known-views.ts';
import { LentMemory } from './lent-memory.ts';
import { MemoryPool } from './memory-pool.ts';
import { Metrics } from './metrics.ts';
import { Napi } from './napi.ts';
import { ignoreCompletion } from './operation.ts';
import type { ResolvedOptions } from './options.ts';
import { Pressure } from './pressure.ts';
import type { ResizeEvent } from './pressure.ts';
import { ReceiveBuffers } from './receive-buffers.ts';
import { Ring } from './ring.ts';
import { Scheduler } from './scheduler.ts';
import { TickDelay } from './tick-delay.ts';
import { explainUnavailable } from './unavailable.ts';
import { Waiter } from './wait.ts';

/** Slots of the registered tables: within the usual RLIMIT_NOFILE of 1024. */
const TABLE_SIZE = 1024;
/** The largest message of an IP socket is 65,535 bytes; beside it are its header and address. */
const MESSAGE_BUFFER_SIZE = 65_536 + 256;
/** Memory is touched as messages need it: 4 MiB if all are large. */
const MESSAGE_BUFFERS = 64;
/** A bulk buffer is so many times as large as the others, up to what Node reads at once. */
const BULK_FACTOR = 4;
const BULK_SIZE_MAX = 65_536;
/** And there are so many times fewer: 2 MiB if all of them are filled in one tick. */
const BULK_RATIO = 8;
/** How long the last resort waits for the kernel to let go, before it leaks instead. */
const DISCARD_TIMEOUT_MS = 2000;
/** How long the first NOP may take. An emulated kernel may accept everything and do nothing. */
const PROOF_TIMEOUT_MS = 1000;

/** What an engine reports to its runtime. */
export interface EngineListener {
  onResize(event: ResizeEvent): void;
  onFailure(error: Error): void;
}

export class Engine {
  readonly host: Host;
  readonly ring: Ring;
  readonly waiter: Waiter;
  readonly scheduler: Scheduler;
  readonly metrics: Metrics = new Metrics();
  /** When it was opened, on the runtime's clock. */
  readonly openedMs: number;
  readonly pressure: Pressure;
  readonly pool: MemoryPool;
  readonly addresses: Addresses;
  /** Buffers that programs use again and again. */
  readonly views: KnownViews;
  readonly calls: DirectCalls;
  readonly napi: Napi;
  /** What is done unless it is taken back within a tick. */
  readonly delay: TickDelay;
  /**
   * Whether the kernel may be shown V8's own buffers in operations that run on kernel workers or
   * in a device. Not in a worker: it may be terminated while they run.
   */
  readonly mayShareHeap: boolean = isMainThread;
  readonly #options: ResolvedOptions;
  readonly #waitMemory: { free(): void };
  readonly #sleepsBefore: number;
  #sleeps = 0;
  #isProven = false;
  #isReleased = false;
  /** Ends a `close()` that nobody will go on with. */
  readonly #discarded: Discarded = makeDiscarded();
  #buffers: BufferRing | null = null;
  #messages: BufferRing | null = null;
  #chunks: ReceiveBuffers | null = null;
  readonly #ballast: HeapBallast;
  #bulk: ReceiveBuffers | null = null;
  #files: FileTable | null = null;
  #registered: BufferTable | null = null;
  #doorbell: Doorbell | null = null;
  #lent: LentMemory | null = null;

  constructor(host: Host, options: ResolvedOptions, listener: EngineListener) {
    this.host = host;
    this.#options = options;
    this.pool = new MemoryPool(host.kernel);
    this.addresses = new Addresses(host.kernel);
    this.#ballast = new HeapBallast(host.kernel);
    this.views = new KnownViews(this.addresses);
    this.calls = new DirectCalls(host.kernel, this.pool);
    this.openedMs = host.kernel.nowMs();
    const ring = Ring.create(host.kernel, {
      entries: options.entries,
      completionEntries: options.completionEntries,
      usesOwnMemory: !isMainThread,
    });
    if (typeof ring === 'number') throw explainUnavailable(ring);
    this.ring = ring;
    const waitMemory = host.kernel.allocate(PAGE_SIZE);
    if (typeof waitMemory === 'number') {
      ring.close();
      throw explainUnavailable(waitMemory);
    }
    this.#waitMemory = waitMemory;
    this.waiter = new Waiter(ring, waitMemory, options.registeredWaits);
    const enabled = ring.enable();
    if (enabled < 0) {
      this.#free();
      throw explainUnavailable(enabled);
    }
    this.napi = new Napi(ring, this.calls, this.metrics, options.napi);
    this.#sleepsBefore = this.calls.voluntarySwitches();
    this.pressure = new Pressure(
      ring,
      {
        isEnabled: options.resize !== false,
        entriesMin: options.completionEntries,
        entriesMax: options.completionEntriesMax,
        pressedBatches: options.resize === false ? 1 : options.resize.pressedBatches,
        quietMs: options.resize === false ? 0 : options.resize.quietMs,
      },
      this.metrics,
      (event) => listener.onResize(event),
    );
    this.scheduler = new Scheduler({
      ring,
      waiter: this.waiter,
      loop: host.loop,
      pressure: this.pressure,
      metrics: this.metrics,
      busyWaitMicros: options.busyWaitMicros,
      minWait: options.minWait,
      onPolledRing: (made) => this.#registered?.share(made.ring),
      onFailure: (error) => {
        if (this.#isProven) listener.onFailure(error);
      },
    });
    this.delay = new TickDelay(this.scheduler);
    this.#prove();
  }

  /** The receive buffers of which leases are made; made on first use. */
  get receiveBuffers(): BufferRing {
    const { receiveBuffers, receiveBufferSize } = this.#options;
    this.#buffers ??= new BufferRing(this.ring, 0, receiveBuffers, receiveBufferSize);
    return this.#buffers;
  }

  /** The receive buffers that connections share; made on first use. */
  get chunkBuffers(): ReceiveBuffers {
    const { receiveBuffers: count, receiveBufferSize: size } = this.#options;
    const plan = { group: 2, count, size, ballast: this.#ballast };
    this.#chunks ??= new ReceiveBuffers(this.ring, this.addresses, plan);
    return this.#chunks;
  }

  /** Fewer and larger ones, for connections that fill those; made on first use. */
  get bulkBuffers(): ReceiveBuffers {
    const { receiveBuffers, receiveBufferSize } = this.#options;
    this.#bulk ??= new ReceiveBuffers(this.ring, this.addresses, {
      group: 3,
      count: Math.max(1, receiveBuffers / BULK_RATIO),
      size: Math.min(receiveBufferSize * BULK_FACTOR, BULK_SIZE_MAX),
      ballast: this.#ballast,
    });
    return this.#bulk;
  }

  /** Receive buffers for messages that arrive whole: fewer and larger; made on first use. */
  get messageBuffers(): BufferRing {
    this.#messages ??= new BufferRing(this.ring, 1, MESSAGE_BUFFERS, MESSAGE_BUFFER_SIZE);
    return this.#messages;
  }

  /** Receive buffers that are on lease. */
  get leased(): number {
    return this.#buffers?.lent ?? 0;
  }

  /** Registered files; the table is made on first use. */
  get files(): FileTable {
    this.#files ??= new FileTable(this.ring, TABLE_SIZE);
    return this.#files;
  }

  /** Registered buffers; the table is made on first use. */
  get buffers(): BufferTable {
    if (this.#registered === null) {
      const registered = new BufferTable(this.ring, TABLE_SIZE);
      this.#registered = registered;
      this.scheduler.polled.forEach(({ ring }) => registered.share(ring));
    }
    return this.#registered;
  }

  /** How often the thread has slept since this was opened. */
  get sleeps(): number {
    if (!this.#isReleased) this.#sleeps = this.calls.voluntarySwitches() - this.#sleepsBefore;
    return this.#sleeps;
  }

  /** How other threads wake this one; made on first use. */
  get doorbell(): Doorbell {
    this.#doorbell ??= new Doorbell(this.scheduler, this.pool);
    return this.#doorbell;
  }

  /** Registered memory that programs hold, once there is any. */
  get lent(): LentMemory | null {
    return this.#lent;
  }

  /** Lends registered memory to a program. */
  lend(size: number): Buffer {
    this.#lent ??= new LentMemory(this.host.kernel, this.buffers);
    return this.#lent.allocate(size);
  }

  /** Has a descriptor closed even if the thread is terminated. */
  own(fd: number): void {
    this.host.kernel.closeOnExit(fd);
  }

  /** The descriptor was closed by an operation. */
  disown(fd: number): void {
    this.host.kernel.forgetOnExit(fd);
  }

  /** Cancels everything, waits until the kernel has let go, and releases the ring. */
  async close(): Promise<void> {
    const { scheduler } = this;
    while (scheduler.inFlight > 0) {
      const request = scheduler.begin(settleWithResult, 'cancel');
      prepCancelAny(scheduler.sqe, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
      const { begun } = scheduler;
      const canceled = promiseOf<number>(request).catch(ignoreCompletion);
      await Promise.race([canceled, this.#discarded.promise]);
      if (this.#isReleased) return;
      // What could not be canceled ends by itself; what was begun meanwhile is canceled as well.
      const isWaiting = scheduler.inFlight > 0 && scheduler.begun === begun;
      if (isWaiting && scheduler.failure === null) {
        await Promise.race([scheduler.nextBatch(), this.#discarded.promise]);
        if (this.#isReleased) return;
      }
      if (scheduler.failure !== null) throw scheduler.failure;
    }
    this.#release();
  }

  /** The same at once, for the end of the thread: nobody is told, nothing is lost to the kernel. */
  discard(): void {
    if (this.#isReleased) return;
    this.#discarded.resolve();
    // What is queued is submitted first, so that it can be canceled.
    this.scheduler.flush();
    this.cancelSynchronously();
    if (this.scheduler.discard(DISCARD_TIMEOUT_MS)) {
      this.#release();
    } else {
      // Something still uses the memory: it is leaked rather than given to somebody else.
      this.#isReleased = true;
      this.scheduler.stop();
      this.scheduler.polled.abandon();
      this.napi.end();
      this.ring.abandon();
    }
  }

  /** For a ring that is broken: every promise is rejected, and no memory is given back. */
  abandon(error: Error): void {
    this.scheduler.failAll(error);
    this.scheduler.polled.abandon();
    this.napi.end();
    this.ring.abandon();
  }

  /** Mirrors io_uring_register_sync_cancel(3) for everything in flight. Linux 6.0+. */
  cancelSynchronously(): void {
    const { scratch } = this.ring;
    writeSyncCancelReg(scratch.buffer, 0, {
      flags: IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
      timeoutSeconds: 1,
    });
    this.ring.register(IORING_REGISTER_SYNC_CANCEL, scratch.address, 1);
  }

  #release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.scheduler.stop();
    this.scheduler.polled.close();
    this.napi.end();
    this.#free();
    this.#buffers?.free();
    this.#messages?.free();
    this.#chunks?.free();
    this.#bulk?.free();
    this.#registered?.free();
    this.pool.free();
  }

  #free(): void {
    this.ring.close();
    this.#waitMemory.free();
  }

  /** A NOP there and back: the ring is alive, or it is not used at all. */
  #prove(): void {
    const { scheduler } = this;
    let result = -1;
    scheduler.begin((value) => {
      result = value;
    }, 'nop');
    prepNop(scheduler.sqe);
    scheduler.drain(PROOF_TIMEOUT_MS);
    if (result === 0) {
      this.#isProven = true;
      return;
    }
    scheduler.stop();
    this.ring.abandon();
    throw new UringUnavailableError(
      'broken',
      'The kernel accepted a ring but a NOP did not come back. Set ONERING_BACKEND=libuv',
    );
  }
}

interface Discarded {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function makeDiscarded(): Discarded {
  let resolve = ignoreCompletion;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
