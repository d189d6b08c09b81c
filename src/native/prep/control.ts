/**
 * Filling an entry with what concerns neither a file nor a socket in particular: NOPs, polls,
 * timeouts, cancellation, messages to other rings, provided buffers, children, futexes.
 *
 * Pure writes into the ring's memory; argument order as in liburing. A `user_data`, of this ring
 * or of another, is always given as its two 32-bit halves, low and high.
 *
 * Hot path: no allocation, no closures, no polymorphism per operation.
 */

import {
  IORING_ASYNC_CANCEL_ANY,
  IORING_ASYNC_CANCEL_FD,
  IORING_ASYNC_CANCEL_OP,
  IORING_FILE_INDEX_ALLOC,
  IORING_MSG_RING_FLAGS_PASS,
  IORING_MSG_SEND_FD,
  IORING_OP_ASYNC_CANCEL,
  IORING_OP_EPOLL_CTL,
  IORING_OP_EPOLL_WAIT,
  IORING_OP_FUTEX_WAIT,
  IORING_OP_FUTEX_WAITV,
  IORING_OP_FUTEX_WAKE,
  IORING_OP_LINK_TIMEOUT,
  IORING_OP_MSG_RING,
  IORING_OP_NOP,
  IORING_OP_POLL_ADD,
  IORING_OP_POLL_REMOVE,
  IORING_OP_PROVIDE_BUFFERS,
  IORING_OP_REMOVE_BUFFERS,
  IORING_OP_TIMEOUT,
  IORING_OP_TIMEOUT_REMOVE,
  IORING_OP_WAITID,
  IORING_POLL_ADD_MULTI,
  IORING_TIMEOUT_UPDATE,
} from '../constants/io-uring.ts';
import { setSqeBufferGroup } from '../layout/sqe.ts';
import type { Sqe } from '../layout/sqe.ts';
import {
  fill,
  setAddressHalves,
  setOffsetHalves,
  setTargetSlot,
  setThirdAddress,
  setWord11,
} from './fill.ts';

/**
 * Mirrors io_uring_prep_nop(3). Linux 5.1+. No memory.
 * `IORING_NOP_INJECT_RESULT` makes `result` the completion's result (Linux 6.10+), and
 * `IORING_NOP_FILE` has the kernel look `fd` up (Linux 6.13+). Older kernels ignore the flags.
 */
export function prepNop(sqe: Sqe, flags: number = 0, result: number = 0, fd: number = -1): void {
  fill(sqe, IORING_OP_NOP, fd, 0, 0, result, flags);
}

/** Mirrors io_uring_prep_poll_add(3). Linux 5.1+. No memory. The result is the events seen. */
export function prepPollAdd(sqe: Sqe, fd: number, mask: number): void {
  fill(sqe, IORING_OP_POLL_ADD, fd, 0, 0, 0, mask);
}

/**
 * Mirrors io_uring_prep_poll_multishot(3). Linux 5.13+. No memory.
 * A completion at every edge, until one comes without `IORING_CQE_F_MORE`.
 */
export function prepPollMultishot(sqe: Sqe, fd: number, mask: number): void {
  fill(sqe, IORING_OP_POLL_ADD, fd, 0, 0, IORING_POLL_ADD_MULTI, mask);
}

/** Mirrors io_uring_prep_poll_remove(3). Linux 5.1+. No memory. */
export function prepPollRemove(sqe: Sqe, low: number, high: number): void {
  fill(sqe, IORING_OP_POLL_REMOVE, -1, 0, 0, 0, 0);
  setAddressHalves(sqe, low, high);
}

/** Mirrors io_uring_prep_poll_update(3). Linux 5.13+. No memory. */
export function prepPollUpdate(
  sqe: Sqe,
  oldLow: number,
  oldHigh: number,
  newLow: number,
  newHigh: number,
  mask: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_POLL_REMOVE, -1, 0, 0, flags, mask);
  setAddressHalves(sqe, oldLow, oldHigh);
  setOffsetHalves(sqe, newLow, newHigh);
}

