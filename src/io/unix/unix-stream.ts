/**
 * UnixStream: a connection over a Unix socket as promises. What it can do is
 * `../stream/socket-stream.ts`; here is connecting.
 */

import { runtime, validateNames, validateObject } from '../../runtime/index.ts';
import { validateSignal } from '../stream/arguments.ts';
import { SocketStream } from '../stream/socket-stream.ts';
import { connectUnixOnNode } from './node-unix.ts';
import { connectUnixOnRing } from './ring-unix.ts';
import { validateUnixPath } from './unix-path.ts';

/** Where to connect to. */
export interface UnixConnectOptions {
  /** A path, or an abstract name, which begins with a NUL. At most 107 bytes, or 108. */
  path: string | Buffer;
  /** Aborting it gives the attempt up. */
  signal?: AbortSignal;
}

/**
 * One connection over a Unix socket. It reads and writes as a `TcpStream` does.
 *
 * @example
 * ```ts
 * import { UnixListener, UnixStream } from 'onering';
 *
 * const path = `\0onering-stream-${process.pid}`; // abstract: no file
 * const listener = await UnixListener.listen({ path });
 * const client = await UnixStream.connect({ path });
 * const server = await listener.accept();
 * await client.write('hello');
 * console.log(String(await server.read())); // hello
 * await Promise.all([client.close(), server.close(), listener.close()]);
 * ```
 * @see https://man7.org/linux/man-pages/man7/unix.7.html
 */
export class UnixStream extends SocketStream {
  /**
   * Connects to a listener.
   *
   * @param options - its path, and an abort signal.
   * @returns the connected stream.
   * @throws `ENOENT`, `ECONNREFUSED` and what else connect(2) names, with `address`;
   *   `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`; the signal's reason.
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_connect.3.html
   */
  static async connect(options: UnixConnectOptions): Promise<UnixStream> {
    validateObject(options, 'options');
    validateNames(options, 'options', ['path', 'signal']);
    const name = validateUnixPath(options.path, 'options.path');
    const signal = validateSignal(options.signal);
    signal?.throwIfAborted();
    const current = runtime();
    const connection =
      current.engine === null
        ? await connectUnixOnNode(current, name, signal)
        : await connectUnixOnRing(current, name, signal);
    return new UnixStream(connection);
  }
}
