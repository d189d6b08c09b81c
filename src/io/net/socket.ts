/**
 * `net.Socket` on the ring: a `stream.Duplex` with Node's options, properties, errors and order of
 * events. What it holds of the kernel is its `SocketHandle`, there from `connect()` or the accept
 * until `destroy()`.
 *
 * Hot path: `_write` and what the handle calls for each chunk (`push`, `_unrefTimer`).
 */

import type { BlockList } from 'node:net';
import { addAbortSignal, Duplex } from 'node:stream';
import { runtime } from '../../runtime/index.ts';
import { normalizeArguments } from './arguments.ts';
import { adoptable, callable } from './callable.ts';
import { beginConnect, validateConnect } from './connect.ts';
import type { ConnectOptions } from './connect.ts';
import { IdleTimer, TIMEOUT_MS_MAX, warnOfLongTimeout } from '../stream/idle-timer.ts';
import { isOtherKeepAlive, keepAliveOf, keepAliveOption } from './keep-alive.ts';
import { endOnceDrained, refusingOnceEnded } from './late-end.ts';
import { closedBeforeConnection, invalidHandleType, socketClosed } from './net-errors.ts';
import { blockListOf, net, refuseAsNode } from './node-net.ts';
import { isOnRead, OnRead } from './on-read.ts';
import type { OnReadOptions } from './on-read.ts';
import type { RingServer } from './server.ts';
import { SocketHandle, sizeOfChunk } from './socket-handle.ts';
import type { Chunk, HandleOwner, WriteDone } from './socket-handle.ts';
import { inOwnContext } from './write-context.ts';
import type { KeepAlive } from '../tcp/keep-alive.ts';
import { encodingAtOnce } from '../stream/shortcuts.ts';
import { adoptDescriptor, standInFor, streamOptions } from './socket-options.ts';
import type { SocketOptions } from './socket-options.ts';
import { addTypeOfService, applyTypeOfService, takeTypeOfService } from './type-of-service.ts';
import { isWrappedByTls } from './wrapped.ts';

interface Name {
  address?: string;
  family?: string;
  port?: number;
}

/** `_undestroy` of Node's streams: makes a destroyed one usable again. */
interface Revivable {
  _undestroy(): void;
  readonly writableBuffer?: readonly Chunk[];
}

const StreamBase: typeof Duplex = adoptable(Duplex);

/** The class; users get it as `Socket`. */
export class RingSocket extends StreamBase implements HandleOwner {
  connecting = false;
  _hadError = false;
  _handle: SocketHandle | null = null;
  _parent: RingSocket | null = null;
  _host: string | null = null;
  _peername: Name | null = null;
  _sockname: Name | null = null;
  _pendingData: string | Uint8Array | Chunk[] | null = null;
  _pendingEncoding = '';
  /** Set by whoever wants the handle to be there while `'error'` is handled. */
  _closeAfterHandlingError = false;
  server: RingServer | null = null;
  _server: RingServer | null = null;
  timeout: number | undefined = undefined;
  declare autoSelectFamilyAttemptedAddresses?: string[];
  declare blockList?: BlockList;
  #timer: IdleTimer | null = null;
  #onRead: OnReadOptions | null = null;
  #noDelay: boolean;
  #keepAlive: KeepAlive;
  #isResetting = false;
  #bytesRead = 0;
  #bytesWritten = 0;

  constructor(given?: SocketOptions | number) {
    const options = streamOptions(given);
    const { handle, fd, signal } = options;
    // An aborted signal destroys at once: when there is all that is to be destroyed.
    delete options.signal;
    super(options);
    this.#noDelay = Boolean(options.noDelay);
    this.#keepAlive = keepAliveOption(options.keepAlive, options.keepAliveInitialDelay);
    takeTypeOfService(this, options.typeOfService);
    const blockList = blockListOf(options, () => new net.Socket(options));
    if (blockList !== undefined) this.blockList = blockList;
    if (isOnRead(options.onread)) this.#onRead = options.onread;
    if (handle instanceof SocketHandle) this._initHandle(handle);
    else if (fd !== undefined) this._initHandle(adoptDescriptor(fd));
    this.on('end', onReadableEnd);
    if (this._handle !== null && options.readable !== false) {
      if (options.pauseOnCreate === true)
        (this as { readableFlowing: unknown }).readableFlowing = false;
      else if (options.manualStart !== true) this.read(0);
    }
    if (signal !== undefined && signal !== null) addAbortSignal(signal, this);
  }

