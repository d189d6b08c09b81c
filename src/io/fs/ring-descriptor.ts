/**
 * What a `FileHandle` of the drop-in stands on: a descriptor on the ring, in the place of the
 * object of Node's own that a `FileHandle` of Node's stands on. It owns the descriptor until
 * `close()`, which Node's class calls when the last user of the handle is done.
 *
 * Methods get arguments that are plain already. Reads at the file's current position run one after
 * the other, in the order of their calls, and so do writes: the kernel does not lock the position
 * for a ring. Not both in one row: on a terminal a read may wait for what a write causes.
 *
 * Hot path: one operation, one promise and the result per read or write; no closures.
 */

import {
  AT_EMPTY_PATH,
  IORING_FSYNC_DATASYNC,
  IOSQE_ASYNC,
  prepClose,
  prepFsync,
  prepFtruncate,
  prepRead,
  prepReadv,
  prepStatx,
  prepWrite,
  prepWritev,
  setSqeFlags,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STRUCT_STATX_SIZE,
} from '../../native/abi.ts';
import {
  bindSignal,
  fsError,
  ignoreCompletion,
  promiseOf,
  unbindSignal,
  validateBuffer,
} from '../../runtime/index.ts';
import type { Block, Engine, Operation, Resource, Runtime } from '../../runtime/index.ts';
import { COPY_SIZE_MIN, CopyShare } from '../files/copy-share.ts';
import { Divisibility } from '../files/divisibility.ts';
import { allocateFresh } from '../files/fresh-memory.ts';
import { inPieces, LANES_MAX } from '../files/pieces.ts';
import { WriteCursor } from '../files/write-cursor.ts';
import { forgetHandle } from './collected-handles.ts';
import { CursorQueue } from './cursor-queue.ts';
import { LentMemory } from './lent-memory.ts';
import type { Carrier, CarrierClass } from './transfer.ts';

/** The file's current position, as the kernel wants it. */
export const CURRENT_POSITION = -1;

const STAT_MASK = STATX_BASIC_STATS | STATX_BTIME;

type View = ArrayBufferView;

/** Which part of a buffer, and where in the file. */
export interface Part {
  readonly offset: number;
  readonly length: number;
  readonly position: number;
}

/** Makes the value that a transfer's promise resolves to. */
type Settle = (result: number, flags: number, operation: Operation) => void;

/** Told when the runtime closes, so that whoever holds the descriptor no longer uses it. */
export interface DescriptorOwner {
  close(): Promise<void>;
}

export class RingDescriptor implements Resource {
  readonly #runtime: Runtime;
  readonly #engine: Engine;
  readonly #reads: CursorQueue = new CursorQueue();
  readonly #writes: CursorQueue = new CursorQueue();
  readonly #divisibility: Divisibility = new Divisibility();
  readonly #cursor: WriteCursor = new WriteCursor();
  /** Weak: the handle holds the descriptor, and must be collectable. */
  #owner: WeakRef<DescriptorOwner> | null = null;
  #fd: number;
  #pending = 0;
  #onIdle: (() => void) | null = null;
  #closing: Promise<void> | null = null;
  /** Made for a transfer, which may not come about: it would close what it still has at its end. */
  #carrier: Carrier | null = null;

  /** Made with a descriptor that it owns from now on. */
  constructor(runtime: Runtime, fd: number) {
    this.#runtime = runtime;
    this.#engine = runtime.requireEngine();
    this.#fd = fd;
    this.#engine.own(fd);
    runtime.resources.add(this);
  }

  /** Node's class reads it once. */
  get fd(): number {
    return this.#fd;
  }

  /** Whether operations may be begun. */
  get isOpen(): boolean {
    return this.#closing === null && !this.#runtime.isClosed;
  }

  setOwner(owner: DescriptorOwner): void {
    this.#owner = new WeakRef(owner);
  }

  /** Who it belongs to, unless the garbage collector has taken that. */
  get owner(): DescriptorOwner | undefined {
    return this.#owner?.deref();
  }

  /** Node's `FileHandle.getAsyncId()` asks for it; there is no async resource. */
  getAsyncId(): number {
    return -1;
  }

  /** Whether a buffer has been used so often that it need not be checked again. */
  knows(buffer: View): boolean {
    return this.#engine.views.find(buffer) !== undefined;
  }

