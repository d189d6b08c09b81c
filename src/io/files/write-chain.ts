/**
 * A whole file written in one submission: `openat` into a slot, the write, the sync that was asked
 * for, the close.
 *
 *   openat ──link──▶ write ──link──▶ fsync ──link──▶ close
 *      │ fails         │ fails or is short: sync and close are canceled
 *      ▼               ▼
 *   slot is empty    what is left is written from here, step by step; then sync and close
 *
 * Where all goes well the kernel runs the chain on its own, in one of its workers, since opening
 * with `O_CREAT` is never done on the spot. Data of more than a piece is written step by step.
 *
 * The data belongs to the kernel until the promise settles, also of a chain that was aborted.
 * Hot path: no closures per file.
 */

import {
  AT_FDCWD,
  ECANCELED,
  ENOMEM,
  IOSQE_ASYNC,
  IOSQE_FIXED_FILE,
  IOSQE_IO_LINK,
  O_CLOEXEC,
  prepCloseDirect,
  prepFsync,
  prepOpenatDirect,
  prepWrite,
  setSqeFlags,
} from '../../native/abi.ts';
import { bindSignal, cancelOperation, systemError, unbindSignal } from '../../runtime/index.ts';
import type { Block, Complete, Engine, FileTable } from '../../runtime/index.ts';
import type { Operation, Runtime, Scheduler } from '../../runtime/index.ts';
import type { Chain, ChainGate } from './chain-gate.ts';
import { RingFile } from './ring-file.ts';
import { openRingFile } from './ring-open.ts';
import { WRITE_PIECE_SIZE, writeRest } from './write-rest.ts';

/** With its final NUL, `PATH_MAX`. */
const PATH_SIZE_MAX = 4096;
/** openat, write, fsync, close. */
const LINKS_MAX = 4;

/** What to write, and where. */
export interface WriteRequest {
  /** Validated, without the final NUL. */
  readonly path: Buffer;
  readonly flags: number;
  readonly mode: number;
  /** The kernel's until the promise settles. */
  readonly data: Uint8Array;
  /** Whether the data is to be on the disk when the promise resolves. */
  readonly flush: boolean;
  readonly signal: AbortSignal | undefined;
}

export class WriteChain implements Chain {
  nextWaiting: Chain | null = null;
  readonly promise: Promise<void>;
  readonly #runtime: Runtime;
  readonly #gate: ChainGate;
  readonly #request: WriteRequest;
  readonly #resolve: () => void;
  readonly #reject: (reason: unknown) => void;
  #engine: Engine | null = null;
  #slots: FileTable | null = null;
  #slot = -1;
  /** The path, and in a worker the data behind it. */
  #block: Block | null = null;
  /** The operations of the chain that are not over, in their order. */
  readonly #links: Operation[] = [];
  /** The ring's count when the chain was begun: another one means that it may have been cut. */
  #cutCount = 0;
  #opened = 0;
  /** Stays canceled where there is nothing to write, to sync or to close in the chain. */
  #written = 0;
  #synced = 0;
  #closed: number = -ECANCELED;
  #isAborted = false;

  constructor(runtime: Runtime, gate: ChainGate, request: WriteRequest) {
    this.#runtime = runtime;
    this.#gate = gate;
    this.#request = request;
    this.promise = new Promise<void>(park);
    this.#resolve = parked.resolve;
    this.#reject = parked.reject;
  }

  start(): boolean {
    const { path, data, signal } = this.#request;
    try {
      signal?.throwIfAborted();
      const engine = this.#runtime.requireEngine();
      const { slots } = this.#gate;
      if (slots !== null && path.length < PATH_SIZE_MAX && data.length <= WRITE_PIECE_SIZE) {
        engine.scheduler.reserve(LINKS_MAX);
        const copied = engine.mayShareHeap ? 0 : data.length;
        const block = engine.pool.take(path.length + 1 + copied);
        const slot = slots.reserve();
        if (slot >= 0) {
          this.#begin(engine, slots, slot, block);
          return true;
        }
        engine.pool.give(block);
      }
    } catch (error) {
      this.#reject(error);
      return false;
    }
    void this.#writePlainly();
    return true;
  }

  #begin(engine: Engine, slots: FileTable, slot: number, block: Block): void {
    const { scheduler } = engine;
    const { path, flags, mode, data, flush, signal } = this.#request;
    this.#engine = engine;
    this.#slots = slots;
    this.#slot = slot;
    this.#block = block;
    this.#cutCount = engine.ring.cutCount;
    block.bytes.set(path);
    block.bytes[path.length] = 0;
    const { sqe } = scheduler;
    const opening = this.#link(scheduler, settleOpen, 'open');
    // A slot is no descriptor, and the kernel refuses to have it closed on exec.
    prepOpenatDirect(sqe, AT_FDCWD, block.address, flags & ~O_CLOEXEC, mode, slot);
    // In a worker from the start: on the spot a pipe that nobody reads from is an error.
    setSqeFlags(sqe, IOSQE_IO_LINK | IOSQE_ASYNC);
    if (data.length > 0) {
      this.#link(scheduler, settleWrite, 'write');
      prepWrite(sqe, slot, this.#addressOf(engine, block), data.length, -1);
      setSqeFlags(sqe, IOSQE_FIXED_FILE | IOSQE_IO_LINK);
    }
    if (flush) {
      this.#link(scheduler, settleSync, 'fsync');
      prepFsync(sqe, slot, 0);
      setSqeFlags(sqe, IOSQE_FIXED_FILE | IOSQE_IO_LINK);
    }
    this.#link(scheduler, settleClose, 'close');
    prepCloseDirect(sqe, slot);
    if (signal !== undefined) bindSignal(scheduler, opening, signal);
  }

