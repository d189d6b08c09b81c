/**
 * ServerHandle: what a `Server` holds of the ring while it listens: an acceptor, and the async
 * resource that its connections are made in.
 *
 * It closes at once: the address is free for others when `close()` returns.
 */

import { AsyncResource } from 'node:async_hooks';
import type { Runtime } from '../../runtime/index.ts';
import { addressOf } from '../tcp/address.ts';
import type { SocketAddress } from '../tcp/address.ts';
import type { AcceptHandler } from '../tcp/acceptor.ts';
import { RingAcceptor } from '../tcp/ring-acceptor.ts';
import type { RingConnection } from '../tcp/ring-connection.ts';
import { plainError } from './net-errors.ts';
import { removeSocketFile } from './node-net.ts';
import { SocketHandle } from './socket-handle.ts';

/** Hears of connections, in the handle's async context. */
export interface HandleServer {
  _onConnection(handle: SocketHandle, connection: RingConnection): void;
  emit(event: 'error', error: Error): boolean;
}

/** A descriptor that listens, and what it is. */
export interface Listening {
  readonly fd: number;
  /** The path, where it is a Unix socket that was bound here. */
  readonly path: string | null;
  readonly isPipe: boolean;
}

export class ServerHandle extends AsyncResource implements AcceptHandler {
  readonly runtime: Runtime;
  readonly isPipe: boolean;
  readonly #acceptor: RingAcceptor;
  readonly #path: string | null;
  #server: HandleServer | null;

  /** Owns the descriptor from now on, and accepts at once. */
  constructor(runtime: Runtime, server: HandleServer, { fd, path, isPipe }: Listening) {
    super(isPipe ? 'PIPESERVERWRAP' : 'TCPSERVERWRAP', { requireManualDestroy: true });
    this.runtime = runtime;
    this.isPipe = isPipe;
    this.#server = server;
    this.#path = path === null || path.startsWith('\0') ? null : path;
    this.#acceptor = new RingAcceptor(runtime, fd);
    this.#acceptor.start(this);
  }

  get fd(): number {
    return this.#server === null ? -1 : this.#acceptor.fd;
  }

  /** Where it listens; `null` for a Unix socket. */
  get address(): SocketAddress | null {
    return addressOf(this.runtime.requireEngine().calls.getsockname(this.#acceptor.fd));
  }

  getAsyncId(): number {
    return this.asyncId();
  }

  ref(): void {
    this.#acceptor.setReferenced(true);
  }

  unref(): void {
    this.#acceptor.setReferenced(false);
  }

  close(): void {
    if (this.#server === null) return;
    this.#server = null;
    this.#acceptor.closeNow();
    if (this.#path !== null) removeSocketFile(this.#path);
  }

  /** @internal */
  onConnection(connection: RingConnection): void {
    const server = this.#server;
    if (server === null) connection.destroy();
    else this.#announce(server, connection);
  }

  /** @internal */
  onError(error: Error): void {
    const server = this.#server;
    if (server !== null) this.runInAsyncScope(fail, undefined, server, plainError(error));
  }

  /** @internal */
  onClose(): void {
    const server = this.#server;
    this.#server = null;
    this.emitDestroy();
    // The runtime closes: the server learns it like any other end.
    (server as { close?: () => void } | null)?.close?.();
  }

  /** As in Node, the event is in the context of the server, and the socket in nobody's. */
  #announce(server: HandleServer, connection: RingConnection): void {
    const handle = SocketHandle.of(this.runtime, connection, this.isPipe);
    this.runInAsyncScope(announce, undefined, server, handle, connection);
  }
}

function announce(server: HandleServer, handle: SocketHandle, connection: RingConnection): void {
  server._onConnection(handle, connection);
}

function fail(server: HandleServer, error: Error): void {
  server.emit('error', error);
}
