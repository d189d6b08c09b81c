/**
 * Making a descriptor that listens, of any family: socket, options, bind, listen. None of these
 * blocks, so all happen at once, and the port is known when the call returns.
 */

import {
  AF_INET6,
  AF_UNIX,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from '../../native/abi.ts';
import type { Engine } from '../../runtime/index.ts';
import { encodeEndpoint } from './address.ts';
import type { Endpoint, UnixEndpoint } from './address.ts';
import { applyKeepAlive } from './keep-alive.ts';

/** What a listening socket is to be like. Accepted sockets inherit the options of TCP. */
export interface ListeningOptions {
  readonly backlog: number;
  readonly reusePort?: boolean;
  readonly isIpv6Only?: boolean;
  readonly noDelay?: boolean;
  readonly keepAlive?: boolean;
  /** Seconds before the first probe; 0 leaves it to the kernel. */
  readonly keepAliveDelay?: number;
}

/** Returns a listening descriptor that the caller owns, or `-errno`. */
export function openListening(
  engine: Engine,
  where: Endpoint | UnixEndpoint,
  options: ListeningOptions,
): number {
  const { calls } = engine;
  const { domain } = where;
  const protocol = domain === AF_UNIX ? 0 : IPPROTO_TCP;
  const fd = calls.socket(domain, SOCK_STREAM | SOCK_CLOEXEC, protocol);
  if (fd < 0) return fd;
  if (domain !== AF_UNIX) setTcpOptions(engine, fd, domain, options);
  const bound = calls.bind(fd, encodeEndpoint(where));
  const result = bound < 0 ? bound : calls.listen(fd, options.backlog);
  if (result >= 0) return fd;
  calls.close(fd);
  return result;
}

function setTcpOptions(
  engine: Engine,
  fd: number,
  domain: number,
  options: ListeningOptions,
): void {
  const { calls } = engine;
  calls.setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reusePort === true) calls.setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (domain === AF_INET6) {
    calls.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.isIpv6Only === true ? 1 : 0);
  }
  if (options.noDelay === true) calls.setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.keepAlive !== true) return;
  applyKeepAlive(engine, fd, { isOn: true, delay: options.keepAliveDelay ?? 0 });
}
