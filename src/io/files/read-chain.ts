/**
 * A whole file in one submission: `openat` into a slot, a read, a second read that proves the end.
 *
 *   openat ──link──▶ read ──hard link──▶ read, 0 at the end     then close, then settle
 *      │ fails         │ short, as a rule: a soft link would break
 *      ▼               ▼
 *   both reads are canceled, the slot stays empty
 *
 * The second read is what tells a file that is over from one that gives its bytes in pieces: a
 * pipe, most of `/proc`. What is not over is read on from the same open file, by `read-rest.ts`.
 * Bytes arrive in mapped memory and are copied out: what a program gets is its own.
 *
 * The slot is given back after the close, the memory after the last completion, also of a chain
 * that was aborted. Hot path: no closures per file.
 */

import {
  AT_FDCWD,
  EINTR,
  ENOMEM,
  IOSQE_FIXED_FILE,
  IOSQE_IO_HARDLINK,
  IOSQE_IO_LINK,
  O_CLOEXEC,
  prepCloseDirect,
  prepOpenatDirect,
  prepRead,
  setSqeFlags,
} from '../../native/abi.ts';
import { bindSignal, cancelOperation, systemError, unbindSignal } from '../../runtime/index.ts';
import type { Block, Engine, FileTable, Operation, Runtime } from '../../runtime/index.ts';
import type { Chain, ChainGate } from './chain-gate.ts';
import { readErrorOf } from './read-error.ts';
import { readRest } from './read-rest.ts';
import { RingFile } from './ring-file.ts';
import { openRingFile } from './ring-open.ts';
import { isFifo } from './size-of.ts';

const BLOCK_SIZE = 64 * 1024;
/** What the first read asks for: most files there are. */
const READ_SIZE = 56 * 1024;
/** Where the second read goes, and how much it asks for. */
const TAIL_AT = READ_SIZE;
const TAIL_SIZE = 4 * 1024;
/** Where the path is, with its final NUL: `PATH_MAX` bytes. */
const PATH_AT = TAIL_AT + TAIL_SIZE;
const PATH_SIZE = 4 * 1024;

/** Which file, and what to make of it. */
export interface ReadRequest {
  /** Validated, without the final NUL. */
  readonly path: Buffer;
  readonly flags: number;
  readonly signal: AbortSignal | undefined;
  /** Text is decoded straight from the mapped memory; without an encoding it is a `Buffer`. */
  readonly encoding: BufferEncoding | undefined;
}

export class ReadChain implements Chain {
  nextWaiting: Chain | null = null;
  readonly promise: Promise<Buffer | string>;
  readonly #runtime: Runtime;
  readonly #gate: ChainGate;
  readonly #request: ReadRequest;
  readonly #resolve: (value: Buffer | string) => void;
  readonly #reject: (reason: unknown) => void;
  #engine: Engine | null = null;
  #slots: FileTable | null = null;
  #slot = -1;
  #block: Block | null = null;
  #first: Operation | null = null;
  #second: Operation | null = null;
  /** Completions that are still to come. */
  #left = 0;
  #opened = 0;
  #firstCount = 0;
  #secondCount = 0;
  #isOutOfOrder = false;
  #isAborted = false;
  /** What the promise settles with once the file is closed. */
  #value: Buffer | string | null = null;
  #error: unknown = null;

  constructor(runtime: Runtime, gate: ChainGate, request: ReadRequest) {
    this.#runtime = runtime;
    this.#gate = gate;
    this.#request = request;
    this.promise = new Promise<Buffer | string>(park);
    this.#resolve = parked.resolve;
    this.#reject = parked.reject;
  }

