/**
 * Filling an entry with a send or a receive.
 *
 * Pure writes into the ring's memory; argument order as in liburing. `flags` are `MSG_*`. To
 * receive into a provided buffer, pass 0 for address and length, then set
 * `IOSQE_BUFFER_SELECT` and the buffer group on the entry.
 *
 * Hot path: no allocation, no closures, no polymorphism per operation.
 */

import {
  IORING_OP_RECV,
  IORING_OP_RECVMSG,
  IORING_OP_SEND,
  IORING_OP_SEND_ZC,
  IORING_OP_SENDMSG,
  IORING_OP_SENDMSG_ZC,
  IORING_RECV_MULTISHOT,
  IORING_RECVSEND_BUNDLE,
  IORING_RECVSEND_FIXED_BUF,
} from '../constants/io-uring.ts';
import { setSqeBufferIndex, setSqeIoprio } from '../layout/sqe.ts';
import type { Sqe } from '../layout/sqe.ts';
import { fill, setWord11 } from './fill.ts';

/**
 * Mirrors io_uring_prep_send(3). Linux 5.6+.
 * The buffer must not change until the completion. With `MSG_WAITALL` a short send is retried by
 * the kernel.
 */
export function prepSend(
  sqe: Sqe,
  fd: number,
  address: number,
  length: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_SEND, fd, 0, address, length, flags);
}

/**
 * Mirrors io_uring_prep_send_bundle(3). Linux 6.10+.
 * Sends provided buffers in their order, all in one; they are the kernel's until the completion.
 * `IOSQE_BUFFER_SELECT` and the group are the caller's to set. A length of 0: as much as there is.
 */
export function prepSendBundle(sqe: Sqe, fd: number, length: number, flags: number): void {
  fill(sqe, IORING_OP_SEND, fd, 0, 0, length, flags);
  setSqeIoprio(sqe, IORING_RECVSEND_BUNDLE);
}

/**
 * Mirrors io_uring_prep_sendto(3). Linux 6.1+.
 * The destination is copied; the buffer must not change until the completion.
 */
export function prepSendto(
  sqe: Sqe,
  fd: number,
  address: number,
  length: number,
  flags: number,
  sockaddr: number,
  size: number,
): void {
  fill(sqe, IORING_OP_SEND, fd, sockaddr, address, length, flags);
  setWord11(sqe, size & 0xffff);
}

/**
 * Mirrors io_uring_prep_send_zc(3). Linux 6.0+.
 * The first completion says how much was sent. If it has `IORING_CQE_F_MORE`, a second one with
 * `IORING_CQE_F_NOTIF` follows, and the buffer must not change until then.
 */
export function prepSendZc(
  sqe: Sqe,
  fd: number,
  address: number,
  length: number,
  flags: number,
  zcFlags: number,
): void {
  fill(sqe, IORING_OP_SEND_ZC, fd, 0, address, length, flags);
  setSqeIoprio(sqe, zcFlags);
}

/**
 * Mirrors io_uring_prep_send_zc_fixed(3). Linux 6.0+.
 * As `prepSendZc`, from a registered buffer.
 */
export function prepSendZcFixed(
  sqe: Sqe,
  fd: number,
  address: number,
  length: number,
  flags: number,
  zcFlags: number,
  bufferIndex: number,
): void {
  fill(sqe, IORING_OP_SEND_ZC, fd, 0, address, length, flags);
  setSqeIoprio(sqe, zcFlags | IORING_RECVSEND_FIXED_BUF);
  setSqeBufferIndex(sqe, bufferIndex);
}

/**
 * Mirrors io_uring_prep_sendmsg(3). Linux 5.3+.
 * The header, the name and the iovecs are copied; control data and the buffers must not change
 * until the completion.
 */
export function prepSendmsg(sqe: Sqe, fd: number, message: number, flags: number): void {
  fill(sqe, IORING_OP_SENDMSG, fd, 0, message, 1, flags);
}

/**
 * Mirrors io_uring_prep_sendmsg_zc(3). Linux 6.1+.
 * Copied and kept as in `prepSendmsg`, but kept until the completion with `IORING_CQE_F_NOTIF`.
 */
export function prepSendmsgZc(sqe: Sqe, fd: number, message: number, flags: number): void {
  fill(sqe, IORING_OP_SENDMSG_ZC, fd, 0, message, 1, flags);
}

/**
 * Mirrors io_uring_prep_sendmsg_zc_fixed(3). Linux 6.15+.
 * As `prepSendmsgZc`; the iovecs name pieces of one registered buffer.
 */
export function prepSendmsgZcFixed(
  sqe: Sqe,
  fd: number,
  message: number,
  flags: number,
  bufferIndex: number,
): void {
  fill(sqe, IORING_OP_SENDMSG_ZC, fd, 0, message, 1, flags);
  setSqeIoprio(sqe, IORING_RECVSEND_FIXED_BUF);
  setSqeBufferIndex(sqe, bufferIndex);
}

/**
 * Mirrors io_uring_prep_recv(3). Linux 5.6+.
 * The buffer is the kernel's until the completion, whose result is 0 at the end of the stream.
 */
export function prepRecv(
  sqe: Sqe,
  fd: number,
  address: number,
  length: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_RECV, fd, 0, address, length, flags);
}

/**
 * Mirrors io_uring_prep_recv_multishot(3). Linux 6.0+.
 * Each completion names a provided buffer, which is the caller's until it is provided again. The
 * operation ends with the first completion that lacks `IORING_CQE_F_MORE`. No `MSG_WAITALL`.
 */
export function prepRecvMultishot(
  sqe: Sqe,
  fd: number,
  address: number,
  length: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_RECV, fd, 0, address, length, flags);
  setSqeIoprio(sqe, IORING_RECV_MULTISHOT);
}

/**
 * Mirrors io_uring_prep_recvmsg(3). Linux 5.3+.
 * The iovecs are copied; the header, which the kernel writes to, the name, the control data and
 * the buffers are the kernel's until the completion.
 */
export function prepRecvmsg(sqe: Sqe, fd: number, message: number, flags: number): void {
  fill(sqe, IORING_OP_RECVMSG, fd, 0, message, 1, flags);
}

/**
 * Mirrors io_uring_prep_recvmsg_multishot(3). Linux 6.0+.
 * The header is copied, and only its two sizes count. What comes goes into provided buffers, each
 * beginning with an `io_uring_recvmsg_out`.
 */
export function prepRecvmsgMultishot(sqe: Sqe, fd: number, message: number, flags: number): void {
  fill(sqe, IORING_OP_RECVMSG, fd, 0, message, 1, flags);
  setSqeIoprio(sqe, IORING_RECV_MULTISHOT);
}
