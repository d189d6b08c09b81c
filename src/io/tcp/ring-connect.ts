/**
 * Connecting on the ring: the addresses of a name one after the other, one `CONNECT` each.
 */

import {
  EACCES,
  EADDRNOTAVAIL,
  EHOSTUNREACH,
  EINVAL,
  encodeSockaddr,
  ENETUNREACH,
  IPPROTO_TCP,
  prepConnect,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  TCP_NODELAY,
} from '../../native/abi.ts';
import {
  bindSignal,
  promiseOf,
  settleWithResult,
  SystemError,
  systemError,
} from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { addressOf, resolveEndpoints } from './address.ts';
import type { Endpoint, SocketAddress } from './address.ts';
import { RingConnection } from './ring-connection.ts';

/** Connects to the first address that answers; the last failure is the one that is reported. */
export async function connectOnRing(
  runtime: Runtime,
  hostname: string,
  port: number,
  signal: AbortSignal | undefined,
): Promise<RingConnection> {
  let failure: unknown;
  for (const endpoint of await resolveEndpoints(hostname, port)) {
    signal?.throwIfAborted();
    try {
      return await connectTo(runtime, endpoint, signal);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      failure = error;
    }
  }
  throw failure;
}

async function connectTo(
  runtime: Runtime,
  endpoint: Endpoint,
  signal: AbortSignal | undefined,
): Promise<RingConnection> {
  const engine = runtime.requireEngine();
  const { scheduler, calls, pool } = engine;
  const { address, port, domain, scopeId } = endpoint;
  const fd = calls.socket(domain, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) throw systemError(fd, 'connect', { address, port });
  engine.own(fd);
  calls.setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const encoded = encodeSockaddr({ family: domain, address, port, scopeId });
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
    const local = addressOf(calls.getsockname(fd));
    calls.close(fd);
    if (!(error instanceof SystemError)) throw error;
    throw connectError(error.errno, address, port, local);
  } finally {
    pool.give(block);
  }
}

/** Failures that Node meets before it waits: it names the local address then. */
const EARLY = new Set([-EACCES, -EADDRNOTAVAIL, -EINVAL, -ENETUNREACH, -EHOSTUNREACH]);

function connectError(
  errno: number,
  address: string,
  port: number,
  local: SocketAddress | null,
): SystemError {
  const error = systemError(errno, 'connect', { address, port });
  if (EARLY.has(errno) && local !== null) {
    error.message += ` - Local (${local.address}:${local.port})`;
  }
  return error;
}
