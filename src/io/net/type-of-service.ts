/**
 * `setTypeOfService` and `getTypeOfService` of sockets, and the option `typeOfService`, where the
 * Node that runs has them: Node 22 has not. What was asked for before there is a connection is set
 * when there is one.
 *
 * IPv6 has a traffic class in its place. A Unix socket has neither: it only remembers.
 */

import {
  AF_INET6,
  EBADF,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_TCLASS,
  SO_DOMAIN,
  SOL_SOCKET,
} from '../../native/abi.ts';
import { runtime, systemError } from '../../runtime/index.ts';
import { plainError } from './net-errors.ts';
import { hasTypeOfService, net, refuseAsNode } from './node-net.ts';
import type { SocketHandle } from './socket-handle.ts';

/** What it needs of a socket. */
interface Bearer {
  readonly _handle: SocketHandle | null;
  emit(event: 'error', error: Error): boolean;
}

/** What was asked for, by sockets that were asked: most never are. */
const asked = new WeakMap<Bearer, number>();

/** Gives a class the two methods, where Node's own class has them. */
export function addTypeOfService(prototype: object): void {
  if (!hasTypeOfService) return;
  for (const method of [setTypeOfService, getTypeOfService]) {
    const value: unknown = method;
    Object.defineProperty(prototype, method.name, { value, writable: true, configurable: true });
  }
}

/** Takes the option, or throws Node's error for it. */
export function takeTypeOfService(socket: Bearer, tos: unknown): void {
  if (!hasTypeOfService || tos === undefined) return;
  if (!isTypeOfService(tos)) refuseAsNode(() => new net.Socket({ typeOfService: tos } as object));
  asked.set(socket, tos);
}

/** Connected: sets what was asked for before. */
export function applyTypeOfService(socket: Bearer): void {
  const tos = hasTypeOfService ? asked.get(socket) : undefined;
  const { _handle: handle } = socket;
  if (tos === undefined || handle === null || handle.isPipe) return;
  const result = setOption(handle.fd, tos);
  if (result < 0 && result !== -EBADF) socket.emit('error', failure(result, 'setTypeOfService'));
}

function setTypeOfService<T extends Bearer>(this: T, tos: number): T {
  if (!isTypeOfService(tos)) {
    refuseAsNode(() => {
      (new net.Socket() as unknown as { setTypeOfService(tos: unknown): void }).setTypeOfService(
        tos,
      );
    });
  }
  const isNew = asked.get(this) !== tos;
  asked.set(this, tos);
  const { _handle: handle } = this;
  if (!isNew || handle === null || handle.isPipe) return this;
  const result = setOption(handle.fd, tos);
  if (result < 0) throw failure(result, 'setTypeOfService');
  return this;
}

function getTypeOfService(this: Bearer): number {
  const { _handle: handle } = this;
  if (handle === null || handle.isPipe) return asked.get(this) ?? 0;
  const result = getOption(handle.fd);
  if (result < 0) throw failure(result, 'getTypeOfService');
  return result;
}

function isTypeOfService(tos: unknown): tos is number {
  return typeof tos === 'number' && Number.isInteger(tos) && tos >= 0 && tos <= 255;
}

function setOption(fd: number, tos: number): number {
  if (fd < 0) return -EBADF;
  const { calls } = runtime().requireEngine();
  const isSix = calls.getOption(fd, SOL_SOCKET, SO_DOMAIN) === AF_INET6;
  const result = calls.setOption(fd, IPPROTO_IP, IP_TOS, tos);
  // A socket of IPv6 may carry IPv4 as well, and need not.
  return isSix ? calls.setOption(fd, IPPROTO_IPV6, IPV6_TCLASS, tos) : result;
}

function getOption(fd: number): number {
  if (fd < 0) return -EBADF;
  const { calls } = runtime().requireEngine();
  const isSix = calls.getOption(fd, SOL_SOCKET, SO_DOMAIN) === AF_INET6;
  if (isSix) return calls.getOption(fd, IPPROTO_IPV6, IPV6_TCLASS);
  return calls.getOption(fd, IPPROTO_IP, IP_TOS);
}

function failure(result: number, syscall: string): Error {
  return plainError(systemError(result, syscall, { form: 'net' }));
}
