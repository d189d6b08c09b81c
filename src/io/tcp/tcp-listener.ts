/**
 * TcpListener: a listening socket, as promises or as callbacks.
 */

import { AsyncResource } from 'node:async_hooks';
import { boolean, closedError, integer, invalidArgType, runtime } from '../../runtime/index.ts';
import { validateNames, validateObject } from '../../runtime/index.ts';
import type { Acceptor, ListenRequest } from './acceptor.ts';
import { validateHostname, validatePort } from './address.ts';
import type { SocketAddress } from './address.ts';
import type { Connection } from './connection.ts';
import { openNodeAcceptor } from './node-acceptor.ts';
import { openRingAcceptor } from './ring-acceptor.ts';
import { openSocket } from './tcp-socket.ts';
import type { SocketCallbacks } from './tcp-socket.ts';
import { TcpStream, validateSignal } from './tcp-stream.ts';
import type { StreamOptions } from './tcp-stream.ts';

/** Connections accepted ahead of whoever takes them; further ones wait in the kernel's backlog. */
const ACCEPTED_MAX = 256;
/** Node's default. */
const BACKLOG_DEFAULT = 511;

/** Where and how to listen. */
export interface ListenOptions {
  /**
   * A host name or an IP address to bind to.
   * @defaultValue all addresses, IPv6 and IPv4
   */
  hostname?: string;
  /** 0 lets the kernel choose; `address()` tells which. */
  port: number;
  /**
   * Connections that may wait in the kernel.
   * @defaultValue 511
   */
  backlog?: number;
  /**
   * Whether several listeners may share the port, each with its own share of connections.
   * @defaultValue false
   */
  reusePort?: boolean;
  /** Aborting it closes the listener. */
  signal?: AbortSignal;
  /** Makes this a listener in callback form. */
  socket?: SocketCallbacks;
}

interface Taker {
  resolve(stream: TcpStream): void;
  reject(reason: unknown): void;
}

/**
 * A listening TCP socket.
 *
 * Take connections with `accept()` or by iterating; or give `socket` callbacks to `listen`, and
 * each connection becomes a `TcpSocket` that calls them.
 *
 * @example
 * ```ts
 * import { TcpListener, TcpStream } from 'onering';
 *
 * const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
 * const { port } = listener.address();
 * const client = await TcpStream.connect({ hostname: '127.0.0.1', port });
 * for await (const stream of listener) {
 *   await stream.write('welcome');
 *   await stream.close();
 *   break; // leaving the loop closes the listener
 * }
 * console.log(String(await client.read())); // welcome
 * await client.close();
 * ```
 */
export class TcpListener {
  readonly #acceptor: Acceptor;
  readonly #callbacks: SocketCallbacks | undefined;
  readonly #context: AsyncResource = new AsyncResource('TcpListener');
  readonly #accepted: Connection[] = [];
  readonly #takers: Taker[] = [];
  readonly #closed: Promise<void>;
  #resolveClosed: () => void = () => {};
  #unbind: () => void = () => {};
  #isClosed = false;
  #isPaused = false;
  #error: Error | null = null;

  private constructor(acceptor: Acceptor, callbacks: SocketCallbacks | undefined) {
    this.#acceptor = acceptor;
    this.#callbacks = callbacks;
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    acceptor.start(this);
  }

  /**
   * Listens.
   *
   * @param options - address, backlog, and callbacks for the callback form.
   * @returns the listener, already accepting.
   * @throws `EADDRINUSE`, `EACCES` and what else bind(2) and listen(2) name, with `address` and
   *   `port`; `ENOTFOUND` from the resolver; `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`,
   *   `ERR_OUT_OF_RANGE`; the signal's reason.
   * @example
   * ```ts
   * import { TcpListener } from 'onering';
   *
   * const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
   * console.log(listener.address().family); // IPv4
   * await listener.close();
   * ```
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_multishot_accept.3.html
   */
  static async listen(options: ListenOptions): Promise<TcpListener> {
    const request = validateListen(options);
    const callbacks = validateCallbacks(options.socket);
    const signal = validateSignal(options.signal);
    signal?.throwIfAborted();
    const current = runtime();
    const acceptor =
      current.engine === null
        ? await openNodeAcceptor(current, request)
        : await openRingAcceptor(current, request);
    if (signal?.aborted === true) {
      acceptor.close();
      throw signal.reason;
    }
    const listener = new TcpListener(acceptor, callbacks);
    if (signal !== undefined) listener.#bind(signal);
    return listener;
  }

  /** Where it listens, with the port that the kernel chose. */
  address(): SocketAddress {
    return this.#acceptor.address;
  }

