/**
 * A file on the ring: openat, read, write, fsync, statx and close as operations. What it holds is a
 * descriptor, or a slot of the registered table that a chain has opened a file into.
 *
 * The buffer of a read or a write is held by the operation until its last completion. In a worker
 * data goes through mapped memory instead: kernel workers and devices may still use it when the
 * worker is terminated. Large transfers are several operations, see `pieces.ts`.
 */

import {
  IORING_FSYNC_DATASYNC,
  IORING_OP_READ_FIXED,
  IORING_OP_WRITE_FIXED,
  IOSQE_ASYNC,
  IOSQE_FIXED_FILE,
  POLLIN,
  prepClose,
  prepCloseDirect,
  prepFsync,
  prepPollAdd,
  prepRead,
  prepWrite,
  readStatx,
  setSqeBufferIndex,
  setSqeFlags,
  setSqeOpcode,
  readStatxDioAlign,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STATX_DIOALIGN,
} from '../../native/abi.ts';
import {
  bindSignal,
  cancelOperation,
  closedError,
  ignoreCompletion,
  promiseOf,
  settleWithResult,
  unbindSignal,
  validateBuffer,
} from '../../runtime/index.ts';
import type {
  Engine,
  FileTable,
  KnownView,
  Loan,
  Operation,
  PolledRing,
  PollMode,
  Runtime,
} from '../../runtime/index.ts';
import type { TransferOptions } from '../file.ts';
import { validateAlignment } from './alignment.ts';
import type { Alignment } from './alignment.ts';
import { AppendLog } from './append-log.ts';
import type { AppendSync } from './append-log.ts';
import { validateTransferOf } from './arguments.ts';
import type { Transfer } from './arguments.ts';
import { Bounce } from './bounce.ts';
import { COPY_SIZE_MIN, CopyShare } from './copy-share.ts';
import { Divisibility } from './divisibility.ts';
import { fileStats } from './file-stats.ts';
import type { FileStats } from './file-stats.ts';
import { inPieces, LANES_MAX, SPLIT_SIZE } from './pieces.ts';
import { PolledTransfer } from './polled-transfer.ts';
import { punt } from './punted.ts';
import { RingAppendTarget } from './ring-append.ts';
import { statxOpen } from './statx-open.ts';
import { truncateOpen } from './truncate-open.ts';
import { WriteCursor } from './write-cursor.ts';

export class RingFile {
  readonly #runtime: Runtime;
  readonly #engine: Engine;
  /** The table whose slot `#fd` is, or `null` for a descriptor. */
  readonly #slots: FileTable | null;
  #fd: number;
  #pending = 0;
  #closing: Promise<void> | null = null;
  #onIdle: (() => void) | null = null;
  /** What direct I/O asks for; nothing on a file that goes through the page cache. */
  #alignment: Alignment | null = null;
  #polled: PolledRing | null = null;
  readonly #divisibility: Divisibility = new Divisibility();
  readonly #cursor: WriteCursor = new WriteCursor();
  /** Made with the first append. */
  #log: AppendLog | null = null;

  /** Made with a descriptor, or a slot of a table, that this file owns from now on. */
  constructor(runtime: Runtime, fd: number, slots: FileTable | null = null) {
    this.#runtime = runtime;
    this.#engine = runtime.requireEngine();
    this.#slots = slots;
    this.#fd = fd;
    if (slots === null) this.#engine.own(fd);
    runtime.resources.add(this);
  }

  get fd(): number {
    return this.#fd;
  }

  /** How the device is polled for this file's reads and writes, or `false`. */
  get polling(): PollMode | false {
    return this.#polled === null ? false : this.#polled.mode;
  }

  /** The file was opened with `O_DIRECT`: learns what that asks for, and how to wait for it. */
  async useDirect(poll: PollMode | false): Promise<void> {
    this.#alignment = await this.#readAlignment();
    if (poll === false) return;
    const polled = this.#engine.scheduler.polled.of(poll);
    // A kernel without this way of polling interrupts, as for every other file.
    this.#polled = typeof polled === 'number' ? null : polled;
  }

