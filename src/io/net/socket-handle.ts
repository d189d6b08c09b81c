/**
 * SocketHandle: what a `Socket` holds of the ring, with the part that Node's own handles play: it
 * is there from `connect()` or the accept until `destroy()`, and it is the async resource that all
 * events of the socket run in.
 *
 *   new --bindTo(), connect()--> connecting --take--> connected --close()--> closing --> closed
 *    '---- made with a connected descriptor ------------^
 *
 * Hot path (`onData`, `write`, `#onWritten`): no closure per chunk.
 */

import { AsyncResource } from 'node:async_hooks';
import type { Duplex } from 'node:stream';
import { EBADF, ECANCELED } from '../../native/abi.ts';
import { systemError } from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { Endpoint, SocketAddress, UnixEndpoint } from '../tcp/address.ts';
import { addressOf } from '../tcp/address.ts';
import { ConnectAttempt } from '../tcp/connect-attempt.ts';
import type { ConnectionHandler } from '../tcp/connection.ts';
import type { KeepAlive } from '../tcp/keep-alive.ts';
import { RingConnection } from '../tcp/ring-connection.ts';
import type { ReceiveTarget } from '../tcp/ring-receiver.ts';
import { plainError } from './net-errors.ts';
import { mayEmit } from '../stream/shortcuts.ts';

/** Called when a write is over. */
export type WriteDone = (error?: Error | null) => void;

/** One write that a stream has buffered. */
export interface Chunk {
  readonly chunk: string | Uint8Array;
  readonly encoding: BufferEncoding;
}

/** Up to here a copy costs less than a vector. */
const COPY_SIZE_MAX = 16 * 1024;

/** What a handle needs of its socket. */
export interface HandleOwner extends Duplex {
  _unrefTimer(): void;
}

export class SocketHandle extends AsyncResource implements ConnectionHandler {
  /** Whether the socket wants to receive. */
  reading = false;
  /** Bytes given to the kernel or queued for it. */
  bytesWritten = 0;
  /** What was queued when the last write began, or when a timeout last looked; 0 without one. */
  lastWriteQueueSize = 0;
  /** Whether it is a Unix socket, which Node calls a pipe. */
  readonly isPipe: boolean;
  readonly #runtime: Runtime;
  #owner: HandleOwner | null = null;
  #attempt: ConnectAttempt | null = null;
  #onConnect: ((result: number) => void) | null = null;
  #connection: RingConnection | null = null;
  #target: ReceiveTarget | null = null;
  #isReferenced = true;
  #isClosing = false;
  #onClosed: (() => void) | null = null;
  #writeDone: WriteDone | null = null;
  /** Made with the first write: many a connection is only kept. */
  #sent: ((error: Error | null) => void) | null = null;

  constructor(runtime: Runtime, isPipe: boolean) {
    super(isPipe ? 'PIPEWRAP' : 'TCPWRAP', { requireManualDestroy: true });
    this.#runtime = runtime;
    this.isPipe = isPipe;
  }

  /** The handle of a connection that exists already. */
  static of(runtime: Runtime, connection: RingConnection, isPipe: boolean): SocketHandle {
    const handle = new SocketHandle(runtime, isPipe);
    handle.#connection = connection;
    connection.setHandler(handle);
    return handle;
  }

