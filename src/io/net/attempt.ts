/**
 * One attempt to connect: where it goes to and comes from, handing it to the kernel, and the words
 * that Node finds when it fails.
 */

import type { BlockList } from 'node:net';
import {
  EACCES,
  EADDRNOTAVAIL,
  EHOSTUNREACH,
  EINVAL,
  ENETUNREACH,
  EPERM,
} from '../../native/abi.ts';
import { endpoint, unixEndpoint } from '../tcp/address.ts';
import { connectError } from './net-errors.ts';
import { net } from './node-net.ts';
import type { SocketHandle } from './socket-handle.ts';

/** Where one attempt goes to, and comes from. */
export interface Target {
  readonly address: string;
  readonly port: number | undefined;
  /** 4, 6, or nothing for a Unix socket. */
  readonly family: 4 | 6 | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** Failures that Node meets before it waits: it names the local address then. */
const EARLY = new Set([-EACCES, -EADDRNOTAVAIL, -EINVAL, -ENETUNREACH, -EHOSTUNREACH, -EPERM]);
const NOWHERE = { address: undefined, port: undefined };

/** Binds to where the program wants to come from: 0 or `-errno`. */
export function bindLocal(handle: SocketHandle, target: Target): number {
  const { family, localAddress, localPort } = target;
  if (family === undefined || (!localAddress && !localPort)) return 0;
  const from = localAddress || (family === 4 ? '0.0.0.0' : '::');
  if (net.isIP(from) !== family) return -EINVAL;
  return handle.bindTo(endpoint(from, family, localPort ?? 0));
}

/** Whether the program forbids this address. */
export function isBlocked(
  { blockList }: { readonly blockList?: BlockList },
  { address, family }: Target,
): boolean {
  if (blockList === undefined || family === undefined) return false;
  return blockList.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** Hands an attempt to the kernel: 0 or `-errno`, and later the outcome. */
export function beginAttempt(
  handle: SocketHandle,
  { address, port, family }: Target,
  done: (result: number) => void,
): number {
  const where = family === undefined ? unixEndpoint(address) : endpoint(address, family, port ?? 0);
  return typeof where === 'number' ? where : handle.connect(where, done);
}

/** What Node makes of a failure that the kernel reported. */
export function attemptError(result: number, target: Target): Error {
  const { address, port, localAddress, localPort } = target;
  if (!localAddress || !localPort) return connectError(result, 'connect', { address, port });
  const local = { address: localAddress, port: localPort };
  const error = connectError(result, 'connect', { address, port, local });
  return Object.assign(error, { localAddress, localPort });
}

/** What Node makes of a failure before it has begun to wait. */
export function earlyError(result: number, handle: SocketHandle, target: Target): Error {
  const { address, port, family } = target;
  // Without a descriptor there is no local address, which Node says in these words.
  const local = family === undefined ? null : (handle.localAddress ?? NOWHERE);
  return connectError(result, 'connect', { address, port, local });
}

/** Whether Node would have met this failure at once. */
export function isEarly(result: number): boolean {
  return EARLY.has(result);
}
