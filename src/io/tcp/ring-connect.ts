/**
 * Connecting on the ring: the addresses of a name one after the other, one `CONNECT` each.
 *
 * As `net.connect` has it (Happy Eyeballs, RFC 8305): families take turns, and each address but the
 * last one has so much time to answer. An attempt that was given up is canceled, waited for and
 * closed before the next one begins.
 */

import {
  EACCES,
  EADDRNOTAVAIL,
  EHOSTUNREACH,
  ECANCELED,
  EINVAL,
  encodeSockaddr,
  ENETUNREACH,
  ETIMEDOUT,
  IPPROTO_TCP,
  prepConnect,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  TCP_NODELAY,
} from '../../native/abi.ts';
import {
  bindSignal,
  cancelOperation,
  promiseOf,
  settleWithResult,
  SystemError,
  systemError,
} from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { addressOf, attemptTimeoutMs, resolveEndpoints } from './address.ts';
import type { Endpoint, SocketAddress } from './address.ts';
import { RingConnection } from './ring-connection.ts';

/** What an attempt is given. */
interface Patience {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds; 0 leaves it to the kernel. */
  readonly timeoutMs: number;
}

/** Connects to the first address that answers. Where several fail, one error has all of theirs. */
export async function connectOnRing(
  runtime: Runtime,
  hostname: string,
  port: number,
  signal: AbortSignal | undefined,
): Promise<RingConnection> {
  const endpoints = inTurns(await resolveEndpoints(hostname, port));
  const failures: SystemError[] = [];
  for (const [at, endpoint] of endpoints.entries()) {
    signal?.throwIfAborted();
    const timeoutMs = at < endpoints.length - 1 ? attemptTimeoutMs() : 0;
    try {
      return await connectTo(runtime, endpoint, { signal, timeoutMs });
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      failures.push(error);
    }
  }
  const [first] = failures;
  if (failures.length === 1) throw first;
  throw Object.assign(new AggregateError(failures), { code: first?.code });
}

/** Both families by turns, that of the first address first. */
function inTurns(endpoints: readonly Endpoint[]): Endpoint[] {
  const family = endpoints[0]?.family;
  const preferred = endpoints.filter((endpoint) => endpoint.family === family);
  const others = endpoints.filter((endpoint) => endpoint.family !== family);
  const turns = Math.max(preferred.length, others.length);
  return Array.from({ length: turns }, (_, at) => [
    ...preferred.slice(at, at + 1),
    ...others.slice(at, at + 1),
  ]).flat();
}

async function connectTo(
  runtime: Runtime,
  endpoint: Endpoint,
  { signal, timeoutMs }: Patience,
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
  let isLate = false;
  const giveUp = (): void => {
    isLate = true;
    cancelOperation(scheduler, operation);
  };
  const timer = timeoutMs === 0 ? undefined : setTimeout(giveUp, timeoutMs);
  try {
    await promiseOf<number>(operation);
    return new RingConnection(runtime, fd);
  } catch (error) {
    const local = addressOf(calls.getsockname(fd));
    calls.close(fd);
    if (!(error instanceof SystemError)) throw error;
    const isTimeout = isLate && error.errno === -ECANCELED;
    throw connectError(isTimeout ? -ETIMEDOUT : error.errno, address, port, local);
  } finally {
    clearTimeout(timer);
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
