/**
 * Filling an entry with an operation on a socket other than moving data: making, binding,
 * listening, accepting, connecting, shutting down, and the commands for its options.
 *
 * Pure writes into the ring's memory; argument order as in liburing. A "slot" is an index of the
 * registered file table, or `IORING_FILE_INDEX_ALLOC` where the kernel shall pick one.
 *
 * Hot path: no allocation, no closures, no polymorphism per operation.
 */

import {
  IORING_ACCEPT_MULTISHOT,
  IORING_FILE_INDEX_ALLOC,
  IORING_OP_ACCEPT,
  IORING_OP_BIND,
  IORING_OP_CONNECT,
  IORING_OP_LISTEN,
  IORING_OP_SHUTDOWN,
  IORING_OP_SOCKET,
  IORING_OP_URING_CMD,
  SOCKET_URING_OP_GETSOCKOPT,
  SOCKET_URING_OP_SETSOCKOPT,
  SOCKET_URING_OP_SIOCINQ,
  SOCKET_URING_OP_SIOCOUTQ,
} from '../constants/io-uring.ts';
import { setSqeIoprio } from '../layout/sqe.ts';
import type { Sqe } from '../layout/sqe.ts';
import { fill, setAddressHalves, setTargetSlot, setThirdAddress, setWord11 } from './fill.ts';

/**
 * Mirrors io_uring_prep_socket(3). Linux 5.19+. No memory.
 * The completion's result is a descriptor that the caller must close.
 */
export function prepSocket(
  sqe: Sqe,
  family: number,
  type: number,
  protocol: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_SOCKET, family, type, 0, protocol, flags);
}

/** Mirrors io_uring_prep_socket_direct(3). Linux 5.19+. No memory. No `SOCK_CLOEXEC`. */
export function prepSocketDirect(
  sqe: Sqe,
  family: number,
  type: number,
  protocol: number,
  slot: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_SOCKET, family, type, 0, protocol, flags);
  setTargetSlot(sqe, slot);
}

/** Mirrors io_uring_prep_bind(3). Linux 6.11+. The address is copied. */
export function prepBind(sqe: Sqe, fd: number, sockaddr: number, size: number): void {
  fill(sqe, IORING_OP_BIND, fd, size, sockaddr, 0, 0);
}

/** Mirrors io_uring_prep_listen(3). Linux 6.11+. No memory. */
export function prepListen(sqe: Sqe, fd: number, backlog: number): void {
  fill(sqe, IORING_OP_LISTEN, fd, 0, 0, backlog, 0);
}

/**
 * Mirrors io_uring_prep_accept(3). Linux 5.5+.
 * The peer's address and its size, unless both are 0, are the kernel's until the completion.
 * The completion's result is a descriptor that the caller must close, also after a cancellation
 * that came too late.
 */
export function prepAccept(
  sqe: Sqe,
  fd: number,
  sockaddr: number,
  sizeAddress: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_ACCEPT, fd, sizeAddress, sockaddr, 0, flags);
}

/** Mirrors io_uring_prep_accept_direct(3). Linux 5.15+. Memory as in `prepAccept`. */
export function prepAcceptDirect(
  sqe: Sqe,
  fd: number,
  sockaddr: number,
  sizeAddress: number,
  flags: number,
  slot: number,
): void {
  fill(sqe, IORING_OP_ACCEPT, fd, sizeAddress, sockaddr, 0, flags);
  setTargetSlot(sqe, slot);
}

/**
 * Mirrors io_uring_prep_multishot_accept(3). Linux 5.19+.
 * One completion per connection until one comes without `IORING_CQE_F_MORE`. All connections share
 * the memory of the address, so it says little: pass 0 and ask the socket.
 */
export function prepMultishotAccept(
  sqe: Sqe,
  fd: number,
  sockaddr: number,
  sizeAddress: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_ACCEPT, fd, sizeAddress, sockaddr, 0, flags);
  setSqeIoprio(sqe, IORING_ACCEPT_MULTISHOT);
}

/** Mirrors io_uring_prep_multishot_accept_direct(3). Linux 5.19+. The kernel picks the slots. */
export function prepMultishotAcceptDirect(
  sqe: Sqe,
  fd: number,
  sockaddr: number,
  sizeAddress: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_ACCEPT, fd, sizeAddress, sockaddr, 0, flags);
  setSqeIoprio(sqe, IORING_ACCEPT_MULTISHOT);
  setTargetSlot(sqe, IORING_FILE_INDEX_ALLOC);
}

/** Mirrors io_uring_prep_connect(3). Linux 5.5+. The address is copied. */
export function prepConnect(sqe: Sqe, fd: number, sockaddr: number, size: number): void {
  fill(sqe, IORING_OP_CONNECT, fd, size, sockaddr, 0, 0);
}

/** Mirrors io_uring_prep_shutdown(3). Linux 5.11+. No memory. */
export function prepShutdown(sqe: Sqe, fd: number, how: number): void {
  fill(sqe, IORING_OP_SHUTDOWN, fd, 0, 0, how, 0);
}

/**
 * Mirrors io_uring_prep_cmd_sock(3) with `SOCKET_URING_OP_SIOCINQ`. Linux 6.7+. No memory.
 * The completion's result is the bytes that wait to be received.
 */
export function prepCmdSockSiocinq(sqe: Sqe, fd: number): void {
  fill(sqe, IORING_OP_URING_CMD, fd, SOCKET_URING_OP_SIOCINQ, 0, 0, 0);
}

/**
 * Mirrors io_uring_prep_cmd_sock(3) with `SOCKET_URING_OP_SIOCOUTQ`. Linux 6.7+. No memory.
 * The completion's result is the bytes that the peer has not acknowledged.
 */
export function prepCmdSockSiocoutq(sqe: Sqe, fd: number): void {
  fill(sqe, IORING_OP_URING_CMD, fd, SOCKET_URING_OP_SIOCOUTQ, 0, 0, 0);
}

/**
 * Mirrors io_uring_prep_cmd_sock(3) with `SOCKET_URING_OP_GETSOCKOPT`. Linux 6.7+, and only for
 * `SOL_SOCKET`. The value is the kernel's until the completion, whose result is its size.
 */
export function prepCmdSockGetsockopt(
  sqe: Sqe,
  fd: number,
  level: number,
  option: number,
  value: number,
  size: number,
): void {
  fill(sqe, IORING_OP_URING_CMD, fd, SOCKET_URING_OP_GETSOCKOPT, 0, 0, 0);
  setAddressHalves(sqe, level, option);
  setWord11(sqe, size);
  setThirdAddress(sqe, value);
}

/**
 * Mirrors io_uring_prep_cmd_sock(3) with `SOCKET_URING_OP_SETSOCKOPT`. Linux 6.7+.
 * The value must not change until the completion.
 */
export function prepCmdSockSetsockopt(
  sqe: Sqe,
  fd: number,
  level: number,
  option: number,
  value: number,
  size: number,
): void {
  fill(sqe, IORING_OP_URING_CMD, fd, SOCKET_URING_OP_SETSOCKOPT, 0, 0, 0);
  setAddressHalves(sqe, level, option);
  setWord11(sqe, size);
  setThirdAddress(sqe, value);
}
