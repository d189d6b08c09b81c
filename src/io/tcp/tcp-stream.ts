/**
 * TcpStream: a connection as promises. Reads are buffered up to a mark; behind it the kernel is
 * asked for no more, so that a reader that is slow slows the peer down and not this process.
 */

import { closedError, codedError, invalidArgType, runtime } from '../../runtime/index.ts';
import { validateBuffer, validateNames, validateObject } from '../../runtime/index.ts';
import { validateHostname, validatePort } from './address.ts';
import type { SocketAddress } from './address.ts';
import type { Connection } from './connection.ts';
import { connectOnNode } from './node-connection.ts';
import { connectOnRing } from './ring-connect.ts';

/** Bytes buffered before receiving stops. */
const READ_BUFFER_MAX = 64 * 1024;

/** Where to connect to. */
export interface ConnectOptions {
  /**
   * A host name or an IP address. Its addresses are tried in the resolver's order.
   * @defaultValue 'localhost'
   */
  hostname?: string;
  port: number;
  /** Aborting it gives the attempt up. */
  signal?: AbortSignal;
}

/** What a read or a write may carry. */
export interface StreamOptions {
  /** Aborting a read leaves the stream usable; aborting a write destroys it. */
  signal?: AbortSignal | undefined;
}

interface Reader {
  resolve(chunk: Buffer | null): void;
  reject(reason: unknown): void;
}

/**
 * One TCP connection.
 *
 * `read()` gives whatever arrived, `null` at the end. `write()` resolves when the kernel has the
 * bytes, in the order of the calls; the buffer must not change until then. `TCP_NODELAY` is on.
 *
 * @example
 * ```ts
 * import { TcpListener, TcpStream } from 'onering';
 *
 * const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
 * const client = await TcpStream.connect({ hostname: '127.0.0.1', port: listener.address().port });
 * const server = await listener.accept();
 * await client.write('hello');
 * console.log(String(await server.read())); // hello
 * await Promise.all([client.close(), server.close(), listener.close()]);
 * ```
 */