  /** Reads into a part of a buffer; `settle` says what the promise resolves to. */
  read<T>(
    settle: Settle,
    buffer: View,
    offset: number,
    length: number,
    position: number,
    signal?: AbortSignal,
  ): Promise<T> {
    if (position === CURRENT_POSITION && this.#reads.isBusy) {
      return this.#reads.wait(() => this.read(settle, buffer, offset, length, position, signal));
    }
    return this.#transfer(settle, 'read', buffer, offset, length, position, position, signal);
  }

  /** Writes a part of a buffer; `settle` says what the promise resolves to. */
  write<T>(
    settle: Settle,
    buffer: View,
    offset: number,
    length: number,
    position: number,
    signal?: AbortSignal,
  ): Promise<T> {
    if (position === CURRENT_POSITION && this.#writes.isBusy) {
      return this.#writes.wait(() => this.write(settle, buffer, offset, length, position, signal));
    }
    return this.#transfer(settle, 'write', buffer, offset, length, position, position, signal);
  }

  /** `turn` is the position, or 0 for who has the turn at the current position already. */
  #transfer<T>(
    settle: Settle,
    syscall: 'read' | 'write',
    buffer: View,
    offset: number,
    length: number,
    position: number,
    turn: number,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const engine = this.#engine;
    const { scheduler } = engine;
    const isRead = syscall === 'read';
    let keep: unknown = buffer;
    let address: number;
    if (engine.mayShareHeap) {
      const known = engine.views.find(buffer) ?? engine.views.learn(buffer, engine.lent);
      address = known.address + offset;
    } else {
      const lent = LentMemory.ofPart(engine, buffer, { offset, length }, isRead);
      keep = lent;
      ({ address } = lent.block);
    }
    const isLarge = length >= COPY_SIZE_MIN;
    const share = isLarge && isRead ? CopyShare.of(engine) : null;
    const isLoops = share !== null && share.take(length, position);
    const operation = scheduler.begin(settle, syscall);
    if (isRead) prepRead(scheduler.sqe, this.#fd, address, length, position);
    else prepWrite(scheduler.sqe, this.#fd, address, length, position);
    if (position === CURRENT_POSITION && !isRead) {
      this.#cursor.begin(engine, this.#fd, operation, length);
    }
    const promise = this.#begun<T>(operation, keep, isLarge && !isLoops, turn, signal);
    if (share !== null) share.until(promise, isLoops);
    return promise;
  }

  /** A large read or write, in pieces where nobody can tell. Resolves to its count. */
  large(syscall: 'read' | 'write', buffer: View, part: Part): Promise<number> {
    const queue = syscall === 'read' ? this.#reads : this.#writes;
    if (part.position !== CURRENT_POSITION) return this.#large(syscall, buffer, part);
    if (queue.isBusy) return queue.wait(() => this.large(syscall, buffer, part));
    const turn = {};
    queue.begin(turn);
    return this.#large(syscall, buffer, part).finally(() => queue.end(turn));
  }

  #large(syscall: 'read' | 'write', buffer: View, whole: Part): Promise<number> {
    const { length, position } = whole;
    return this.during(async () => {
      const isDivisible = await this.#divisibility.of(this.#engine, this.#fd, syscall);
      const transfer = (offset: number, size: number): Promise<number> => {
        this.#runtime.requireEngine();
        // Its owner may have detached it since the last piece.
        validateBuffer(buffer, 'buffer');
        const at = position === CURRENT_POSITION ? position : position + offset;
        const from = whole.offset + offset;
        return this.#transfer(settleWithCount, syscall, buffer, from, size, at, 0, undefined);
      };
      if (!isDivisible) return await transfer(0, length);
      const lanes = syscall === 'read' && position !== CURRENT_POSITION ? LANES_MAX : 1;
      return await CopyShare.of(this.#engine).whileLarge(() =>
        inPieces({ length, lanes, signal: undefined, transfer }),
      );
    });
  }