/** Mirrors io_uring_prep_epoll_ctl(3). Linux 5.6+. The event is copied. */
export function prepEpollCtl(
  sqe: Sqe,
  epollFd: number,
  fd: number,
  operation: number,
  event: number,
): void {
  // liburing widens the descriptor as an unsigned number.
  fill(sqe, IORING_OP_EPOLL_CTL, epollFd, fd >>> 0, event, operation, 0);
}

/** Mirrors io_uring_prep_epoll_wait(3). Linux 6.15+. Events are written until the completion. */
export function prepEpollWait(
  sqe: Sqe,
  epollFd: number,
  events: number,
  count: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_EPOLL_WAIT, epollFd, 0, events, count, flags);
}

/**
 * Mirrors io_uring_prep_timeout(3). Linux 5.4+. The timespec is copied.
 * The result is `-ETIME` when it expires, 0 when `count` completions came first (0: no count).
 */
export function prepTimeout(sqe: Sqe, timespec: number, count: number, flags: number): void {
  fill(sqe, IORING_OP_TIMEOUT, -1, count, timespec, 1, flags);
}

/** Mirrors io_uring_prep_timeout_remove(3). Linux 5.5+. No memory. */
export function prepTimeoutRemove(sqe: Sqe, low: number, high: number, flags: number): void {
  fill(sqe, IORING_OP_TIMEOUT_REMOVE, -1, 0, 0, 0, flags);
  setAddressHalves(sqe, low, high);
}

/** Mirrors io_uring_prep_timeout_update(3). Linux 5.11+. The timespec is copied. */
export function prepTimeoutUpdate(
  sqe: Sqe,
  timespec: number,
  low: number,
  high: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_TIMEOUT_REMOVE, -1, timespec, 0, 0, flags | IORING_TIMEOUT_UPDATE);
  setAddressHalves(sqe, low, high);
}

/**
 * Mirrors io_uring_prep_link_timeout(3). Linux 5.5+. The timespec is copied.
 * Goes right behind an entry with `IOSQE_IO_LINK`, which it cancels when it expires.
 */
export function prepLinkTimeout(sqe: Sqe, timespec: number, flags: number): void {
  fill(sqe, IORING_OP_LINK_TIMEOUT, -1, 0, timespec, 1, flags);
}

/**
 * Mirrors io_uring_prep_cancel64(3). Linux 5.5+. No memory.
 * The memory of the canceled operation stays the kernel's until its own last completion.
 */
export function prepCancel(sqe: Sqe, low: number, high: number, flags: number): void {
  fill(sqe, IORING_OP_ASYNC_CANCEL, -1, 0, 0, 0, flags);
  setAddressHalves(sqe, low, high);
}

/** Mirrors io_uring_prep_cancel_fd(3). Linux 5.19+. No memory. */
export function prepCancelFd(sqe: Sqe, fd: number, flags: number): void {
  fill(sqe, IORING_OP_ASYNC_CANCEL, fd, 0, 0, 0, flags | IORING_ASYNC_CANCEL_FD);
}

/**
 * Mirrors io_uring_prep_cancel64(3) with `IORING_ASYNC_CANCEL_ANY`. Linux 5.19+. No memory.
 * With `IORING_ASYNC_CANCEL_ALL` everything, else what is found first.
 */
export function prepCancelAny(sqe: Sqe, flags: number): void {
  fill(sqe, IORING_OP_ASYNC_CANCEL, -1, 0, 0, 0, flags | IORING_ASYNC_CANCEL_ANY);
}

/**
 * Mirrors io_uring_prep_cancel64(3) with `IORING_ASYNC_CANCEL_OP`. Linux 6.6+. No memory.
 * Matches the opcode; `fd` counts only with `IORING_ASYNC_CANCEL_FD`.
 */
export function prepCancelOpcode(sqe: Sqe, opcode: number, fd: number, flags: number): void {
  fill(sqe, IORING_OP_ASYNC_CANCEL, fd, 0, 0, opcode, flags | IORING_ASYNC_CANCEL_OP);
}

/**
 * Mirrors io_uring_prep_msg_ring(3). Linux 5.18+. No memory.
 * The other ring gets a completion with this `user_data` and this result.
 */
export function prepMsgRing(
  sqe: Sqe,
  ringFd: number,
  result: number,
  low: number,
  high: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_MSG_RING, ringFd, 0, 0, result, flags);
  setOffsetHalves(sqe, low, high);
}

