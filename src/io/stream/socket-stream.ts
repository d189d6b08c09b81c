/**
 * SocketStream: a connected stream socket as promises, whatever its family: what `TcpStream` and
 * `UnixStream` have in common.
 *
 * Reads are buffered up to a mark; behind it the kernel is asked for no more, so that a reader that
 * is slow slows the peer down and not this process. While bytes are spliced, a direction belongs to
 * the splice.
 */

import { closedError, codedError, invalidArgType } from '../../runtime/index.ts';
import type { Lease } from '../../runtime/index.ts';
import type { File } from '../file.ts';
import { sendFile, spliceStreams } from '../splice/splice.ts';
import type { SendFileOptions, SpliceOptions } from '../splice/splice.ts';
import type { Connection, SendCallback } from '../tcp/connection.ts';
import { bytesOf, validateBytes, validateSignal } from './arguments.ts';
import { ReadQueue } from './read-queue.ts';
import { readableOf, writableOf } from './web-streams.ts';
import { WriteCork } from './write-cork.ts';

/** Bytes buffered before receiving stops. */
const READ_BUFFER_MAX = 64 * 1024;

/** What every prompt write gets. */
const WRITTEN: Promise<void> = Promise.resolve();

/** What a read or a write may carry. */
export interface StreamOptions {
  /** Aborting a read leaves the stream usable; aborting a write destroys it. */
  signal?: AbortSignal | undefined;
}

/**
 * A connected stream socket: the common part of `TcpStream` and `UnixStream`, which are made by
 * their `connect` and by listeners.
 *
 * `read()` gives whatever arrived, `null` at the end. `write()` resolves when the bytes need not be
 * kept any longer, in the order of the calls: when the kernel has them, or a copy of few is on its
 * way to it. The buffer must not change until then.
 *
 * @example
 * ```ts
 * import { UnixListener, UnixStream } from 'onering';
 *
 * const path = `\0onering-example-${process.pid}`;
 * const listener = await UnixListener.listen({ path });
 * const client = await UnixStream.connect({ path });
 * const server = await listener.accept();
 * await client.writev(['hel', 'lo']);
 * console.log(String(await server.read())); // hello
 * await Promise.all([client.close(), server.close(), listener.close()]);
 * ```
 */