  /** New memory to read into. */
  allocate(size: number): Buffer {
    return allocateFresh(this.#engine, size);
  }

  /** Reads into or writes a list of buffers. */
  vector<T>(
    settle: Settle,
    syscall: 'read' | 'write',
    buffers: readonly View[],
    position: number,
  ): Promise<T> {
    const isRead = syscall === 'read';
    const queue = isRead ? this.#reads : this.#writes;
    if (position === CURRENT_POSITION && queue.isBusy) {
      return queue.wait(() => this.vector(settle, syscall, buffers, position));
    }
    const { scheduler } = this.#engine;
    const lent = LentMemory.ofList(this.#engine, buffers, isRead);
    const { address } = lent.block;
    const operation = scheduler.begin(settle, syscall);
    if (lent.hasIovecs) {
      const prepare = isRead ? prepReadv : prepWritev;
      prepare(scheduler.sqe, this.#fd, address, lent.length, position, 0);
    } else {
      const prepare = isRead ? prepRead : prepWrite;
      prepare(scheduler.sqe, this.#fd, address, lent.length, position);
    }
    const size = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (position === CURRENT_POSITION && !isRead) {
      this.#cursor.begin(this.#engine, this.#fd, operation, size);
    }
    return this.#begun<T>(operation, lent, size >= COPY_SIZE_MIN, position, undefined);
  }

  #begun<T>(
    operation: Operation,
    keep: unknown,
    isPunted: boolean,
    position: number,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const { scheduler } = this.#engine;
    if (isPunted) setSqeFlags(scheduler.sqe, IOSQE_ASYNC);
    operation.keep = keep;
    operation.context = this;
    this.#pending += 1;
    if (position === CURRENT_POSITION) {
      (operation.syscall === 'write' ? this.#writes : this.#reads).begin(operation);
    }
    if (signal !== undefined) bindSignal(scheduler, operation, signal);
    return promiseOf<T>(operation);
  }

  /** Whether something is in flight, or waits for its turn. */
  get isBusy(): boolean {
    return this.#pending > 0;
  }

  /** Calls back once when nothing is in flight any more; something is. */
  whenIdle(callback: () => void): void {
    this.#onIdle = callback;
  }

  /** Keeps the descriptor open until something that uses it more than once is over. */
  async during<T>(use: () => Promise<T>): Promise<T> {
    this.#pending += 1;
    try {
      return await use();
    } finally {
      this.#release();
    }
  }

  /** Mirrors fsync(2) and fdatasync(2). */
  sync(syscall: 'fsync' | 'fdatasync'): Promise<number> {
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(settleWithCount, syscall);
    prepFsync(scheduler.sqe, this.#fd, syscall === 'fsync' ? 0 : IORING_FSYNC_DATASYNC);
    return this.#begun(operation, null, false, 0, undefined);
  }

  /** Mirrors ftruncate(2). Linux 6.9+; `EINVAL` before. */
  truncate(length: number): Promise<number> {
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(settleWithCount, 'ftruncate');
    prepFtruncate(scheduler.sqe, this.#fd, length);
    return this.#begun(operation, null, false, 0, undefined);
  }

  /** Mirrors fstat(2); `finish` makes the value from the struct at the block's beginning. */
  async stat<T>(finish: (block: Block) => T): Promise<T> {
    const { scheduler, pool } = this.#engine;
    // The result, and behind it the empty path: a zero.
    const block = pool.take(STRUCT_STATX_SIZE + 1);
    block.bytes[STRUCT_STATX_SIZE] = 0;
    const path = block.address + STRUCT_STATX_SIZE;
    const operation = scheduler.begin(settleWithCount, 'fstat');
    prepStatx(scheduler.sqe, this.#fd, path, AT_EMPTY_PATH, STAT_MASK, block.address);
    try {
      await this.#begun(operation, block, false, 0, undefined);
      return finish(block);
    } finally {
      pool.give(block);
    }
  }

  /** The runtime closes: whoever holds the descriptor is told, and nobody else closes it. */
  destroy(): void {
    (this.owner ?? this).close().catch(ignoreCompletion);
  }

  /** Waits for what is in flight, then closes. Called by Node's class, with the handle unusable. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#pending > 0) {
      await new Promise<void>((resolve) => this.whenIdle(resolve));
    }
    this.#dropCarrier();
    const fd = this.#fd;
    this.#fd = -1;
    this.#runtime.resources.delete(this);
    forgetHandle(this);
    if (this.#runtime.isClosed) {
      this.#closeNow(fd);
      return;
    }
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(settleUncounted, 'close');
    prepClose(scheduler.sqe, fd);
    const closed = promiseOf<number>(operation);
    this.#engine.disown(fd);
    await closed;
  }

  /** For newer Nodes, whose handles can be closed without waiting. Nothing is in flight. */
  closeSync(): void {
    this.#dropCarrier();
    const fd = this.#fd;
    this.#fd = -1;
    this.#closing = Promise.resolve();
    this.#runtime.resources.delete(this);
    forgetHandle(this);
    this.#closeNow(fd);
  }

  /** What the descriptor may leave this thread in: it stays this object's until `leave()`. */
  carrier(carrierClass: CarrierClass): Carrier {
    if (this.#carrier === null) {
      this.#carrier = new carrierClass(this.#fd);
      // A message has been made by then, or has failed.
      queueMicrotask(() => this.#dropCarrier());
    }
    return this.#carrier;
  }

  /** Gives the descriptor away, with what carries it. Nothing is in flight. */
  leave(carrierClass: CarrierClass): Carrier {
    const carrier = this.carrier(carrierClass);
    this.#carrier = null;
    this.#engine.disown(this.#fd);
    this.#fd = -1;
    this.#closing = Promise.resolve();
    this.#runtime.resources.delete(this);
    forgetHandle(this);
    return carrier;
  }

  #dropCarrier(): void {
    this.#carrier?.releaseFD();
    this.#carrier = null;
  }

  #closeNow(fd: number): void {
    const result = this.#engine.calls.close(fd);
    if (result < 0) throw fsError(result, 'close');
  }

  /**
   * One operation is over. Returns the buffers that the caller passed.
   * @internal
   */
  over(operation: Operation, result: number): unknown {
    this.#cursor.end(this.#engine, this.#fd, operation, result);
    const { keep } = operation;
    const returned = keep instanceof LentMemory ? keep.finish(result) : keep;
    (operation.syscall === 'write' ? this.#writes : this.#reads).end(operation);
    this.#release();
    return returned;
  }

  #release(): void {
    this.#pending -= 1;
    if (this.#pending > 0 || this.#onIdle === null) return;
    const onIdle = this.#onIdle;
    this.#onIdle = null;
    onIdle();
  }
}

/** Rejects if there is something to reject for. */
function isRefused(result: number, operation: Operation): boolean {
  if (operation.signal !== null && unbindSignal(operation)) {
    operation.reject?.(operation.signal.reason);
  } else if (result < 0) {
    operation.reject?.(fsError(result, operation.syscall));
  } else {
    return false;
  }
  return true;
}

function settleUncounted(result: number, _flags: number, operation: Operation): void {
  if (!isRefused(result, operation)) operation.resolve?.(result as never);
}

/** Resolves to the kernel's result. */
export function settleWithCount(result: number, _flags: number, operation: Operation): void {
  (operation.context as RingDescriptor).over(operation, result);
  if (!isRefused(result, operation)) operation.resolve?.(result as never);
}

/** Resolves to what Node's `FileHandle.read()` does. */
export function settleRead(result: number, _flags: number, operation: Operation): void {
  const buffer = (operation.context as RingDescriptor).over(operation, result);
  if (isRefused(result, operation)) return;
  // Like Node's it inherits from nothing; set afterwards, because a literal would be a slow object.
  operation.resolve?.(Object.setPrototypeOf({ bytesRead: result, buffer }, null) as never);
}

/** Resolves to what Node's `FileHandle.write()` does. */
export function settleWrite(result: number, _flags: number, operation: Operation): void {
  const buffer = (operation.context as RingDescriptor).over(operation, result);
  if (isRefused(result, operation)) return;
  operation.resolve?.(Object.setPrototypeOf({ bytesWritten: result, buffer }, null) as never);
}

/** Resolves to what Node's `FileHandle.readv()` does. */
export function settleReadv(result: number, _flags: number, operation: Operation): void {
  const buffers = (operation.context as RingDescriptor).over(operation, result);
  if (isRefused(result, operation)) return;
  operation.resolve?.(Object.setPrototypeOf({ bytesRead: result, buffers }, null) as never);
}

/** Resolves to what Node's `FileHandle.writev()` does. */
export function settleWritev(result: number, _flags: number, operation: Operation): void {
  const buffers = (operation.context as RingDescriptor).over(operation, result);
  if (isRefused(result, operation)) return;
  operation.resolve?.(Object.setPrototypeOf({ bytesWritten: result, buffers }, null) as never);
}
