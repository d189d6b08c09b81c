/**
 * TcpListener: a listening TCP socket, as promises or as callbacks. What it can do is
 * `../stream/socket-listener.ts`; here are where and how to listen.
 */

import { boolean, integer, runtime, validateNames, validateObject } from '../../runtime/index.ts';
import { validateSignal } from '../stream/arguments.ts';
import { SocketListener, validateCallbacks } from '../stream/socket-listener.ts';
import type { Acceptor, ListenRequest } from './acceptor.ts';
import { validateHostname, validatePort } from './address.ts';
import type { SocketAddress } from './address.ts';
import { openNodeAcceptor } from './node-acceptor.ts';
import { openRingAcceptor } from './ring-acceptor.ts';
import type { SocketCallbacks } from './tcp-socket.ts';
import { TcpStream } from './tcp-stream.ts';

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
export class TcpListener extends SocketListener<TcpStream> {
  readonly #address: SocketAddress;

  private constructor(
    acceptor: Acceptor,
    callbacks: SocketCallbacks | undefined,
    signal: AbortSignal | undefined,
  ) {
    super({ acceptor, callbacks, wrap: (connection) => new TcpStream(connection), signal });
    this.#address = acceptor.address;
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
    return new TcpListener(acceptor, callbacks, signal);
  }

  /** Where it listens, with the port that the kernel chose. */
  address(): SocketAddress {
    return this.#address;
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
