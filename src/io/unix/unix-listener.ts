/**
 * UnixListener: a listening Unix socket, as promises or as callbacks. What it can do is
 * `../stream/socket-listener.ts`; here are where and how to listen.
 */

import { integer, runtime, validateNames, validateObject } from '../../runtime/index.ts';
import { validateSignal } from '../stream/arguments.ts';
import { SocketListener, validateCallbacks } from '../stream/socket-listener.ts';
import type { ListenerParts } from '../stream/socket-listener.ts';
import type { SocketCallbacks } from '../tcp/tcp-socket.ts';
import { openNodeUnixAcceptor } from './node-unix.ts';
import { openUnixAcceptor } from './ring-unix.ts';
import { validateUnixPath } from './unix-path.ts';
import { UnixStream } from './unix-stream.ts';

/** Node's default. */
const BACKLOG_DEFAULT = 511;

/** Where and how to listen. */
export interface UnixListenOptions {
  /** A path that does not exist yet, or an abstract name, which begins with a NUL. */
  path: string | Buffer;
  /**
   * Connections that may wait in the kernel.
   * @defaultValue 511
   */
  backlog?: number;
  /** Aborting it closes the listener. */
  signal?: AbortSignal;
  /** Makes this a listener in callback form; addresses of its sockets are `null`. */
  socket?: SocketCallbacks;
}

/**
 * A listening Unix socket. It accepts as a `TcpListener` does; closing it removes its path.
 *
 * @example
 * ```ts
 * import { tmpdir } from 'node:os';
 * import { UnixListener, UnixStream } from 'onering';
 *
 * const path = `${tmpdir()}/onering-listener-${process.pid}.sock`;
 * const listener = await UnixListener.listen({ path });
 * const client = await UnixStream.connect({ path });
 * for await (const stream of listener) {
 *   await stream.write('welcome');
 *   await stream.close();
 *   break; // leaving the loop closes the listener
 * }
 * console.log(String(await client.read())); // welcome
 * await client.close();
 * ```
 * @see https://man7.org/linux/man-pages/man7/unix.7.html
 */
export class UnixListener extends SocketListener<UnixStream> {
  /** What it listens on, as it was given. */
  readonly path: string;

  private constructor(path: string, parts: Omit<ListenerParts<UnixStream>, 'wrap'>) {
    super({ ...parts, wrap: (connection) => new UnixStream(connection) });
    this.path = path;
  }

  /**
   * Listens.
   *
   * @param options - path, backlog, and callbacks for the callback form.
   * @returns the listener, already accepting.
   * @throws `EADDRINUSE` where the path exists, `EACCES` and what else bind(2) names, with
   *   `address`; `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_OUT_OF_RANGE`; the signal's
   *   reason.
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_multishot_accept.3.html
   */
  static async listen(options: UnixListenOptions): Promise<UnixListener> {
    validateObject(options, 'options');
    validateNames(options, 'options', ['path', 'backlog', 'signal', 'socket']);
    const name = validateUnixPath(options.path, 'options.path');
    const backlog = integer(options.backlog, 'options.backlog', BACKLOG_DEFAULT, 0, 2 ** 31 - 1);
    const callbacks = validateCallbacks(options.socket);
    const signal = validateSignal(options.signal);
    signal?.throwIfAborted();
    const current = runtime();
    const acceptor =
      current.engine === null
        ? await openNodeUnixAcceptor(current, name, backlog)
        : openUnixAcceptor(current, name, backlog);
    if (signal?.aborted === true) {
      acceptor.close();
      throw signal.reason;
    }
    return new UnixListener(name.text, { acceptor, callbacks, signal });
  }
}
