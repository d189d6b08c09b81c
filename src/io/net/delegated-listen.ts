/**
 * Listening that is Node's: in workers of `node:cluster`, whose primary hands connections out, and
 * on handles of Node's own. A server of Node's listens, and its events are those of ours; the
 * connections are Node's sockets.
 */

import type { EventEmitter } from 'node:events';
import type { Server } from 'node:net';
import { net } from './node-net.ts';

/** What the server of Node's shares with ours. */
export interface DelegatingServer extends EventEmitter {
  readonly allowHalfOpen: boolean;
  readonly pauseOnConnect: boolean;
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  readonly keepAliveInitialDelay: number;
  readonly highWaterMark: number;
  readonly maxConnections: number | undefined;
  _connections: number;
  _handle: unknown;
  _emitCloseIfDrained(): void;
}

/** A server of Node's that does the listening for ours. */
export class DelegatedListening {
  readonly #inner: Server;

  constructor(owner: DelegatingServer, args: readonly unknown[], isReferenced: boolean) {
    const { allowHalfOpen, pauseOnConnect, noDelay, keepAlive, highWaterMark } = owner;
    const options = { allowHalfOpen, pauseOnConnect, noDelay, keepAlive, highWaterMark };
    const inner = new net.Server({
      ...options,
      keepAliveInitialDelay: owner.keepAliveInitialDelay * 1000,
    });
    if (owner.maxConnections !== undefined) inner.maxConnections = owner.maxConnections;
    inner.on('connection', (socket) => {
      owner._connections += 1;
      socket.once('close', () => {
        owner._connections -= 1;
        owner._emitCloseIfDrained();
      });
      owner.emit('connection', socket);
    });
    inner.on('drop', (data) => owner.emit('drop', data));
    inner.on('error', (error) => {
      if (!inner.listening && owner._handle === this) owner._handle = null;
      owner.emit('error', error);
    });
    inner.on('listening', () => owner.emit('listening'));
    this.#inner = inner;
    // The callback is our server's, and hears its event.
    inner.listen(...(args.filter((value) => typeof value !== 'function') as []));
    if (!isReferenced) inner.unref();
  }

  get fd(): number {
    return (this.#inner as { _handle?: { fd?: number } })._handle?.fd ?? -1;
  }

  get address(): ReturnType<Server['address']> {
    return this.#inner.address();
  }

  ref(): void {
    this.#inner.ref();
  }

  unref(): void {
    this.#inner.unref();
  }

  close(): void {
    this.#inner.close();
  }
}