export class SocketStream {
  /** @internal */
  readonly settlesOnly = true;
  readonly #connection: Connection;
  readonly #queue: ReadQueue = new ReadQueue();
  readonly #cork: WriteCork;
  readonly #closed: Promise<void>;
  #resolveClosed: () => void = () => {};
  #hasEnded = false;
  #isStarted = false;
  #isLending = false;
  #isReadBusy = false;
  #isWriteBusy = false;
  #error: Error | null = null;
  #readable: ReadableStream<Uint8Array> | null = null;
  #writable: WritableStream<string | Uint8Array> | null = null;

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection;
    this.#cork = new WriteCork(connection);
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    connection.setHandler(this);
  }

  /** Bytes received. */
  get bytesRead(): number {
    return this.#connection.bytesRead;
  }

  /** Bytes that the kernel took, or a copy of which is on its way to it. */
  get bytesWritten(): number {
    return this.#connection.bytesWritten;
  }

  /** Whether it was closed from this side. */
  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  /** What arrives, as a web stream: for `pipeTo` and `stream.pipeline`. Canceling it destroys. */
  get readable(): ReadableStream<Uint8Array> {
    this.#readable ??= readableOf(this);
    return this.#readable;
  }

  /** What is sent, as a web stream. Closing it shuts this direction down, aborting it destroys. */
  get writable(): WritableStream<string | Uint8Array> {
    this.#writable ??= writableOf(this);
    return this.#writable;
  }

  /**
   * Waits for bytes.
   *
   * @param options - an abort signal; what arrives later goes to the next read.
   * @returns what arrived, or `null` when the peer has sent everything.
   * @throws `ECONNRESET` and what else recv(2) names; `ERR_SOCKET_CLOSED`; `ERR_STREAM_SPLICED`
   *   while bytes are spliced; the signal's reason.
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_recv.3.html
   */
  read(options?: StreamOptions): Promise<Buffer | null> {
    return this.#refuseRead(options) ?? this.receive(options);
  }

  /**
   * Waits for bytes and lends them where the kernel put them, without a copy. At most half of the
   * runtime's receive buffers are lent at a time, to all streams together; what arrives beyond that
   * is copied, so that a lease that is kept for long starves nobody.
   *
   * @param options - as for `read`.
   * @returns a lease to release soon, or `null` when the peer has sent everything.
   * @throws as `read`.
   * @see https://man7.org/linux/man-pages/man3/io_uring_setup_buf_ring.3.html
   */
  lease(options?: StreamOptions): Promise<Lease | null> {
    const refused = this.#refuseRead(options);
    if (refused !== null) return refused;
    if (!this.#isLending) this.#lend(true);
    const lease = this.#queue.takeLease();
    if (lease !== undefined) {
      if (!this.#isStarted) this.#start();
      return Promise.resolve(lease);
    }
    return this.#ended() ?? this.#queue.wait(true, options?.signal);
  }

  /**
   * Sends bytes.
   *
   * Up to 4 KiB, or a text of up to 16 KiB, are copied while no other send is in flight, and count
   * as written at once, as they do in Node: they go out with the tick, before anything that
   * follows. Should that fail, the next `read` and the next `write` after the tick tell.
   *
   * @param data - bytes, or a string that is sent as UTF-8.
   * @param options - an abort signal; aborting destroys the stream, since part may be sent. A write
   *   that carries options is never copied.
   * @returns a promise that resolves when the kernel has all of it, or the copy.
   * @throws `EPIPE`, `ECONNRESET` and what else send(2) names; `ERR_SOCKET_CLOSED`; the signal's
   *   reason; `ERR_STREAM_SPLICED` while bytes are spliced into it; `ERR_INVALID_ARG_TYPE`.
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_send.3.html
   */
  write(data: string | Uint8Array, options?: StreamOptions): Promise<void> {
    try {
      if (options === undefined && this.#writePromptly(data)) return WRITTEN;
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      const bytes = bytesOf(data);
      this.#cork.send(bytes, this.#settler(options, resolve, reject));
    });
  }

  /**
   * Sends several pieces, in order and with nothing between them.
   *
   * @param pieces - what `write` takes, any number of them.
   * @param options - as for `write`.
   * @returns a promise that resolves when the kernel has all of them.
   * @throws as `write`.
   */
  writev(pieces: readonly (string | Uint8Array)[], options?: StreamOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!Array.isArray(pieces)) throw invalidArgType('pieces', 'an instance of Array', pieces);
      const all = pieces.map(bytesOf);
      const done = this.#settler(options, resolve, reject);
      if (all.length === 0) done(null);
      else this.#cork.sendAll(all, done);
    });
  }

  /** Holds writes back until as many calls of `uncork()`, so that they are sent as one. */
  cork(): void {
    this.#cork.cork();
  }

  /** Undoes one `cork()`; the last one sends what was held back. */
  uncork(): void {
    this.#cork.uncork();
  }

  /**
   * Moves everything that arrives here to another stream, until the end, without a copy to this
   * process: splice(2) on the ring, by copying where there is none. What was received and not read
   * goes first. Both streams are destroyed when either fails or the signal is aborted.
   *
   * @param target - where to. It is shut down at the end, unless `end` is false.
   * @param options - whether the end is passed on, and an abort signal.
   * @returns how many bytes were moved.
   * @throws what `read` throws for this stream and `write` for the target; the signal's reason;
   *   `ERR_STREAM_SPLICED` where one of them is being spliced already.
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_splice.3.html
   */
  async splice(target: SocketStream, options: SpliceOptions = {}): Promise<number> {
    if (!(target instanceof SocketStream)) {
      throw invalidArgType('target', 'an instance of TcpStream or UnixStream', target);
    }
    return await spliceStreams(this, target, options);
  }

  /**
   * Sends part of a file without a copy to this process: splice(2) on the ring, by copying where
   * there is none. The stream is destroyed when it fails or is aborted, since part may be sent.
   *
   * @param file - an open file. Do not change it meanwhile: its pages are what is sent.
   * @param options - which part, and an abort signal.
   * @returns how many bytes were sent: fewer than asked for at the end of the file.
   * @throws what `write` throws, and `File.read`; `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`.
   * @see https://man7.org/linux/man-pages/man2/splice.2.html
   */
  sendFile(file: File, options: SendFileOptions = {}): Promise<number> {
    return sendFile(file, this, options);
  }

  /**
   * Sends what is queued, then tells the peer that nothing follows. Reading goes on.
   *
   * @throws `ERR_SOCKET_CLOSED` when called twice or after `close()`.
   */
  shutdown(): Promise<void> {
    this.#cork.open();
    return new Promise((resolve, reject) => {
      this.#connection.shutdown((error) => (error === null ? resolve() : reject(error)));
    });
  }

  /**
   * Sends what is queued, then closes. Reads that wait are rejected with `ERR_SOCKET_CLOSED`.
   *
   * @returns a promise that resolves when the descriptor is gone.
   */
  close(): Promise<void> {
    this.#failReads();
    this.#cork.open();
    this.#connection.close();
    return this.#closed;
  }

  /**
   * Closes at once: what is queued is not sent, and its writes are rejected.
   *
   * @returns a promise that resolves when the descriptor is gone.
   */
  destroy(): Promise<void> {
    this.#failReads();
    this.#connection.destroy();
    this.#cork.open();
    return this.#closed;
  }

  /** Lets receiving keep the process alive: the default. */
  ref(): this {
    this.#connection.setReferenced(true);
    return this;
  }

  /** Lets the process end although this stream is receiving. */
  unref(): this {
    this.#connection.setReferenced(false);
    return this;
  }

  /** Iterates over what arrives, until the peer's end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, undefined> {
    for (;;) {
      const chunk = await this.read();
      if (chunk === null) return undefined;
      yield chunk;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Resolves when the descriptor is gone.
   * @internal
   */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /**
   * The connection, for another face of it: nothing may have been read then.
   * @internal
   */
  takeConnection(): Connection {
    return this.#connection;
  }

  /**
   * Gives the descriptor up to another thread; this stream is closed.
   * @internal
   */
  detach(): number {
    const isRead = this.#isStarted || this.#queue.bytes > 0 || this.#hasEnded;
    const isInUse = isRead || this.#isReadBusy || this.#isWriteBusy;
    if (isInUse && !this.#connection.isClosed) {
      throw codedError('ERR_SOCKET_IN_USE', 'The socket is in use in this thread');
    }
    return this.#connection.detach();
  }

  /**
   * `read`, also while the direction belongs to a splice.
   * @internal
   */
  receive(options?: StreamOptions): Promise<Buffer | null> {
    if (this.#isLending) this.#lend(false);
    const chunk = this.#queue.take();
    if (chunk !== undefined) {
      if (!this.#isStarted) this.#start();
      return Promise.resolve(chunk);
    }
    return this.#ended() ?? this.#queue.wait(false, options?.signal);
  }

  /**
   * Gives a direction to a splice, or takes it back.
   * @internal
   */
  setBusy(direction: 'read' | 'write', isBusy: boolean): void {
    if (direction === 'read') this.#isReadBusy = isBusy;
    else this.#isWriteBusy = isBusy;
  }

  /**
   * Why a direction cannot be given to a splice, if it cannot.
   * @internal
   */
  whyBusy(direction: 'read' | 'write'): Error | null {
    const isBusy = direction === 'read' ? this.#isReadBusy : this.#isWriteBusy;
    if (isBusy) return splicedError();
    if (direction === 'read' && this.#queue.isAwaited) {
      return codedError('ERR_STREAM_SPLICED', 'A read waits for what is to be spliced');
    }
    return this.#connection.isClosed ? closedError('socket') : null;
  }

  /**
   * For a splice: what was received and not read, and whether that was all.
   * @internal
   */
  takeReceived(): { chunks: Buffer[]; hasEnded: boolean; error: Error | null } {
    const chunks: Buffer[] = [];
    for (let chunk = this.#queue.take(); chunk !== undefined; chunk = this.#queue.take()) {
      chunks.push(chunk);
    }
    this.#isStarted = false;
    return { chunks, hasEnded: this.#hasEnded, error: this.#error };
  }

  /** @internal */
  onData(chunk: Buffer): void {
    this.#queue.push(chunk);
    this.#stopAtMark();
  }

  /** @internal */
  onLease(lease: Lease): void {
    this.#queue.push(lease);
    this.#stopAtMark();
  }

  /** @internal */
  onEnd(): void {
    this.#hasEnded = true;
    this.#queue.end();
  }

  /** @internal */
  onError(error: Error): void {
    this.#error = error;
    this.#queue.fail(error);
  }

  /** @internal */
  onDrain(): void {}

  /** @internal */
  onClose(): void {
    this.#failReads();
    this.#queue.settleLeases();
    this.#resolveClosed();
  }

  /** Most streams close while nobody reads: no error is made for nobody. */
  #failReads(): void {
    if (this.#queue.isAwaited) this.#queue.fail(closedError('socket'));
  }

  #stopAtMark(): void {
    if (!this.#isStarted || this.#queue.bytes < READ_BUFFER_MAX) return;
    this.#isStarted = false;
    this.#connection.stop();
  }

  #refuseRead(options: StreamOptions | undefined): Promise<never> | null {
    if (this.#isReadBusy) return Promise.reject(splicedError());
    if (options === undefined) return null;
    try {
      validateSignal(options.signal)?.throwIfAborted();
      return null;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** What a read gets when nothing is buffered and nothing will be; starts receiving otherwise. */
  #ended(): Promise<null> | null {
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#hasEnded) return Promise.resolve(null);
    if (this.#connection.isClosed) return Promise.reject(closedError('socket'));
    if (!this.#isStarted) this.#start();
    return null;
  }

  #start(): void {
    if (this.#hasEnded || this.#error !== null || this.#connection.isClosed) return;
    this.#isStarted = true;
    this.#connection.start();
  }

  #lend(isLending: boolean): void {
    this.#isLending = isLending;
    this.#connection.setLending(isLending);
  }

  /** Whether few bytes could be copied. After a failure the kernel is asked, and says so again. */
  #writePromptly(data: string | Uint8Array): boolean {
    if (this.#isWriteBusy || this.#error !== null || this.#cork.isCorked) return false;
    if (typeof data !== 'string') validateBytes(data);
    return this.#connection.sendPromptly(data, 'utf8') > 0;
  }

  /** Checks what a write may carry, and makes what settles its promise. */
  #settler(
    options: StreamOptions | undefined,
    resolve: () => void,
    reject: (reason: unknown) => void,
  ): SendCallback {
    const signal = validateSignal(options?.signal);
    signal?.throwIfAborted();
    if (this.#isWriteBusy) throw splicedError();
    if (signal === undefined) return (error) => (error === null ? resolve() : reject(error));
    const onAbort = (): void => void this.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    return (error) => {
      signal.removeEventListener('abort', onAbort);
      if (error === null) resolve();
      else reject(signal.aborted ? signal.reason : error);
    };
  }
}

function splicedError(): Error {
  return codedError('ERR_STREAM_SPLICED', 'The stream is being spliced');
}
