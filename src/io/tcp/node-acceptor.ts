/**
 * A listening socket on Node's own `net`, for when there is no ring.
 */

import { createServer } from 'node:net';
import type { AddressInfo, ListenOptions, Server } from 'node:net';
import type { Runtime } from '../../runtime/index.ts';
import type { AcceptHandler, Acceptor, ListenRequest } from './acceptor.ts';
import type { SocketAddress } from './address.ts';
import { NodeConnection } from './node-connection.ts';

/** Opens a listening socket on Node's loop. */
export function openNodeAcceptor(runtime: Runtime, request: ListenRequest): Promise<NodeAcceptor> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    const onError = (error: Error): void => reject(error);
    server.once('error', onError);
    // `reusePort` is known from Node 23.1 on; earlier ones ignore it.
    const options: ListenOptions & { reusePort?: boolean } = {
      port: request.port,
      backlog: request.backlog,
      reusePort: request.reusePort,
    };
    if (request.hostname !== undefined) options.host = request.hostname;
    server.listen(options, () => {
      server.off('error', onError);
      resolve(new NodeAcceptor(runtime, server));
    });
  });
}

export class NodeAcceptor implements Acceptor {
  readonly address: SocketAddress;
  readonly #runtime: Runtime;
  readonly #server: Server;
  readonly #waiting: NodeConnection[] = [];
  #handler: AcceptHandler | null = null;
  #isPaused = true;
  #isClosing = false;

  constructor(runtime: Runtime, server: Server) {
    this.#runtime = runtime;
    this.#server = server;
    runtime.resources.add(this);
    const { address, family, port } = server.address() as AddressInfo;
    this.address = { address, family: family === 'IPv6' ? 'IPv6' : 'IPv4', port };
    server.on('connection', (socket) => {
      const connection = new NodeConnection(runtime, socket);
      if (this.#isPaused || this.#handler === null) this.#waiting.push(connection);
      else this.#handler.onConnection(connection);
    });
    server.on('error', (error) => this.#handler?.onError(error));
    server.on('close', () => this.#handler?.onClose());
  }

  start(handler: AcceptHandler): void {
    this.#handler = handler;
    this.resume();
  }

  /** Node cannot leave connections in the backlog: they wait here. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const connection of this.#waiting.splice(0)) this.#handler?.onConnection(connection);
  }

  /** Node's server closes when its connections have: ours live on, so they are let go of first. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    for (const connection of this.#waiting.splice(0)) connection.destroy();
    const handler = this.#handler;
    this.#handler = null;
    this.#server.close();
    setImmediate(() => {
      this.#runtime.resources.delete(this);
      handler?.onClose();
    });
  }

  destroy(): void {
    this.close();
  }

  setReferenced(isReferenced: boolean): void {
    if (isReferenced) this.#server.ref();
    else this.#server.unref();
  }
}
