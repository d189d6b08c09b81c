/**
 * Unix sockets on the ring: connecting and listening. Everything else about them is what TCP's
 * `ring-connection.ts` and `ring-acceptor.ts` do for any stream socket.
 */

import {
  AF_UNIX,
  EACCES,
  encodeSockaddr,
  ENOENT,
  prepConnect,
  SOCK_CLOEXEC,
  SOCK_STREAM,
} from '../../native/abi.ts';
import {
  bindSignal,
  promiseOf,
  settleWithResult,
  SystemError,
  systemError,
} from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { RingAcceptor } from '../tcp/ring-acceptor.ts';
import { RingConnection } from '../tcp/ring-connection.ts';
import type { UnixName } from './unix-path.ts';

/** Connects to a name. A listener whose backlog is full is waited for, by a kernel worker. */
export async function connectUnixOnRing(
  runtime: Runtime,
  name: UnixName,
  signal: AbortSignal | undefined,
): Promise<RingConnection> {
  const engine = runtime.requireEngine();
  const { scheduler, calls, pool } = engine;
  const { text: address } = name;
  const fd = calls.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError(fd, 'connect', { address });
  engine.own(fd);
  const encoded = encodeSockaddr({ family: AF_UNIX, path: name.bytes });
  const block = pool.take(encoded.length);
  block.bytes.set(encoded);
  const operation = scheduler.begin(settleWithResult, 'connect');
  prepConnect(scheduler.sqe, fd, block.address, encoded.length);
  operation.keep = block;
  if (signal !== undefined) bindSignal(scheduler, operation, signal);
  try {
    await promiseOf<number>(operation);
    return new RingConnection(runtime, fd);
  } catch (error) {
    calls.close(fd);
    if (!(error instanceof SystemError)) throw error;
    throw systemError(error.errno, 'connect', { address });
  } finally {
    pool.give(block);
  }
}

/** Listens on a name; a path is removed when the listener closes, as Node does. */
export function openUnixAcceptor(runtime: Runtime, name: UnixName, backlog: number): RingAcceptor {
  const { calls } = runtime.requireEngine();
  const fail = (result: number): never => {
    const error = systemError(result, 'listen', { address: name.text, form: 'bind' });
    // Node names a port that there is not.
    throw Object.assign(error, { port: -1 });
  };
  const fd = calls.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(fd);
  const bound = calls.bind(fd, encodeSockaddr({ family: AF_UNIX, path: name.bytes }));
  // libuv says so where the folder is missing, on every platform.
  const refused = bound === -ENOENT ? -EACCES : bound;
  const result = refused < 0 ? refused : calls.listen(fd, backlog);
  if (result < 0) {
    calls.close(fd);
    fail(result);
  }
  return new RingAcceptor(runtime, fd, name.isAbstract ? null : name.bytes);
}