  #link(scheduler: Scheduler, complete: Complete, syscall: string): Operation {
    const operation = scheduler.begin(complete, syscall);
    operation.context = this;
    operation.isLinked = this.#links.length > 0;
    this.#links.push(operation);
    return operation;
  }

  /** The user's memory, or in a worker a copy of it that outlives V8's heap. */
  #addressOf(engine: Engine, block: Block): number {
    const { path, data } = this.#request;
    if (engine.mayShareHeap) return engine.addresses.of(data);
    block.bytes.set(data, path.length + 1);
    return block.address + path.length + 1;
  }

  /** @internal */
  settleOpen(result: number, operation: Operation): void {
    this.#opened = result;
    this.#passOn(operation);
  }

  /** @internal */
  settleWrite(result: number, operation: Operation): void {
    this.#written = result;
    this.#passOn(operation);
  }

  /** @internal */
  settleSync(result: number, operation: Operation): void {
    this.#synced = result;
    this.#passOn(operation);
  }

  /** @internal */
  settleClose(result: number, operation: Operation): void {
    this.#closed = result;
    this.#passOn(operation);
  }

  /** The signal aborts what runs: now that is the next one of the chain. */
  #passOn(operation: Operation): void {
    const { signal } = this.#request;
    this.#links.splice(this.#links.indexOf(operation), 1);
    if (signal !== undefined && this.#engine !== null) {
      const { scheduler } = this.#engine;
      unbindSignal(operation);
      if (signal.aborted) this.#isAborted = true;
      const [next] = this.#links;
      if (next !== undefined && !scheduler.isStopped) {
        if (signal.aborted) cancelOperation(scheduler, next);
        else if (next.signal === null) bindSignal(scheduler, next, signal);
      }
    }
    if (this.#links.length === 0) this.#evaluate();
  }

  #evaluate(): void {
    const { path, data, signal } = this.#request;
    const { scheduler, pool, ring } = this.#engine as Engine;
    if (scheduler.isStopped) {
      // The ring is broken, and nothing is given back.
      this.#settle(scheduler.failure ?? systemError(-ECANCELED, 'write'));
      return;
    }
    pool.give(this.#block as Block);
    const isCut = ring.cutCount !== this.#cutCount;
    const isWhole = this.#written === data.length && this.#synced >= 0 && !isCut;
    if (this.#opened < 0) {
      this.#slots?.release(this.#slot);
      const error = systemError(this.#opened, 'open', { path: path.toString() });
      this.#settle(this.#isAborted ? signal?.reason : error);
    } else if (this.#closed >= 0) {
      this.#slots?.release(this.#slot);
      // A chain that the kernel had to cut, for want of memory, may be closed before it is whole.
      const error = isWhole ? null : systemError(-ENOMEM, 'write');
      this.#settle(this.#isAborted ? signal?.reason : error);
    } else {
      void this.#writeOn();
    }
  }

  #settle(error: unknown): void {
    if (error === null) this.#resolve();
    else this.#reject(error);
    this.#gate.leave();
  }

  /** Less was written than there is, or nothing: the rest follows, or the error that stopped it. */
  async #writeOn(): Promise<void> {
    let failure: unknown = null;
    try {
      const file = new RingFile(this.#runtime, this.#slot, this.#slots);
      if (this.#synced < 0 && this.#synced !== -ECANCELED) await this.#refuse(file);
      await this.#finish(file, Math.max(this.#written, 0));
    } catch (error) {
      failure = error;
    }
    this.#settle(failure);
  }

  /** A sync that failed is not repeated: the kernel reports a lost page once, then all is well. */
  async #refuse(file: RingFile): Promise<never> {
    await file.close();
    throw systemError(this.#synced, 'fsync');
  }

  /** Without a slot, or with much data, each step is an operation of its own. */
  async #writePlainly(): Promise<void> {
    const { path, flags, mode } = this.#request;
    let failure: unknown = null;
    try {
      const file = await openRingFile(this.#runtime, path, flags, mode);
      await this.#finish(file, 0);
    } catch (error) {
      failure = error;
    }
    this.#settle(failure);
  }

  async #finish(file: RingFile, written: number): Promise<void> {
    const { data, flush, signal } = this.#request;
    try {
      await writeRest(file, { data, written, signal });
      if (flush) await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** Where the executor that all chains share leaves the two functions of the newest promise. */
const parked: { resolve: () => void; reject: (reason: unknown) => void } = {
  resolve: () => {},
  reject: () => {},
};

function park(resolve: () => void, reject: (reason: unknown) => void): void {
  parked.resolve = resolve;
  parked.reject = reject;
}

function settleOpen(result: number, _flags: number, operation: Operation): void {
  (operation.context as WriteChain).settleOpen(result, operation);
}

function settleWrite(result: number, _flags: number, operation: Operation): void {
  (operation.context as WriteChain).settleWrite(result, operation);
}

function settleSync(result: number, _flags: number, operation: Operation): void {
  (operation.context as WriteChain).settleSync(result, operation);
}

function settleClose(result: number, _flags: number, operation: Operation): void {
  (operation.context as WriteChain).settleClose(result, operation);
}