export class TcpStream {
  readonly #connection: Connection;
  readonly #chunks: Buffer[] = [];
  readonly #readers: Reader[] = [];
  readonly #closed: Promise<void>;
  #resolveClosed: () => void = () => {};
  #bufferedBytes = 0;
  #hasEnded = false;
  #isStarted = false;
  #error: Error | null = null;

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection;
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    connection.setHandler(this);
  }

  /**
   * Connects to a server.
   *
   * @param options - host, port, and an abort signal.
   * @returns the connected stream.
   * @throws `ECONNREFUSED` and what else connect(2) names, with `address` and `port`; `ENOTFOUND`
   *   from the resolver; `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`; the signal's reason.
   * @example
   * ```ts
   * import { TcpListener, TcpStream } from 'onering';
   *
   * const listener = await TcpListener.listen({ port: 0 });
   * const stream = await TcpStream.connect({ port: listener.address().port });
   * await stream.close();
   * await listener.close();
   * ```
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_connect.3.html
   */
  static async connect(options: ConnectOptions): Promise<TcpStream> {
    validateObject(options, 'options');
    validateNames(options, 'options', ['hostname', 'port', 'signal']);
    const hostname = validateHostname(options.hostname, 'options.hostname') ?? 'localhost';
    const port = validatePort(options.port, 'options.port');
    const signal = validateSignal(options.signal);
    signal?.throwIfAborted();
    const current = runtime();
    const connection =
      current.engine === null
        ? await connectOnNode(current, hostname, port, signal)
        : await connectOnRing(current, hostname, port, signal);
    return new TcpStream(connection);
  }

  /** The other end; `null` once closed, unless it was asked for before. */
  get remoteAddress(): SocketAddress | null {
    return this.#connection.remoteAddress;
  }

  /** This end. */
  get localAddress(): SocketAddress | null {
    return this.#connection.localAddress;
  }

  /** Bytes received. */
  get bytesRead(): number {
    return this.#connection.bytesRead;
  }

  /** Bytes that the kernel took. */
  get bytesWritten(): number {
    return this.#connection.bytesWritten;
  }

  /** Whether it was closed from this side. */
  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  /**
   * Waits for bytes.
   *
   * @param options - an abort signal; what arrives later goes to the next read.
   * @returns what arrived, or `null` when the peer has sent everything.
   * @throws `ECONNRESET` and what else recv(2) names; `ERR_SOCKET_CLOSED`; the signal's reason.
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_recv.3.html
   */
  read(options?: StreamOptions): Promise<Buffer | null> {
    if (options !== undefined) {
      try {
        validateSignal(options.signal)?.throwIfAborted();
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#bufferedBytes -= chunk.length;
      if (!this.#isStarted) this.#start();
      return Promise.resolve(chunk);
    }
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#hasEnded) return Promise.resolve(null);
    if (this.#connection.isClosed) return Promise.reject(closedError('socket'));
    if (!this.#isStarted) this.#start();
    return new Promise((resolve, reject) => this.#wait({ resolve, reject }, options?.signal));
  }

  /**
   * Sends bytes.
   *
   * @param data - bytes, or a string that is sent as UTF-8.
   * @param options - an abort signal; aborting destroys the stream, since part may be sent.
   * @returns a promise that resolves when the kernel has all of it.
   * @throws `EPIPE`, `ECONNRESET` and what else send(2) names; `ERR_SOCKET_CLOSED`; the signal's
   *   reason; `ERR_INVALID_ARG_TYPE`.
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_send.3.html
   */
  write(data: string | Uint8Array, options?: StreamOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const bytes = bytesOf(data);
      const signal = validateSignal(options?.signal);
      signal?.throwIfAborted();
      const onAbort = (): void => this.#connection.destroy();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#connection.send(bytes, (error) => {
        signal?.removeEventListener('abort', onAbort);
        if (error === null) resolve();
        else reject(signal?.aborted === true ? signal.reason : error);
      });
    });
  }

  /**
   * Sends what is queued, then tells the peer that nothing follows. Reading goes on.
   *
   * @throws `ERR_SOCKET_CLOSED` when called twice or after `close()`.
   */
  shutdown(): Promise<void> {
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
    this.#failReaders(closedError('socket'));
    this.#connection.close();
    return this.#closed;
  }

  /**
   * Closes at once: what is queued is not sent, and its writes are rejected.
   *
   * @returns a promise that resolves when the descriptor is gone.
   */
  destroy(): Promise<void> {
    this.#failReaders(closedError('socket'));
    this.#connection.destroy();
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
   * Gives the connection up to another face of it. Nothing may have been read.
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
    const isRead = this.#isStarted || this.#chunks.length > 0 || this.#hasEnded;
    if (isRead && !this.#connection.isClosed) {
      throw codedError('ERR_SOCKET_IN_USE', 'The socket is in use in this thread');
    }
    return this.#connection.detach();
  }

  /** @internal */
  onData(chunk: Buffer): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve(chunk);
      return;
    }
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
    if (this.#isStarted && this.#bufferedBytes >= READ_BUFFER_MAX) {
      this.#isStarted = false;
      this.#connection.stop();
    }
  }

  /** @internal */
  onEnd(): void {
    this.#hasEnded = true;
    for (const reader of this.#readers.splice(0)) reader.resolve(null);
  }

  /** @internal */
  onError(error: Error): void {
    this.#error = error;
    this.#failReaders(error);
  }

  /** @internal */
  onDrain(): void {}

  /** @internal */
  onClose(): void {
    this.#failReaders(closedError('socket'));
    this.#resolveClosed();
  }

  #start(): void {
    if (this.#hasEnded || this.#error !== null || this.#connection.isClosed) return;
    this.#isStarted = true;
    this.#connection.start();
  }

  #failReaders(error: Error): void {
    for (const reader of this.#readers.splice(0)) reader.reject(error);
  }

  #wait(reader: Reader, signal: AbortSignal | undefined): void {
    if (signal === undefined) {
      this.#readers.push(reader);
      return;
    }
    const settle = (): void => signal.removeEventListener('abort', onAbort);
    const waiting: Reader = {
      resolve: (chunk) => {
        settle();
        reader.resolve(chunk);
      },
      reject: (reason) => {
        settle();
        reader.reject(reason);
      },
    };
    const onAbort = (): void => {
      const at = this.#readers.indexOf(waiting);
      if (at >= 0) this.#readers.splice(at, 1);
      reader.reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#readers.push(waiting);
  }
}

/** The bytes of what a user writes. */
export function bytesOf(data: unknown): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (!(data instanceof Uint8Array)) {
    throw invalidArgType('data', 'of type string or an instance of Buffer or Uint8Array', data);
  }
  validateBuffer(data, 'data');
  return data;
}

/** Checks an optional signal. */
export function validateSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw invalidArgType('options.signal', 'an instance of AbortSignal', signal);
}