  /** Whether it was closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Waits for the next connection.
   *
   * @param options - an abort signal: the connection then goes to the next `accept`.
   * @returns its stream.
   * @throws `ERR_LISTENER_CLOSED` when closed; the signal's reason.
   */
  accept(options?: StreamOptions): Promise<TcpStream> {
    if (options !== undefined) {
      try {
        validateSignal(options.signal)?.throwIfAborted();
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const connection = this.#accepted.shift();
    if (connection !== undefined) {
      if (this.#isPaused && this.#accepted.length < ACCEPTED_MAX / 2) this.#resume();
      return Promise.resolve(new TcpStream(connection));
    }
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#isClosed) return Promise.reject(closedError('listener'));
    return new Promise((resolve, reject) => this.#take({ resolve, reject }, options?.signal));
  }

  /**
   * Stops listening. Connections that were accepted and taken by nobody are closed; those that
   * were taken live on.
   *
   * @returns a promise that resolves when the descriptor is gone.
   */
  close(): Promise<void> {
    if (this.#isClosed) return this.#closed;
    this.#isClosed = true;
    this.#unbind();
    this.#acceptor.close();
    for (const connection of this.#accepted.splice(0)) connection.destroy();
    this.#failTakers(closedError('listener'));
    return this.#closed;
  }

  /** Lets listening keep the process alive: the default. */
  ref(): this {
    this.#acceptor.setReferenced(true);
    return this;
  }

  /** Lets the process end although it listens. */
  unref(): this {
    this.#acceptor.setReferenced(false);
    return this;
  }

  /** Iterates over connections until the listener is closed; leaving the loop closes it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TcpStream, undefined> {
    try {
      while (!this.#isClosed) yield await this.accept();
    } catch (error) {
      if (!this.#isClosed) throw error;
    } finally {
      await this.close();
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  onConnection(connection: Connection): void {
    if (this.#callbacks !== undefined) {
      openSocket(connection, this.#callbacks, this.#context);
      return;
    }
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      taker.resolve(new TcpStream(connection));
      return;
    }
    this.#accepted.push(connection);
    if (this.#accepted.length >= ACCEPTED_MAX && !this.#isPaused) {
      this.#isPaused = true;
      this.#acceptor.pause();
    }
  }

  /** @internal */
  onError(error: Error): void {
    this.#error = error;
    this.#failTakers(error);
  }

  /** @internal */
  onClose(): void {
    // The runtime closes its sockets when it is closed itself.
    if (!this.#isClosed) void this.close();
    this.#resolveClosed();
  }

  /** Closes with the signal, and lets go of it when closed otherwise. */
  #bind(signal: AbortSignal): void {
    const onAbort = (): void => void this.close();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#unbind = () => signal.removeEventListener('abort', onAbort);
  }

  #resume(): void {
    this.#isPaused = false;
    this.#acceptor.resume();
  }

  #take(taker: Taker, signal: AbortSignal | undefined): void {
    if (signal === undefined) {
      this.#takers.push(taker);
      return;
    }
    const onAbort = (): void => {
      const at = this.#takers.indexOf(waiting);
      if (at >= 0) this.#takers.splice(at, 1);
      taker.reject(signal.reason);
    };
    const settle = (): void => signal.removeEventListener('abort', onAbort);
    const waiting: Taker = {
      resolve: (stream) => {
        settle();
        taker.resolve(stream);
      },
      reject: (reason) => {
        settle();
        taker.reject(reason);
      },
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#takers.push(waiting);
  }

  #failTakers(error: Error): void {
    for (const taker of this.#takers.splice(0)) taker.reject(error);
  }
}

function validateListen(options: ListenOptions): ListenRequest {
  validateObject(options, 'options');
  const names = ['hostname', 'port', 'backlog', 'reusePort', 'signal', 'socket'];
  validateNames(options, 'options', names);
  return {
    hostname: validateHostname(options.hostname, 'options.hostname'),
    port: validatePort(options.port, 'options.port'),
    backlog: integer(options.backlog, 'options.backlog', BACKLOG_DEFAULT, 0, 2 ** 31 - 1),
    reusePort: boolean(options.reusePort, 'options.reusePort', false),
  };
}

function validateCallbacks(socket: SocketCallbacks | undefined): SocketCallbacks | undefined {
  if (socket === undefined) return undefined;
  validateObject(socket, 'options.socket');
  const names = ['open', 'data', 'drain', 'close', 'error'] as const;
  validateNames(socket, 'options.socket', names);
  for (const name of names) {
    const callback = socket[name];
    const isMissing = callback === undefined && name !== 'data';
    if (!isMissing && typeof callback !== 'function') {
      throw invalidArgType(`options.socket.${name}`, 'of type function', callback);
    }
  }
  return socket;
}