  get fd(): number {
    if (this.#isClosing) return -1;
    return this.#connection?.fd ?? this.#attempt?.fd ?? -1;
  }

  get bytesRead(): number {
    return this.#connection?.bytesRead ?? 0;
  }

  /** Bytes that are not with the kernel yet. */
  get writeQueueSize(): number {
    return this.#connection?.unsentBytes ?? 0;
  }

  get localAddress(): SocketAddress | null {
    if (this.isPipe) return null;
    if (this.#connection !== null) return this.#connection.localAddress;
    if (this.#attempt === null) return null;
    return addressOf(this.#runtime.requireEngine().calls.getsockname(this.#attempt.fd));
  }

  get remoteAddress(): SocketAddress | null {
    return this.isPipe ? null : (this.#connection?.remoteAddress ?? null);
  }

  get #onSent(): (error: Error | null) => void {
    this.#sent ??= (error) => {
      this.runInAsyncScope(finishWrite, undefined, this, error);
    };
    return this.#sent;
  }

  getAsyncId(): number {
    return this.asyncId();
  }

  setOwner(owner: HandleOwner): void {
    this.#owner = owner;
  }

  /** Receives into the socket's own buffers from now on. */
  setTarget(target: ReceiveTarget): void {
    this.#target = target;
    this.#connection?.setTarget(target);
  }

  /** Binds it before it connects: 0 or `-errno`. */
  bindTo(where: Endpoint): number {
    const attempt = this.#open(where.domain);
    return typeof attempt === 'number' ? attempt : attempt.bind(where);
  }

  /**
   * Connects; the callback gets 0 or `-errno`, in this handle's context: `-ECANCELED` where it is
   * closed before.
   */
  connect(where: Endpoint | UnixEndpoint, done: (result: number) => void): number {
    const attempt = this.#open(where.domain);
    if (typeof attempt === 'number') return attempt;
    this.#onConnect = done;
    attempt.connect(where, (result) => {
      this.#onConnect = null;
      if (result >= 0) this.#connected(attempt);
      this.runInAsyncScope(done, undefined, result);
    });
    return 0;
  }

  readStart(): number {
    this.reading = true;
    this.#connection?.start();
    return 0;
  }

  readStop(): number {
    this.reading = false;
    this.#connection?.stop();
    return 0;
  }

  /**
   * As in Node, where most writes are over when they return: the bytes are copied, and nothing
   * comes before them. Returns false for many, and where something is being sent already.
   */
  writePromptly(data: string | Uint8Array, encoding: BufferEncoding): boolean {
    if (this.#connection === null) return false;
    const size = this.#connection.sendPromptly(data, encoding);
    this.bytesWritten += size;
    return size > 0;
  }

  /** Sends one chunk. One write at a time. */
  write(data: string | Uint8Array, encoding: BufferEncoding, done: WriteDone): void {
    if (this.writePromptly(data, encoding)) {
      done(null);
      return;
    }
    const bytes = typeof data === 'string' ? Buffer.from(data, encoding) : data;
    this.#writeDone = done;
    this.bytesWritten += bytes.byteLength;
    this.lastWriteQueueSize = bytes.byteLength;
    if (this.#connection === null) this.#onSent(systemError(-EBADF, 'write', { form: 'net' }));
    else this.#connection.send(bytes, this.#onSent);
  }

  /** Sends chunks as one: copied together where they are small. */
  writeChunks(chunks: readonly Chunk[], done: WriteDone): void {
    const most = mostOf(chunks);
    const room = most <= COPY_SIZE_MAX ? (this.#connection?.room(most) ?? null) : null;
    if (room !== null) {
      this.#sendPromptly(fill(room, chunks));
      done(null);
      return;
    }
    let size = 0;
    for (const { chunk, encoding } of chunks) size += sizeOfChunk(chunk, encoding);
    if (size <= COPY_SIZE_MAX) {
      this.write(copyTogether(chunks, size), 'utf8', done);
      return;
    }
    this.#writeDone = done;
    this.bytesWritten += size;
    this.lastWriteQueueSize = size;
    const pieces = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    );
    if (this.#connection === null) this.#onSent(systemError(-EBADF, 'write', { form: 'net' }));
    else this.#connection.sendAll(pieces, this.#onSent);
  }

  /** Tells the peer that nothing follows. */
  shutdown(done: () => void): void {
    if (this.#connection === null || this.#connection.isClosed) {
      done();
      return;
    }
    this.#connection.shutdown(() => this.runInAsyncScope(done));
  }

  setNoDelay(isOn: boolean): void {
    if (!this.isPipe) this.#connection?.setNoDelay(isOn);
  }

  setKeepAlive(keepAlive: KeepAlive): void {
    if (!this.isPipe) this.#connection?.setProbes(keepAlive);
  }

  ref(): void {
    this.#isReferenced = true;
    this.#connection?.setReferenced(true);
  }

  unref(): void {
    this.#isReferenced = false;
    this.#connection?.setReferenced(false);
  }

  hasRef(): boolean {
    return this.#isReferenced && !this.#isClosing;
  }

  /** Closes it; the callback follows when the descriptor is gone. */
  close(onClosed?: () => void): void {
    this.#close(onClosed ?? null, false);
  }

  /** Closes it, and has the peer see a reset. */
  reset(onClosed: () => void): void {
    this.#close(onClosed, true);
  }

  /** @internal */
  onData(chunk: Buffer): void {
    this.runInAsyncScope(deliver, undefined, this, chunk);
  }

  /** @internal */
  onEnd(): void {
    this.runInAsyncScope(endReading, undefined, this);
  }

  /** @internal */
  onError(error: Error): void {
    this.runInAsyncScope(failReading, undefined, this, error);
  }

  /** @internal */
  onDrain(): void {}

  /** The descriptor is gone, because it was closed here or because the runtime closes. */
  onClose(): void {
    this.#connection = null;
    if (this.#isClosing) this.#closed();
    else this.#owner?.destroy();
  }

  /** @internal */
  takeData(chunk: Buffer): void {
    const owner = this.#owner;
    if (owner === null) return;
    owner._unrefTimer();
    if (owner.destroyed) return;
    if (mayEmit(owner)) owner.emit('data', chunk);
    else if (!owner.push(chunk) && this.reading) this.readStop();
  }

  /** @internal */
  takeEnd(): void {
    const owner = this.#owner;
    if (owner === null) return;
    owner._unrefTimer();
    if (owner.readableEnded) return;
    owner.push(null);
    // Without a reader the end would never be seen, and the socket never be destroyed.
    owner.read(0);
  }

  /** @internal */
  takeError(error: Error): void {
    this.#owner?._unrefTimer();
    this.#owner?.destroy(plainError(error));
  }

  #sendPromptly(size: number): void {
    this.bytesWritten += size;
    this.#connection?.sendRoom(size);
  }

  #open(domain: number): ConnectAttempt | number {
    if (this.#attempt !== null) return this.#attempt;
    const attempt = ConnectAttempt.open(this.#runtime, domain);
    if (typeof attempt !== 'number') this.#attempt = attempt;
    return attempt;
  }

  #connected(attempt: ConnectAttempt): void {
    this.#attempt = null;
    const connection = new RingConnection(this.#runtime, attempt.take());
    if (!this.#isReferenced) connection.setReferenced(false);
    if (this.#target !== null) connection.setTarget(this.#target);
    connection.setHandler(this);
    this.#connection = connection;
  }

  /** @internal */
  takeWritten(error: Error | null): void {
    const done = this.#writeDone;
    this.#writeDone = null;
    if (done === null) return;
    const owner = this.#owner;
    if (owner === null || owner.destroyed) {
      done(owner === null && error !== null ? plainError(error) : null);
    } else if (error !== null) {
      done(plainError(error));
    } else {
      owner._unrefTimer();
      this.lastWriteQueueSize = 0;
      done(null);
    }
  }

  #close(onClosed: (() => void) | null, isReset: boolean): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.reading = false;
    this.#onClosed = onClosed;
    if (this.#connection !== null) {
      if (isReset) this.#connection.reset();
      else this.#connection.destroy();
    } else if (this.#attempt === null) {
      setImmediate(() => this.#closed());
    } else {
      this.#attempt.destroy(() => this.#canceled());
    }
  }

  /** The attempt is over because this was closed: whoever waits for it is told so first. */
  #canceled(): void {
    const onConnect = this.#onConnect;
    this.#onConnect = null;
    try {
      if (onConnect !== null) this.runInAsyncScope(onConnect, undefined, -ECANCELED);
    } finally {
      this.#closed();
    }
  }

  #closed(): void {
    const onClosed = this.#onClosed;
    this.#onClosed = null;
    try {
      if (onClosed !== null) this.runInAsyncScope(onClosed);
    } finally {
      this.#owner = null;
      this.emitDestroy();
    }
  }
}

/** How many bytes a chunk is on the wire. */
export function sizeOfChunk(chunk: string | Uint8Array, encoding: BufferEncoding): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : chunk.length;
}

/** How many bytes chunks are at most: to count those of a text takes as long as to write it. */
function mostOf(chunks: readonly Chunk[]): number {
  let most = 0;
  for (const { chunk, encoding } of chunks) {
    most += typeof chunk === 'string' && encoding !== 'latin1' ? 3 * chunk.length : chunk.length;
  }
  return most;
}

function copyTogether(chunks: readonly Chunk[], size: number): Buffer {
  const copy = Buffer.allocUnsafe(size);
  fill(copy, chunks);
  return copy;
}

/** Writes the chunks one behind the other, and returns how many bytes they were. */
function fill(into: Buffer, chunks: readonly Chunk[]): number {
  let at = 0;
  for (const { chunk, encoding } of chunks) {
    if (typeof chunk === 'string') {
      if (chunk !== '') at += into.write(chunk, at, encoding);
    } else {
      into.set(chunk, at);
      at += chunk.length;
    }
  }
  return at;
}

// One function for all handles: `runInAsyncScope` gets no closure.

function deliver(handle: SocketHandle, chunk: Buffer): void {
  handle.takeData(chunk);
}

function endReading(handle: SocketHandle): void {
  handle.takeEnd();
}

function failReading(handle: SocketHandle, error: Error): void {
  handle.takeError(error);
}

function finishWrite(handle: SocketHandle, error: Error | null): void {
  handle.takeWritten(error);
}