  start(): boolean {
    const { path, signal } = this.#request;
    try {
      signal?.throwIfAborted();
      const engine = this.#runtime.requireEngine();
      const { slots } = this.#gate;
      if (slots !== null && path.length < PATH_SIZE) {
        engine.scheduler.reserve(3);
        const block = engine.pool.take(BLOCK_SIZE);
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
    void this.#readPlainly();
    return true;
  }

  #begin(engine: Engine, slots: FileTable, slot: number, block: Block): void {
    const { scheduler } = engine;
    const { path, flags, signal } = this.#request;
    this.#engine = engine;
    this.#slots = slots;
    this.#slot = slot;
    this.#block = block;
    this.#left = 3;
    block.bytes.set(path, PATH_AT);
    block.bytes[PATH_AT + path.length] = 0;
    const opening = scheduler.begin(settleOpen, 'open');
    opening.context = this;
    const { sqe } = scheduler;
    // A slot is no descriptor, and the kernel refuses to have it closed on exec.
    prepOpenatDirect(sqe, AT_FDCWD, block.address + PATH_AT, flags & ~O_CLOEXEC, 0, slot);
    setSqeFlags(sqe, IOSQE_IO_LINK);
    this.#first = scheduler.begin(settleFirst, 'read');
    this.#first.context = this;
    this.#first.isLinked = true;
    prepRead(sqe, slot, block.address, READ_SIZE, -1);
    setSqeFlags(sqe, IOSQE_FIXED_FILE | IOSQE_IO_HARDLINK);
    this.#second = scheduler.begin(settleSecond, 'read');
    this.#second.context = this;
    this.#second.isLinked = true;
    prepRead(sqe, slot, block.address + TAIL_AT, TAIL_SIZE, -1);
    setSqeFlags(sqe, IOSQE_FIXED_FILE);
    if (signal !== undefined) bindSignal(scheduler, opening, signal);
  }

  /** @internal */
  settleOpen(result: number, operation: Operation): void {
    this.#opened = result;
    this.#passOn(operation, this.#first);
  }

  /** @internal */
  settleFirst(result: number, operation: Operation): void {
    this.#firstCount = result;
    const next = this.#second;
    this.#first = null;
    this.#passOn(operation, next);
  }

  /** @internal */
  settleSecond(result: number, operation: Operation): void {
    this.#secondCount = result;
    // Only of a chain that the kernel had to cut, for want of memory.
    this.#isOutOfOrder = this.#first !== null;
    this.#second = null;
    this.#passOn(operation, null);
  }

  /** The signal aborts what runs: now that is the next one of the chain. */
  #passOn(operation: Operation, next: Operation | null): void {
    const { signal } = this.#request;
    this.#left -= 1;
    if (signal !== undefined && this.#engine !== null) {
      const { scheduler } = this.#engine;
      unbindSignal(operation);
      if (signal.aborted) this.#isAborted = true;
      if (next !== null && !scheduler.isStopped) {
        if (signal.aborted) cancelOperation(scheduler, next);
        else bindSignal(scheduler, next, signal);
      }
    }
    if (this.#left === 0) this.#evaluate();
  }

  #evaluate(): void {
    const { path, signal, encoding } = this.#request;
    const block = this.#block as Block;
    const count = this.#firstCount;
    if (this.#isAborted) this.#error = signal?.reason;
    else if (this.#opened < 0) {
      this.#error = systemError(this.#opened, 'open', { path: path.toString() });
    } else if (this.#isOutOfOrder) this.#error = systemError(-ENOMEM, 'read');
    else if (count < 0 && count !== -EINTR) this.#error = systemError(count, 'read');
    else if (count === 0 && this.#secondCount === 0) {
      void this.#waitForWriter(block);
      return;
    } else if (count > 0 && this.#secondCount === 0) {
      try {
        this.#value = contentOf(block, count, encoding);
      } catch (error) {
        // No memory for it, or no such encoding.
        this.#error = error;
      }
    } else {
      void this.#readOn();
      return;
    }
    this.#close();
  }

  /**
   * Nothing was read. The kernel opens a FIFO for a ring without waiting for a writer: then the
   * content is still to come.
   */
  async #waitForWriter(block: Block): Promise<void> {
    const { path, encoding } = this.#request;
    if (await isFifo(this.#runtime, path)) {
      await this.#readOn();
      return;
    }
    this.#value = contentOf(block, 0, encoding);
    this.#close();
  }

  /** Closes the file, if it was opened, and settles. */
  #close(): void {
    const { scheduler, pool } = this.#engine as Engine;
    if (scheduler.isStopped) {
      // The ring is gone with all its slots, or it is broken and nothing is given back.
      this.#error = scheduler.failure ?? this.#error;
      this.#settle();
      return;
    }
    pool.give(this.#block as Block);
    if (this.#opened < 0) {
      this.#slots?.release(this.#slot);
      this.#settle();
      return;
    }
    const closing = scheduler.begin(settleClose, 'close');
    closing.context = this;
    prepCloseDirect(scheduler.sqe, this.#slot);
  }

  /** @internal */
  settleClose(result: number): void {
    const isStopped = this.#engine?.scheduler.isStopped === true;
    if (result === 0) this.#slots?.release(this.#slot);
    else if (!isStopped) this.#slots?.unregister(this.#slot);
    this.#settle();
  }

  #settle(): void {
    if (this.#value === null) void this.#fail(this.#error);
    else this.#resolve(this.#value);
    this.#gate.leave();
  }

  async #fail(error: unknown): Promise<void> {
    this.#reject(await readErrorOf(error, this.#request.path));
  }

  /** The file is not over: the rest is read from it, step by step. */
  async #readOn(): Promise<void> {
    const { bytes } = this.#block as Block;
    const pieces = [
      Buffer.from(bytes.subarray(0, Math.max(this.#firstCount, 0))),
      Buffer.from(bytes.subarray(TAIL_AT, TAIL_AT + Math.max(this.#secondCount, 0))),
    ];
    try {
      this.#engine?.pool.give(this.#block as Block);
      const file = new RingFile(this.#runtime, this.#slot, this.#slots);
      this.#resolve(await this.#finish(file, pieces));
    } catch (error) {
      await this.#fail(error);
    }
    this.#gate.leave();
  }

  /** Without a slot each step is an operation of its own. */
  async #readPlainly(): Promise<void> {
    const { path, flags } = this.#request;
    try {
      const file = await openRingFile(this.#runtime, path, flags, 0);
      this.#resolve(await this.#finish(file, []));
    } catch (error) {
      await this.#fail(error);
    }
    this.#gate.leave();
  }

  async #finish(file: RingFile, pieces: readonly Buffer[]): Promise<Buffer | string> {
    const { path, signal, encoding } = this.#request;
    try {
      if (pieces.every(({ length }) => length === 0) && (await isFifo(this.#runtime, path))) {
        await file.readable(signal);
      }
      const whole = await readRest(file, { path, pieces, signal });
      return encoding === undefined ? whole : whole.toString(encoding);
    } finally {
      await file.close();
    }
  }
}

/** Where the executor that all chains share leaves the two functions of the newest promise. */
const parked: {
  resolve: (value: Buffer | string) => void;
  reject: (reason: unknown) => void;
} = { resolve: () => {}, reject: () => {} };

function park(resolve: (value: Buffer | string) => void, reject: (reason: unknown) => void): void {
  parked.resolve = resolve;
  parked.reject = reject;
}

function contentOf(
  { bytes }: Block,
  count: number,
  encoding: BufferEncoding | undefined,
): Buffer | string {
  if (encoding !== undefined) return bytes.toString(encoding, 0, count);
  const copy = Buffer.allocUnsafeSlow(count);
  bytes.copy(copy, 0, 0, count);
  return copy;
}

function settleOpen(result: number, _flags: number, operation: Operation): void {
  (operation.context as ReadChain).settleOpen(result, operation);
}

function settleFirst(result: number, _flags: number, operation: Operation): void {
  (operation.context as ReadChain).settleFirst(result, operation);
}

function settleSecond(result: number, _flags: number, operation: Operation): void {
  (operation.context as ReadChain).settleSecond(result, operation);
}

function settleClose(result: number, _flags: number, operation: Operation): void {
  (operation.context as ReadChain).settleClose(result);
}