/** Mirrors io_uring_prep_msg_ring_cqe_flags(3). Linux 6.3+. No memory. */
export function prepMsgRingCqeFlags(
  sqe: Sqe,
  ringFd: number,
  result: number,
  low: number,
  high: number,
  flags: number,
  cqeFlags: number,
): void {
  fill(sqe, IORING_OP_MSG_RING, ringFd, 0, 0, result, flags | IORING_MSG_RING_FLAGS_PASS);
  setOffsetHalves(sqe, low, high);
  setWord11(sqe, cqeFlags);
}

/**
 * Mirrors io_uring_prep_msg_ring_fd(3). Linux 6.0+. No memory.
 * Copies a registered file into a slot of the other ring's table, or into one that the other ring
 * picks (`IORING_FILE_INDEX_ALLOC`, Linux 6.3+), which its completion then names.
 */
export function prepMsgRingFd(
  sqe: Sqe,
  ringFd: number,
  sourceSlot: number,
  targetSlot: number,
  low: number,
  high: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_MSG_RING, ringFd, 0, IORING_MSG_SEND_FD, 0, flags);
  setOffsetHalves(sqe, low, high);
  setTargetSlot(sqe, targetSlot);
  setThirdAddress(sqe, sourceSlot);
}

/** Mirrors io_uring_prep_msg_ring_fd_alloc(3). Linux 6.3+. No memory. */
export function prepMsgRingFdAlloc(
  sqe: Sqe,
  ringFd: number,
  sourceSlot: number,
  low: number,
  high: number,
  flags: number,
): void {
  prepMsgRingFd(sqe, ringFd, sourceSlot, IORING_FILE_INDEX_ALLOC, low, high, flags);
}

/**
 * Mirrors io_uring_prep_provide_buffers(3). Linux 5.7+; a registered buffer ring is cheaper.
 * Each buffer is the kernel's until a completion names it or it is removed.
 */
export function prepProvideBuffers(
  sqe: Sqe,
  address: number,
  length: number,
  count: number,
  group: number,
  firstId: number,
): void {
  fill(sqe, IORING_OP_PROVIDE_BUFFERS, count, firstId, address, length, 0);
  setSqeBufferGroup(sqe, group);
}

/** Mirrors io_uring_prep_remove_buffers(3). Linux 5.7+. The result is how many were removed. */
export function prepRemoveBuffers(sqe: Sqe, count: number, group: number): void {
  fill(sqe, IORING_OP_REMOVE_BUFFERS, count, 0, 0, 0, 0);
  setSqeBufferGroup(sqe, group);
}

/** Mirrors io_uring_prep_waitid(3). Linux 6.7+. The siginfo is written at the completion. */
export function prepWaitid(
  sqe: Sqe,
  idType: number,
  id: number,
  siginfo: number,
  options: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_WAITID, id, siginfo, 0, idType, flags);
  setWord11(sqe, options);
}

/**
 * Mirrors io_uring_prep_futex_wait(3). Linux 6.7+.
 * The futex must stay mapped until the completion. `value` and `mask` are at most 2^53 - 1.
 */
export function prepFutexWait(
  sqe: Sqe,
  futex: number,
  value: number,
  mask: number,
  futexFlags: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_FUTEX_WAIT, futexFlags, value, futex, 0, flags);
  setThirdAddress(sqe, mask);
}

/** Mirrors io_uring_prep_futex_wake(3). Linux 6.7+. `value` is how many waiters to wake. */
export function prepFutexWake(
  sqe: Sqe,
  futex: number,
  value: number,
  mask: number,
  futexFlags: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_FUTEX_WAKE, futexFlags, value, futex, 0, flags);
  setThirdAddress(sqe, mask);
}

/**
 * Mirrors io_uring_prep_futex_waitv(3). Linux 6.7+.
 * The array is copied; the futexes it names must stay mapped until the completion, whose result is
 * the index of the one that woke.
 */
export function prepFutexWaitv(sqe: Sqe, waiters: number, count: number, flags: number): void {
  fill(sqe, IORING_OP_FUTEX_WAITV, 0, 0, waiters, count, flags);
}
