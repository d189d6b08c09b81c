/**
 * A connection on Node's own `net`, for when there is no ring.
 */

import { connect, Socket } from 'node:net';
import type { NetConnectOpts } from 'node:net';
import { closedError } from '../../runtime/index.ts';
import type { Resource, Runtime } from '../../runtime/index.ts';
import type { SocketAddress } from './address.ts';
import type { Connection, ConnectionHandler, SendCallback } from './connection.ts';

/** Connects as `net.connect` does. */
export function connectOnNode(
  runtime: Runtime,
  host: string,
  port: number,
  signal: AbortSignal | undefined,
): Promise<NodeConnection> {
  return connectTo(runtime, { host, port, noDelay: true, allowHalfOpen: true }, signal);
}

/** The same for any address that `net.connect` takes. */
export function connectTo(
  runtime: Runtime,
  options: NetConnectOpts,
  signal: AbortSignal | undefined,
): Promise<NodeConnection> {
  return new Promise((resolve, reject) => {
    const socket = connect(options);
    const giveUp = (reason: unknown): void => {
      settle();
      socket.destroy();
      reject(reason);
    };
    const onAbort = (): void => giveUp(signal?.reason);
    const attempt: Resource = { destroy: () => giveUp(closedError('runtime')) };
    const settle = (): void => {
      runtime.resources.delete(attempt);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      socket.off('connect', onConnect);
    };
    const onError = (error: Error): void => {
      settle();
      reject(error);
    };
    const onConnect = (): void => {
      settle();
      resolve(new NodeConnection(runtime, socket));
    };
    runtime.resources.add(attempt);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('connect', onConnect);
  });
}

/** Takes over a descriptor that another thread gave away. */
export function adoptOnNode(runtime: Runtime, fd: number): NodeConnection {
  return new NodeConnection(runtime, new Socket({ fd, allowHalfOpen: true }));
}

export class NodeConnection implements Connection {
  readonly #runtime: Runtime;
  readonly #socket: Socket;
  readonly #local: SocketAddress | null;
  readonly #remote: SocketAddress | null;
  #handler: ConnectionHandler | null = null;
  #queued = 0;
  #isClosing = false;
  #isShutDown = false;
  #isDestroyed = false;
  #error: Error | null = null;
  #isGone = false;

  /** Made with a connected socket that this connection owns from now on. */
  constructor(runtime: Runtime, socket: Socket) {
    this.#runtime = runtime;
    this.#socket = socket;
    runtime.resources.add(this);
    this.#local = addressOf(socket.localAddress, socket.localFamily, socket.localPort);
    this.#remote = addressOf(socket.remoteAddress, socket.remoteFamily, socket.remotePort);
    socket.pause();
    socket.on('data', (chunk: Buffer) => this.#handler?.onData(chunk));
    socket.on('end', () => this.#handler?.onEnd());
    socket.on('error', (error) => {
      this.#error = error;
      this.#handler?.onError(error);
    });
    socket.on('close', () => this.#closed());
    socket.pause();
  }

  get localAddress(): SocketAddress | null {
    return this.#local;
  }

  get remoteAddress(): SocketAddress | null {
    return this.#remote;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  get bytesWritten(): number {
    return this.#socket.bytesWritten - this.#queued;
  }

  get queuedBytes(): number {
    return this.#queued;
  }

  get isClosed(): boolean {
    return this.#isClosing;
  }

  setHandler(handler: ConnectionHandler): void {
    if (this.#isGone) setImmediate(() => handler.onClose());
    else this.#handler = handler;
  }

  start(): void {
    this.#socket.resume();
  }

  stop(): void {
    this.#socket.pause();
  }

  /** Node has copied already. */
  setLending(): void {}

  /** Node copies nothing. */
  sendPromptly(): number {
    return 0;
  }

  send(bytes: Uint8Array, done: SendCallback | null): void {
    if (this.#isClosing || this.#isShutDown) {
      done?.(closedError('socket'));
      return;
    }
    this.#queued += bytes.byteLength;
    this.#socket.write(bytes, (error) => {
      this.#queued -= bytes.byteLength;
      const failure = this.#failureOf(error ?? null);
      done?.(failure);
      if (this.#queued === 0 && failure === null && !this.#isClosing) this.#handler?.onDrain();
    });
  }

  shutdown(done: SendCallback): void {
    if (this.#isClosing || this.#isShutDown) {
      done(closedError('socket'));
      return;
    }
    this.#isShutDown = true;
    this.#socket.end(() => done(this.#isDestroyed ? closedError('socket') : null));
  }

  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#isClosing = true;
    this.#isDestroyed = true;
    this.#socket.destroy();
  }

  /** Node closes what it has opened, and lets go of no descriptor. */
  detach(): never {
    this.#runtime.requireEngine();
    throw closedError('socket');
  }

  setNoDelay(isOn: boolean): void {
    this.#socket.setNoDelay(isOn);
  }

  setKeepAlive(isOn: boolean, initialDelayMs: number): void {
    this.#socket.setKeepAlive(isOn, initialDelayMs);
  }

  setReferenced(isReferenced: boolean): void {
    if (isReferenced) this.#socket.ref();
    else this.#socket.unref();
  }

  /** What was queued behind a failure fails with it, and not with the stream's own words for it. */
  #failureOf(error: Error | null): Error | null {
    if (this.#isDestroyed) return closedError('socket');
    const { code } = (error ?? {}) as { code?: string };
    if (code !== 'ERR_STREAM_DESTROYED') return error;
    return this.#error ?? closedError('socket');
  }

  #closed(): void {
    this.#isGone = true;
    this.#isClosing = true;
    this.#runtime.resources.delete(this);
    const handler = this.#handler;
    this.#handler = null;
    handler?.onClose();
  }
}

function addressOf(
  address: string | undefined,
  family: string | undefined,
  port: number | undefined,
): SocketAddress | null {
  if (address === undefined || port === undefined) return null;
  return { address, family: family === 'IPv6' ? 'IPv6' : 'IPv4', port };
}
