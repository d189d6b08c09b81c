/**
 * TcpSocket: a connection as callbacks, for the hottest servers: no promise, no event emitter, one
 * object of functions shared by all sockets of a listener.
 */

import type { AsyncResource } from 'node:async_hooks';
import type { SocketAddress } from './address.ts';
import type { Connection } from './connection.ts';
import { bytesOf, validateBytes } from '../stream/arguments.ts';

/** What a listener in callback form calls. All are optional but `data`. */
export interface SocketCallbacks {
  /** A connection was accepted. */
  open?: (socket: TcpSocket) => void;
  /** Bytes arrived. The buffer is yours to keep. */
  data: (socket: TcpSocket, chunk: Buffer) => void;
  /** Everything that was written is with the kernel, after `write` returned false. */
  drain?: (socket: TcpSocket) => void;
  /** The connection is over, and its descriptor gone. */
  close?: (socket: TcpSocket) => void;
  /** Receiving or sending failed; `close` follows. */
  error?: (socket: TcpSocket, error: Error) => void;
}

/** Bytes that may be queued before `write` says to wait. */
const HIGH_WATER_MARK = 64 * 1024;

/**
 * One connection of a listener in callback form.
 *
 * When the peer has sent everything, what is queued is sent and the connection closes.
 *
 * @example
 * ```ts
 * import { TcpListener, TcpStream } from 'onering';
 *
 * const listener = await TcpListener.listen({
 *   port: 0,
 *   socket: { data: (socket, chunk) => void socket.write(chunk) },
 * });
 * const client = await TcpStream.connect({ port: listener.address().port });
 * await client.write('echo');
 * console.log(String(await client.read())); // echo
 * await client.close();
 * await listener.close();
 * ```
 */
export class TcpSocket {
  /** Yours: whatever belongs to this connection. */
  data: unknown = undefined;
  readonly #connection: Connection;
  readonly #callbacks: SocketCallbacks;
  readonly #context: AsyncResource;
  #isWaiting = false;
  #isPaused = false;
  #hasFailed = false;
  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.#fail(error);
  };

  /** @internal */
  constructor(connection: Connection, callbacks: SocketCallbacks, context: AsyncResource) {
    this.#connection = connection;
    this.#callbacks = callbacks;
    this.#context = context;
    connection.setHandler(this);
  }

  /** The other end. */
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

  /** Bytes that the kernel took, or a copy of which is on its way to it. */
  get bytesWritten(): number {
    return this.#connection.bytesWritten;
  }

  /** Bytes written and not yet with the kernel. */
  get queuedBytes(): number {
    return this.#connection.queuedBytes;
  }

  /**
   * Sends bytes, in the order of the calls. Up to 4 KiB are copied while nothing is being sent.
   *
   * @param data - bytes that must not change until they are sent, or a string.
   * @returns false when more is queued than is good: wait for `drain` then.
   */
  write(data: string | Uint8Array): boolean {
    const connection = this.#connection;
    if (typeof data !== 'string') validateBytes(data);
    if (connection.sendPromptly(data, 'utf8') === 0) {
      connection.send(typeof data === 'string' ? Buffer.from(data) : data, this.#onSent);
    }
    if (connection.queuedBytes < HIGH_WATER_MARK) return true;
    this.#isWaiting = true;
    return false;
  }

  /** Stops receiving; `resume` goes on. */
  pause(): void {
    this.#isPaused = true;
    this.#connection.stop();
  }

  /** Receives again. */
  resume(): void {
    this.#isPaused = false;
    if (!this.#connection.isClosed) this.#connection.start();
  }

  /** Sends what is queued, and `data` before that, then closes. */
  end(data?: string | Uint8Array): void {
    if (data !== undefined) this.#connection.send(bytesOf(data), this.#onSent);
    this.#connection.close();
  }

  /** Closes at once: what is queued is not sent. */
  destroy(): void {
    this.#connection.destroy();
  }

  /** Lets receiving keep the process alive: the default. */
  ref(): this {
    this.#connection.setReferenced(true);
    return this;
  }

  /** Lets the process end although this socket is receiving. */
  unref(): this {
    this.#connection.setReferenced(false);
    return this;
  }

  /** @internal */
  onData(chunk: Buffer): void {
    this.#context.runInAsyncScope(this.#callbacks.data, this.#callbacks, this, chunk);
  }

  /** @internal */
  onEnd(): void {
    this.#connection.close();
  }

  /** @internal */
  onError(error: Error): void {
    this.#fail(error);
  }

  /** @internal */
  onDrain(): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    const { drain } = this.#callbacks;
    if (drain !== undefined) this.#context.runInAsyncScope(drain, this.#callbacks, this);
  }

  /** @internal */
  onClose(): void {
    const { close } = this.#callbacks;
    if (close !== undefined) this.#context.runInAsyncScope(close, this.#callbacks, this);
  }

  /**
   * Tells the program, and receives unless it has paused or closed the socket.
   * @internal
   */
  begin(): void {
    const { open } = this.#callbacks;
    try {
      if (open !== undefined) this.#context.runInAsyncScope(open, this.#callbacks, this);
    } finally {
      if (!this.#connection.isClosed && !this.#isPaused) this.#connection.start();
    }
  }

  /** The first failure is reported; what fails because of it is not. */
  #fail(error: Error): void {
    if (this.#hasFailed || isClosedError(error)) return;
    this.#hasFailed = true;
    const { error: report } = this.#callbacks;
    try {
      if (report !== undefined) this.#context.runInAsyncScope(report, this.#callbacks, this, error);
    } finally {
      this.#connection.destroy();
    }
  }
}

/** Makes the socket of a connection that was accepted, tells the program, and begins to receive. */
export function openSocket(
  connection: Connection,
  callbacks: SocketCallbacks,
  context: AsyncResource,
): void {
  const socket = new TcpSocket(connection, callbacks, context);
  socket.begin();
}

/** What is left of a connection that was closed on purpose. */
function isClosedError(error: Error): boolean {
  return (error as Error & { code?: string }).code === 'ERR_SOCKET_CLOSED';
}