  get runtime(): Runtime {
    return this.#runtime;
  }

  read(buffer: NodeJS.ArrayBufferView, options: TransferOptions): Promise<number> {
    return this.#transfer(prepRead, 'read', buffer, options);
  }

  write(buffer: NodeJS.ArrayBufferView, options: TransferOptions): Promise<number> {
    return this.#transfer(prepWrite, 'write', buffer, options);
  }

  async append(bytes: Uint8Array, sync: AppendSync): Promise<number> {
    this.requireOpen();
    this.#log ??= new AppendLog(new RingAppendTarget(this));
    const log = this.#log;
    return await this.during(() => log.append(bytes, sync));
  }

  async truncate(size: number): Promise<void> {
    this.requireOpen();
    await this.during(() => truncateOpen(this.#runtime, this.#fd, size));
  }

  /** Waits until there is something to read, or a writer of a FIFO has come and gone. */
  async readable(signal: AbortSignal | undefined): Promise<void> {
    this.requireOpen();
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(settleTransfer, 'poll');
    prepPollAdd(scheduler.sqe, this.#fd, POLLIN);
    if (this.#slots !== null) setSqeFlags(scheduler.sqe, IOSQE_FIXED_FILE);
    operation.context = this;
    this.#pending += 1;
    if (signal !== undefined) bindSignal(scheduler, operation, signal);
    await promiseOf<number>(operation);
  }

  async sync(): Promise<void> {
    await this.#fsync('fsync', 0);
  }

  async datasync(): Promise<void> {
    await this.#fsync('fdatasync', IORING_FSYNC_DATASYNC);
  }

  async stat(): Promise<FileStats> {
    this.requireOpen();
    return await this.during(() => punt(() => this.#stat()));
  }

  #stat(): Promise<FileStats> {
    const mask = STATX_BASIC_STATS | STATX_BTIME;
    return statxOpen(this.#engine, this.#fd, mask, (bytes) => fileStats(readStatx(bytes)));
  }

  async #readAlignment(): Promise<Alignment> {
    const found = await punt(() =>
      statxOpen(this.#engine, this.#fd, STATX_DIOALIGN, readStatxDioAlign),
    );
    return { memory: found?.memory || 1, offset: found?.offset || 1 };
  }

  /** The runtime closes: what is in flight is being canceled. */
  destroy(): void {
    this.close().catch(ignoreCompletion);
  }

  /** Gives the descriptor to another owner. Nothing is in flight. */
  handOver(): number {
    const fd = this.#fd;
    this.#fd = -1;
    this.#closing = Promise.resolve();
    this.#runtime.resources.delete(this);
    return fd;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Keeps the file open until something that uses its descriptor is over. */
  async during<T>(use: () => Promise<T>): Promise<T> {
    this.#pending += 1;
    try {
      return await use();
    } finally {
      this.#settled();
    }
  }

  #transfer(
    prepare: typeof prepRead,
    syscall: 'read' | 'write',
    buffer: NodeJS.ArrayBufferView,
    options: TransferOptions,
  ): Promise<number> {
    try {
      const { views, lent } = this.#engine;
      let known = views.find(buffer);
      if (known === undefined) {
        validateBuffer(buffer, 'buffer');
        known = views.learn(buffer, lent);
      }
      const size = buffer.byteLength;
      const transfer = validateTransferOf(size, options);
      // An accessor of the options may have detached it.
      if (buffer.byteLength !== size) validateBuffer(buffer, 'buffer');
      this.requireOpen();
      transfer.signal?.throwIfAborted();
      // A device copies by itself, and a slot's reader takes small pieces anyway.
      const isWhole = transfer.length < SPLIT_SIZE || this.#alignment !== null;
      if (isWhole || this.#slots !== null) {
        return this.#begin(prepare, syscall, buffer, known, transfer);
      }
      return this.#beginLarge(prepare, syscall, buffer, known, transfer);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** In pieces, where nobody can tell. */
  #beginLarge(
    prepare: typeof prepRead,
    syscall: 'read' | 'write',
    buffer: NodeJS.ArrayBufferView,
    known: KnownView,
    whole: Transfer,
  ): Promise<number> {
    const { length, position, signal } = whole;
    return this.during(async () => {
      const isDivisible = await this.#divisibility.of(this.#engine, this.#fd, syscall);
      const transfer = (offset: number, size: number): Promise<number> => {
        this.#runtime.requireEngine();
        signal?.throwIfAborted();
        // Its owner may have detached it since the last piece.
        validateBuffer(buffer, 'buffer');
        const at = position < 0 ? position : position + offset;
        const piece = { offset: whole.offset + offset, length: size, position: at, signal };
        return this.#begin(prepare, syscall, buffer, known, piece);
      };
      if (!isDivisible) return await transfer(0, length);
      const lanes = syscall === 'read' && position >= 0 ? LANES_MAX : 1;
      return await CopyShare.of(this.#engine).whileLarge(() =>
        inPieces({ length, lanes, signal, transfer }),
      );
    });
  }

  #begin(
    prepare: typeof prepRead,
    syscall: 'read' | 'write',
    buffer: NodeJS.ArrayBufferView,
    known: KnownView,
    transfer: Transfer,
  ): Promise<number> {
    const { scheduler, mayShareHeap, pool } = this.#engine;
    const { offset, length, position, signal } = transfer;
    let bounce: Bounce | null = null;
    const { loan } = known;
    const isShared = mayShareHeap || length === 0 || loan !== null;
    // Mapped memory is aligned to its own size.
    let address = isShared ? known.address + offset : 0;
    if (this.#alignment !== null) validateAlignment(this.#alignment, address, length, position);
    if (!isShared) {
      bounce = new Bounce(pool.take(length), buffer, offset, length, syscall === 'read');
      address = bounce.block.address;
    }
    const isLarge = length >= COPY_SIZE_MIN;
    const share = isLarge && syscall === 'read' ? CopyShare.of(this.#engine) : null;
    const isLoops = share !== null && share.take(length, position);
    const operation = this.#queue(prepare, syscall, address, length, position);
    if (isLarge && !isLoops) this.#punt();
    operation.keep = bounce ?? buffer;
    if (loan !== null) this.#useLoan(loan, prepare === prepRead);
    this.#pending += 1;
    if (signal !== undefined) bindSignal(scheduler, operation, signal);
    if (position < 0 && syscall === 'write' && this.#slots === null) {
      this.#cursor.begin(this.#engine, this.#fd, operation, length);
    }
    const promise = promiseOf<number>(operation);
    if (share !== null) share.until(promise, isLoops);
    return promise;
  }

  /** Has a kernel worker do what was just queued; a polled ring does everything itself. */
  #punt(): void {
    if (this.#polled === null) setSqeFlags(this.#engine.scheduler.sqe, IOSQE_ASYNC);
  }

  /** Makes the transfer that was just queued a fixed one. */
  #useLoan(loan: Loan, isRead: boolean): void {
    loan.begin();
    const { index } = loan;
    const polled = this.#polled;
    // A ring that would not take a clone of the table reads into the same memory all the same.
    if (index < 0 || (polled !== null && !this.#engine.buffers.isShared(polled.ring))) return;
    const sqe = polled === null ? this.#engine.scheduler.sqe : polled.sqe;
    setSqeOpcode(sqe, isRead ? IORING_OP_READ_FIXED : IORING_OP_WRITE_FIXED);
    setSqeBufferIndex(sqe, index);
  }

  #queue(
    prepare: typeof prepRead,
    syscall: string,
    address: number,
    length: number,
    position: number,
  ): Operation {
    const { scheduler } = this.#engine;
    if (this.#polled !== null) {
      const transfer = new PolledTransfer(this, prepare, address, length, position);
      return transfer.begin(scheduler, this.#polled, this.#fd, syscall);
    }
    const operation = scheduler.begin(settleTransfer, syscall);
    prepare(scheduler.sqe, this.#fd, address, length, position);
    if (this.#slots !== null) setSqeFlags(scheduler.sqe, IOSQE_FIXED_FILE);
    operation.context = this;
    return operation;
  }

  /**
   * The device cannot be polled.
   * @internal
   */
  stopPolling(): void {
    this.#polled = null;
  }

  /**
   * A polled ring refused a transfer: it runs on the ordinary one, with everything it holds.
   * @internal
   */
  beginAgain(transfer: PolledTransfer, refused: Operation): void {
    const { prepare, address, length, position } = transfer;
    const { scheduler, metrics } = this.#engine;
    metrics.polledRetries += 1;
    const { keep, resolve, reject, signal, syscall } = refused;
    const isAborted = unbindSignal(refused);
    const operation = scheduler.begin(settleTransfer, syscall);
    prepare(scheduler.sqe, this.#fd, address, length, position);
    operation.keep = keep;
    operation.context = this;
    operation.resolve = resolve;
    operation.reject = reject;
    if (signal === null) return;
    bindSignal(scheduler, operation, signal);
    if (isAborted) cancelOperation(scheduler, operation);
  }

  async #fsync(syscall: string, flags: number): Promise<void> {
    this.requireOpen();
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(settleTransfer, syscall);
    prepFsync(scheduler.sqe, this.#fd, flags);
    if (this.#slots !== null) setSqeFlags(scheduler.sqe, IOSQE_FIXED_FILE);
    operation.context = this;
    this.#pending += 1;
    await promiseOf<number>(operation);
  }

  async #close(): Promise<void> {
    if (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    const fd = this.#fd;
    this.#fd = -1;
    this.#runtime.resources.delete(this);
    if (this.#slots !== null) {
      await this.#closeSlot(fd, this.#slots);
      return;
    }
    if (this.#runtime.isClosed) {
      this.#engine.calls.close(fd);
      return;
    }
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(settleWithResult, 'close');
    prepClose(scheduler.sqe, fd);
    const closed = promiseOf<number>(operation);
    this.#engine.disown(fd);
    await closed;
  }

  async #closeSlot(slot: number, slots: FileTable): Promise<void> {
    // The ring takes its slots with it.
    if (this.#runtime.isClosed) return;
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(settleWithResult, 'close');
    prepCloseDirect(scheduler.sqe, slot);
    await promiseOf<number>(operation);
    slots.release(slot);
  }

  /**
   * One operation on the file is over.
   * @internal
   */
  settle(operation: Operation, result: number): void {
    this.#cursor.end(this.#engine, this.#fd, operation, result);
    const { keep } = operation;
    const { mayShareHeap, lent, pool, views } = this.#engine;
    if (!mayShareHeap && keep instanceof Bounce) pool.give(keep.finish(result));
    else if (lent !== null && keep !== null) {
      const view = keep as ArrayBufferView;
      const known = views.find(view);
      (known === undefined ? lent.of(view) : known.loan)?.end();
    }
    this.#settled();
  }

  #settled(): void {
    this.#pending -= 1;
    if (this.#pending === 0 && this.#onIdle !== null) this.#onIdle();
  }

  /** Throws unless operations may be begun on it. */
  requireOpen(): void {
    this.#runtime.requireEngine();
    if (this.#closing !== null) throw closedError('file');
  }
}

function settleTransfer(result: number, flags: number, operation: Operation): void {
  (operation.context as RingFile).settle(operation, result);
  settleWithResult(result, flags, operation);
}
