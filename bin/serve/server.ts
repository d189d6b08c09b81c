/**
 * SiteServer: sockets of the ring in front of Node's own HTTP, and the life of its connections.
 *
 * Each connection answers one request at a time, in order, however many the client sends ahead: so
 * a connection holds at most one file. When the server stops, idle connections are closed at once,
 * others as soon as they have answered what they had been asked.
 */

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { toDuplex, TcpListener } from '../../src/io/index.ts';
import type { TcpStream } from '../../src/io/index.ts';
import { sendAnswer } from './body.ts';
import type { Site } from './site.ts';

type Socket = ReturnType<typeof toDuplex>;

/** How a server is set up. */
export interface SiteServerOptions {
  readonly site: Site;
  /** Hears of failures that cost a response or the server something, and end neither. */
  onFailure(error: unknown, what: string): void;
}

/** Counters of one server, for people. */
export interface ServerMetrics {
  readonly connections: number;
  readonly openConnections: number;
  readonly requests: number;
  readonly bodyBytes: number;
}

/** Where a server listens. */
export interface SiteAddress {
  readonly hostname: string;
  /** 0 is any free port. */
  readonly port: number;
  /** Whether other threads listen there as well. */
  readonly reusePort?: boolean;
}

interface Connection {
  readonly socket: Socket;
  /** Requests that are not fully answered. */
  pending: number;
  /** The last of them. */
  work: Promise<void>;
}

/** Requests that a client may send ahead: more is an attack on memory. */
const pendingCountMax = 1000;

/** Without any progress for this long a client is gone. */
const inactivityMs = 120_000;

/** How long a client may take to notice that its connection has ended. */
const lingerMs = 1000;

/** For what runs when the server stops: just less than the ten seconds that Docker gives. */
const graceMs = 9000;

/** Serves a site on one address. */
export class SiteServer {
  readonly #options: SiteServerOptions;
  /** `null` where somebody else accepts. */
  readonly #listener: TcpListener | null;
  readonly #http: Server;
  readonly #connections = new Map<unknown, Connection>();
  #requestCount = 0;
  #connectionCount = 0;
  #bodyBytes = 0;
  #isStopping = false;
  #onEmpty: (() => void) | null = null;
  /** Resolves when accepting has ended; rejects when it failed. */
  readonly accepting: Promise<void>;

  private constructor(options: SiteServerOptions, listener: TcpListener | null) {
    this.#options = options;
    this.#listener = listener;
    this.#http = createServer((request, response) => this.#onRequest(request, response));
    this.#http.timeout = inactivityMs;
    // Clients that close their sending side after the request still want the answer.
    Object.assign(this.#http, { httpAllowHalfOpen: true });
    // Node's server starts its watch over slow headers with this event.
    this.#http.emit('listening');
    this.accepting = listener === null ? new Promise(() => {}) : this.#accept(listener);
  }

  /**
   * Listens.
   *
   * @throws `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, `ENOTFOUND` and the like.
   */
  static async start(options: SiteServerOptions, address: SiteAddress): Promise<SiteServer> {
    return new SiteServer(options, await TcpListener.listen({ ...address }));
  }

  /** Serves connections that it is given. */
  static startWithoutListener(options: SiteServerOptions): SiteServer {
    return new SiteServer(options, null);
  }

  /** Where the site is; empty where somebody else accepts. */
  get url(): string {
    return this.#listener === null ? '' : urlOf(this.#listener);
  }

  /** Serves a connection. */
  take(stream: TcpStream): void {
    this.#onConnection(toDuplex(stream));
  }

  /** Counters for people. */
  metrics(): ServerMetrics {
    return {
      connections: this.#connectionCount,
      openConnections: this.#connections.size,
      requests: this.#requestCount,
      bodyBytes: this.#bodyBytes,
    };
  }

  /**
   * Stops accepting, lets what runs finish within a bound, and closes all connections.
   *
   * @returns how many responses did not finish.
   */
  async stop(): Promise<number> {
    this.#isStopping = true;
    await this.#listener?.close();
    for (const { socket, pending } of this.#connections.values()) {
      if (pending === 0) socket.destroy();
    }
    let cutCount = 0;
    const grace = setTimeout(() => {
      cutCount = this.#connections.size;
      for (const { socket } of this.#connections.values()) socket.destroy();
    }, graceMs);
    await this.#untilEmpty();
    clearTimeout(grace);
    this.#http.close();
    return cutCount;
  }

  async #accept(listener: TcpListener): Promise<void> {
    for await (const stream of listener) this.take(stream);
  }

  #onConnection(socket: Socket): void {
    const connection = { socket, pending: 0, work: Promise.resolve() };
    this.#connections.set(socket, connection);
    this.#connectionCount += 1;
    socket.once('close', () => this.#onClose(connection));
    if (this.#isStopping) socket.destroy();
    else this.#http.emit('connection', socket);
  }

  #onClose(connection: Connection): void {
    // Its last response may still have a file to close.
    void connection.work.then(() => {
      this.#connections.delete(connection.socket);
      if (this.#connections.size === 0) this.#onEmpty?.();
    });
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket);
    if (connection === undefined) return;
    this.#requestCount += 1;
    connection.pending += 1;
    if (connection.pending > pendingCountMax) connection.socket.destroy();
    connection.work = connection.work.then(async () => {
      await this.#respond(connection, request, response);
      connection.pending -= 1;
      if (this.#isStopping && connection.pending === 0) endConnection(connection.socket);
    });
  }

  /** Never rejects: the next request of the connection waits for it. */
  async #respond(
    connection: Connection,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { socket } = connection;
    if (!socket.writable) return;
    const { method = '', url: target = '', headers } = request;
    try {
      const answer = await this.#options.site.answer({ method, target, headers });
      if (this.#isStopping && connection.pending === 1) response.setHeader('Connection', 'close');
      const { bodyBytes, failure } = await sendAnswer(response, answer);
      this.#bodyBytes += bodyBytes;
      if (failure !== null) this.#options.onFailure(failure, `${method} ${target}`);
    } catch (error) {
      this.#options.onFailure(error, `${method} ${target}`);
      socket.destroy();
    }
  }

  #untilEmpty(): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }
}

/** Ends a connection such that the client gets all that was sent, even if it is still sending. */
function endConnection(socket: Socket): void {
  if (socket.destroyed) return;
  socket.end();
  const linger = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(linger));
}

/** The address of a listener as people write it. */
export function urlOf(listener: TcpListener): string {
  const { address, family, port } = listener.address();
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