  get _connecting(): boolean {
    return this.connecting;
  }

  get pending(): boolean {
    return this._handle === null || this.connecting;
  }

  get readyState(): string {
    if (this.connecting) return 'opening';
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  get bufferSize(): number | undefined {
    return this._handle === null ? undefined : this.writableLength;
  }

  get bytesRead(): number {
    return this._handle === null ? this.#bytesRead : this._handle.bytesRead;
  }

  get _bytesDispatched(): number {
    return this._handle === null ? this.#bytesWritten : this._handle.bytesWritten;
  }

  get bytesWritten(): number | undefined {
    const { writableBuffer } = this as unknown as Revivable;
    if (writableBuffer === undefined) return undefined;
    let bytes = this._bytesDispatched;
    for (const { chunk, encoding } of writableBuffer) bytes += sizeOfChunk(chunk, encoding);
    const data = this._pendingData;
    if (Array.isArray(data))
      for (const { chunk, encoding } of data) bytes += sizeOfChunk(chunk, encoding);
    else if (data !== null) bytes += sizeOfChunk(data, this._pendingEncoding as BufferEncoding);
    return bytes;
  }

  get remoteAddress(): string | undefined {
    return this._getpeername().address;
  }

  get remoteFamily(): string | undefined {
    return this._getpeername().family;
  }

  get remotePort(): number | undefined {
    return this._getpeername().port;
  }

  get localAddress(): string | undefined {
    return this._getsockname().address;
  }

  get localPort(): number | undefined {
    return this._getsockname().port;
  }

  get localFamily(): string | undefined {
    return this._getsockname().family;
  }

  address(): Name {
    return this._getsockname();
  }

  connect(...args: unknown[]): this {
    const [options, callback] = normalizeArguments(args);
    if (callback !== null) this.once('connect', callback);
    if (this._parent?.connecting === true) return this;
    const { port, path } = options as ConnectOptions;
    if (port === undefined && (path === undefined || path === null)) validateConnect(options);
    // The end of the last connection has put another one in its place.
    if (Object.hasOwn(this, 'write')) delete (this as { write?: unknown }).write;
    if (this.destroyed) {
      this._handle = null;
      this._peername = null;
    }
    if (this._handle === null) {
      (this as unknown as Revivable)._undestroy();
      this._initHandle(new SocketHandle(runtime(), Boolean(path)));
    }
    this._unrefTimer();
    this.connecting = true;
    validateConnect(options);
    beginConnect(this, options);
    return this;
  }

  setTimeout(delayMs: number, callback?: () => void): this {
    if (this.destroyed) return this;
    this.timeout = delayMs;
    const isBad = typeof delayMs !== 'number' || !(delayMs >= 0 && Number.isFinite(delayMs));
    if (isBad || (callback !== undefined && typeof callback !== 'function')) {
      refuseAsNode(() => new net.Socket().setTimeout(delayMs, callback));
    }
    if (delayMs > TIMEOUT_MS_MAX) warnOfLongTimeout(delayMs);
    if (delayMs === 0) {
      this.#timer?.pause();
      if (callback !== undefined) this.removeListener('timeout', callback);
    } else {
      this.#timer ??= new IdleTimer(() => this._onTimeout());
      this.#timer.set(Math.min(delayMs, TIMEOUT_MS_MAX));
      if (callback !== undefined) this.once('timeout', callback);
    }
    return this;
  }

  setNoDelay(isOn?: unknown): this {
    const enable = Boolean(isOn ?? isOn === undefined);
    if (this._handle !== null && enable !== this.#noDelay) this._handle.setNoDelay(enable);
    this.#noDelay = enable;
    return this;
  }

  setKeepAlive(isOn?: unknown, delayMs?: number, intervalMs?: number, count?: number): this {
    const wanted = keepAliveOf([isOn, delayMs, intervalMs, count]);
    const isNew = isOtherKeepAlive(wanted, this.#keepAlive);
    if (this._handle !== null && isNew) this._handle.setKeepAlive(wanted);
    this.#keepAlive = wanted;
    return this;
  }

  /** The options that the server has set on the listening socket, which accepted ones inherit. */
  _inherit(noDelay: boolean, keepAlive: boolean, keepAliveDelayMs: number): void {
    this.#noDelay = noDelay;
    this.#keepAlive = keepAliveOption(keepAlive, keepAliveDelayMs);
  }

  ref(): this {
    if (this._handle === null) this.once('connect', () => this.ref());
    else this._handle.ref();
    return this;
  }

  unref(): this {
    if (this._handle === null) this.once('connect', () => this.unref());
    else this._handle.unref();
    return this;
  }

  override pause(): this {
    if (this.#onRead !== null && !this.connecting && this._handle?.reading === true) {
      this._handle.readStop();
    }
    return super.pause();
  }

  override resume(): this {
    this.#startOnRead();
    return super.resume();
  }

  override read(size?: number): unknown {
    this.#startOnRead();
    return super.read(size);
  }

  override write(
    chunk: unknown,
    encoding?: BufferEncoding | ((error?: Error | null) => void),
    callback?: (error?: Error | null) => void,
  ): boolean {
    if (callback === undefined && this.#writeAtOnce(chunk, encoding)) return true;
    // The callback belongs to whoever writes, not to the socket's own async context.
    if (typeof encoding === 'function') return super.write(chunk, inOwnContext(encoding));
    if (callback === undefined) return super.write(chunk, encoding as BufferEncoding);
    const bound = typeof callback === 'function' ? inOwnContext(callback) : callback;
    return super.write(chunk, encoding as BufferEncoding, bound);
  }

  override end(...args: unknown[]): this {
    super.end(...(args as []));
    return this;
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  resetAndDestroy(): this {
    if (this._handle === null) {
      this.destroy(socketClosed());
    } else if (this._handle.isPipe) {
      throw invalidHandleType();
    } else if (this.connecting) {
      this.once('connect', () => this._reset());
    } else {
      this._reset();
    }
    return this;
  }

  _reset(): this {
    this.#isResetting = true;
    return this.destroy();
  }

  _unrefTimer(): void {
    this.#timer?.touch();
    if (this._parent !== null) this._parent._unrefTimer();
  }

  _clearTimer(): void {
    this.#timer?.clear();
    if (this._parent !== null) this._parent._clearTimer();
  }

  _onTimeout(): void {
    const handle = this._handle;
    if (handle !== null && handle.lastWriteQueueSize > 0) {
      const { writeQueueSize } = handle;
      if (handle.lastWriteQueueSize !== writeQueueSize) {
        // A write that is under way still moves.
        handle.lastWriteQueueSize = writeQueueSize;
        this._unrefTimer();
        return;
      }
    }
    this.emit('timeout');
  }

  override _read(size: number): void {
    if (this.connecting || this._handle === null) this.once('connect', () => this._read(size));
    else if (!this._handle.reading) this._handle.readStart();
  }

  override _write(data: string | Uint8Array, encoding: BufferEncoding, done: WriteDone): void {
    const handle = this.#handleToWrite(data, encoding, done);
    handle?.write(data, encoding, done);
  }

  override _writev(chunks: Chunk[], done: WriteDone): void {
    const handle = this.#handleToWrite(chunks, '', done);
    handle?.writeChunks(chunks, done);
  }

  override _final(done: WriteDone): void {
    if (this.pending) this.once('connect', () => this._final(done));
    else if (this._handle === null) done();
    else this._handle.shutdown(() => done());
  }

  override _destroy(error: Error | null, done: WriteDone): void {
    this.connecting = false;
    this._clearTimer();
    if (this._handle === null) {
      done(error);
      process.nextTick(() => this.emit('close'));
    } else {
      this.#closeHandle(this._handle, error !== null && error !== undefined);
      done(error);
    }
    if (this._server !== null) {
      this._server._connections -= 1;
      this._server._emitCloseIfDrained();
    }
  }

  _getpeername(): Name {
    if (this._handle === null || this.connecting) return this._peername ?? {};
    this._peername ??= this._handle.remoteAddress;
    return this._peername ?? {};
  }

  _getsockname(): Name {
    if (this._handle === null) return {};
    this._sockname ??= this._handle.localAddress;
    return this._sockname ?? {};
  }

  /** Takes a handle into use. */
  _initHandle(handle: SocketHandle): void {
    this._handle = handle;
    this._sockname = null;
    handle.setOwner(this);
    if (this.#onRead !== null) handle.setTarget(new OnRead(this.#onRead, this, handle));
  }

  /** Gives an attempt up and makes room for the next one. */
  _replaceHandle(): void {
    this._handle?.close();
    this._initHandle(new SocketHandle(runtime(), false));
  }

  /** Connected: tells so, then begins to receive. */
  _afterConnect(): void {
    const handle = this._handle;
    if (handle === null) return;
    this._sockname = null;
    this._unrefTimer();
    if (this.#noDelay) handle.setNoDelay(true);
    if (this.#keepAlive.isOn) handle.setKeepAlive(this.#keepAlive);
    applyTypeOfService(this);
    this.emit('connect');
    this.emit('ready');
    if (!this.isPaused()) this.read(0);
  }

  /** The write that most are, without the stream's part in it. Returns false for any other. */
  #writeAtOnce(chunk: unknown, encoding: unknown): boolean {
    const handle = this._handle;
    if (handle === null || this.connecting || this._write !== ownWrite) return false;
    const name = encodingAtOnce(this, chunk, encoding);
    if (name === null || !handle.writePromptly(chunk as string | Uint8Array, name)) return false;
    this._unrefTimer();
    return true;
  }

  #startOnRead(): void {
    if (this.#onRead === null || this.connecting || this._handle === null) return;
    if (!this._handle.reading) this._handle.readStart();
  }

  /** The handle, if the write can go on now; otherwise it has been seen to. */
  #handleToWrite(
    data: string | Uint8Array | Chunk[],
    encoding: string,
    done: WriteDone,
  ): SocketHandle | null {
    if (this.connecting) {
      this.#writeOnceConnected(data, encoding, done);
      return null;
    }
    this._pendingData = null;
    const handle = this._handle;
    if (handle === null) {
      done(socketClosed());
      return null;
    }
    this._unrefTimer();
    return handle;
  }

  #writeOnceConnected(
    data: string | Uint8Array | Chunk[],
    encoding: string,
    done: WriteDone,
  ): void {
    this._pendingData = data;
    this._pendingEncoding = encoding;
    const onClose = (): void => done(closedBeforeConnection());
    this.once('connect', () => {
      this.off('close', onClose);
      if (Array.isArray(data)) this._writev(data, done);
      else this._write(data, encoding as BufferEncoding, done);
    });
    this.once('close', onClose);
  }

  #closeHandle(handle: SocketHandle, hadError: boolean): void {
    this.#bytesRead = handle.bytesRead;
    this.#bytesWritten = handle.bytesWritten;
    const onClosed = (): void => void this.emit('close', hadError);
    if (this.#isResetting) {
      this.#isResetting = false;
      handle.reset(onClosed);
    } else if (this._closeAfterHandlingError) {
      queueMicrotask(() => {
        handle.close(() => {
          onClosed();
          this._handle = null;
        });
      });
      return;
    } else {
      handle.close(onClosed);
    }
    this._handle = null;
    this._sockname = null;
  }
}

const ownWrite: unknown = Reflect.get(RingSocket.prototype, '_write');

/** With `allowHalfOpen` off the socket ends with its peer: what is written then, is late. */
function onReadableEnd(this: RingSocket): void {
  // TLS has answers of its own to an end, and ends the socket after them.
  this.allowHalfOpen ||= isWrappedByTls(this);
  if (this.allowHalfOpen) return;
  this.write = writeAfterPeersEnd;
  if (this.writableNeedDrain) endOnceDrained(this);
}

const writeAfterPeersEnd = refusingOnceEnded(Reflect.get(RingSocket.prototype, 'write'));

addTypeOfService(RingSocket.prototype);

/** The class as users get it: with or without `new`. */
export const Socket: typeof RingSocket = callable(RingSocket, standInFor);
Object.defineProperty(RingSocket, 'name', { value: 'Socket' });
