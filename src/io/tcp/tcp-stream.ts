/**
 * TcpStream: a TCP connection as promises. What it can do is `../stream/socket-stream.ts`; here are
 * connecting and addresses.
 */

import { runtime, validateNames, validateObject } from '../../runtime/index.ts';
import { validateSignal } from '../stream/arguments.ts';
import { SocketStream } from '../stream/socket-stream.ts';
import { validateHostname, validatePort } from './address.ts';
import type { SocketAddress } from './address.ts';
import { connectOnNode } from './node-connection.ts';
import { connectOnRing } from './ring-connect.ts';

/** Where to connect to. */
export interface ConnectOptions {
  /**
   * A host name or an IP address. Several addresses are tried as by `net.connect`: families by
   * turns, each for a quarter of a second (`net.setDefaultAutoSelectFamilyAttemptTimeout`).
   * @defaultValue 'localhost'
   */
  hostname?: string;
  port: number;
  /** Aborting it gives the attempt up. */
  signal?: AbortSignal;
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
export class TcpStream extends SocketStream {
  /**
   * Connects to a server.
   *
   * @param options - host, port, and an abort signal.
   * @returns the connected stream.
   * @throws `ECONNREFUSED` and what else connect(2) names, with `address` and `port`; where several
   *   addresses fail, an `AggregateError` with the code of the first; `ENOTFOUND`
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
    return this.takeConnection().remoteAddress;
  }

  /** This end. */
  get localAddress(): SocketAddress | null {
    return this.takeConnection().localAddress;
  }
}
