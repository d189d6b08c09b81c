/**
 * SocketListener: a listening stream socket, whatever its family: what `TcpListener` and
 * `UnixListener` have in common. Connections that nobody takes wait, up to a number; further ones
 * stay in the kernel's backlog.
 */

import { AsyncResource } from 'node:async_hooks';
import { closedError, invalidArgType, validateNames, validateObject } from '../../runtime/index.ts';
import type { Acceptor } from '../tcp/acceptor.ts';
import type { Connection } from '../tcp/connection.ts';
import { openSocket } from '../tcp/tcp-socket.ts';
import type { SocketCallbacks } from '../tcp/tcp-socket.ts';
import { validateSignal } from './arguments.ts';
import type { SocketStream, StreamOptions } from './socket-stream.ts';

/** Connections accepted ahead of whoever takes them; further ones wait in the kernel's backlog. */
const ACCEPTED_MAX = 256;

/** What a listener is made of. */
export interface ListenerParts<S> {
  readonly acceptor: Acceptor;
  readonly callbacks: SocketCallbacks | undefined;
  /** Makes the stream of a connection that was accepted. */
  readonly wrap: (connection: Connection) => S;
  readonly signal: AbortSignal | undefined;
}

interface Taker<S> {
  resolve(stream: S): void;
  reject(reason: unknown): void;
}

/**
 * A listening stream socket: the common part of `TcpListener` and `UnixListener`, which are made by
 * their `listen`.
 *
 * @example
 * ```ts
 * import { TcpListener, TcpStream } from 'onering';
 *
 * const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
 * const client = await TcpStream.connect({ hostname: '127.0.0.1', port: listener.address().port });
 * const server = await listener.accept();
 * await Promise.all([client.close(), server.close(), listener.close()]);
 * console.log(listener.isClosed); // true
 * ```
 */
export class SocketListener<S extends SocketStream> {
  readonly #acceptor: Acceptor;
  readonly #callbacks: SocketCallbacks | undefined;
  readonly #wrap: (connection: Connection) => S;
  readonly #context: AsyncResource = new AsyncResource('SocketListener');
  readonly #accepted: Connection[] = [];
  readonly #takers: Taker<S>[] = [];
  readonly #closed: Promise<void>;
  #resolveClosed: () => void = () => {};
  #unbind: () => void = () => {};
  #isClosed = false;
  #isPaused = false;
  #error: Error | null = null;

  /** @internal */
  constructor({ acceptor, callbacks, wrap, signal }: ListenerParts<S>) {
    this.#acceptor = acceptor;
    this.#callbacks = callbacks;
    this.#wrap = wrap;
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    acceptor.start(this);
    if (signal !== undefined) this.#bind(signal);
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
  accept(options?: StreamOptions): Promise<S> {
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
      return Promise.resolve(this.#wrap(connection));
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
  async *[Symbol.asyncIterator](): AsyncGenerator<S, undefined> {
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
      taker.resolve(this.#wrap(connection));
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

  #take(taker: Taker<S>, signal: AbortSignal | undefined): void {
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
    const waiting: Taker<S> = {
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

/** Checks the callbacks of a listener in callback form. */
export function validateCallbacks(
  socket: SocketCallbacks | undefined,
): SocketCallbacks | undefined {
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
