/**
 * Filling an entry with an operation on an open file: its data, its extent, its caching, splicing.
 *
 * Pure writes into the ring's memory; argument order as in liburing. An offset of -1 means the
 * file's own position. Who may touch which memory until when is said at each function: "copied"
 * means that the kernel has its own copy once the entry is submitted (Linux 5.5+).
 *
 * Hot path: no allocation, no closures, no polymorphism per operation.
 */

import {
  IORING_OP_FADVISE,
  IORING_OP_FALLOCATE,
  IORING_OP_FSYNC,
  IORING_OP_FTRUNCATE,
  IORING_OP_MADVISE,
  IORING_OP_READ,
  IORING_OP_READ_FIXED,
  IORING_OP_READ_MULTISHOT,
  IORING_OP_READV,
  IORING_OP_READV_FIXED,
  IORING_OP_SPLICE,
  IORING_OP_SYNC_FILE_RANGE,
  IORING_OP_TEE,
  IORING_OP_WRITE,
  IORING_OP_WRITE_FIXED,
  IORING_OP_WRITEV,
  IORING_OP_WRITEV_FIXED,
  IOSQE_BUFFER_SELECT,
} from '../constants/io-uring.ts';
import { setSqeBufferIndex, setSqeFlags } from '../layout/sqe.ts';
import type { Sqe } from '../layout/sqe.ts';
import { fill, setWord11 } from './fill.ts';

/**
 * Mirrors io_uring_prep_read(3). Linux 5.6+.
 * The buffer is the kernel's until the completion; its result is the count, 0 at end of file.
 */
export function prepRead(
  sqe: Sqe,
  fd: number,
  address: number,
  length: number,
  offset: number,
): void {
  fill(sqe, IORING_OP_READ, fd, offset, address, length, 0);
}

/**
 * Mirrors io_uring_prep_write(3). Linux 5.6+.
 * The buffer must not change until the completion; its result is the count, which may be short.
 */
export function prepWrite(
  sqe: Sqe,
  fd: number,
  address: number,
  length: number,
  offset: number,
): void {
  fill(sqe, IORING_OP_WRITE, fd, offset, address, length, 0);
}

/**
 * Mirrors io_uring_prep_readv2(3). Linux 5.1+.
 * The iovecs are copied; the buffers they name are the kernel's until the completion.
 */
export function prepReadv(
  sqe: Sqe,
  fd: number,
  iovecAddress: number,
  iovecCount: number,
  offset: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_READV, fd, offset, iovecAddress, iovecCount, flags);
}

/**
 * Mirrors io_uring_prep_writev2(3). Linux 5.1+.
 * The iovecs are copied; the buffers they name must not change until the completion.
 */
export function prepWritev(
  sqe: Sqe,
  fd: number,
  iovecAddress: number,
  iovecCount: number,
  offset: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_WRITEV, fd, offset, iovecAddress, iovecCount, flags);
}

/**
 * Mirrors io_uring_prep_read_fixed(3). Linux 5.1+.
 * `address` lies inside the registered buffer, which the kernel has pinned.
 */
export function prepReadFixed(
  sqe: Sqe,
  fd: number,
  address: number,
  length: number,
  offset: number,
  bufferIndex: number,
): void {
  fill(sqe, IORING_OP_READ_FIXED, fd, offset, address, length, 0);
  setSqeBufferIndex(sqe, bufferIndex);
}

/**
 * Mirrors io_uring_prep_write_fixed(3). Linux 5.1+.
 * `address` lies inside the registered buffer, whose bytes must not change until the completion.
 */
export function prepWriteFixed(
  sqe: Sqe,
  fd: number,
  address: number,
  length: number,
  offset: number,
  bufferIndex: number,
): void {
  fill(sqe, IORING_OP_WRITE_FIXED, fd, offset, address, length, 0);
  setSqeBufferIndex(sqe, bufferIndex);
}

/**
 * Mirrors io_uring_prep_readv_fixed(3). Linux 6.15+.
 * The iovecs are copied and name pieces of one registered buffer.
 */
export function prepReadvFixed(
  sqe: Sqe,
  fd: number,
  iovecAddress: number,
  iovecCount: number,
  offset: number,
  flags: number,
  bufferIndex: number,
): void {
  fill(sqe, IORING_OP_READV_FIXED, fd, offset, iovecAddress, iovecCount, flags);
  setSqeBufferIndex(sqe, bufferIndex);
}

/**
 * Mirrors io_uring_prep_writev_fixed(3). Linux 6.15+.
 * The iovecs are copied and name pieces of one registered buffer.
 */
export function prepWritevFixed(
  sqe: Sqe,
  fd: number,
  iovecAddress: number,
  iovecCount: number,
  offset: number,
  flags: number,
  bufferIndex: number,
): void {
  fill(sqe, IORING_OP_WRITEV_FIXED, fd, offset, iovecAddress, iovecCount, flags);
  setSqeBufferIndex(sqe, bufferIndex);
}

/**
 * Mirrors io_uring_prep_read_multishot(3). Linux 6.7+.
 * For pipes, terminals and other files that can be polled. Each completion names a provided buffer
 * that is the caller's until it is provided again.
 */
export function prepReadMultishot(
  sqe: Sqe,
  fd: number,
  length: number,
  offset: number,
  bufferGroup: number,
): void {
  fill(sqe, IORING_OP_READ_MULTISHOT, fd, offset, 0, length, 0);
  setSqeBufferIndex(sqe, bufferGroup);
  setSqeFlags(sqe, IOSQE_BUFFER_SELECT);
}

/**
 * Mirrors io_uring_prep_fsync(3). Linux 5.1+. No memory.
 * Not ordered behind a write that was submitted before, unless linked to it.
 */
export function prepFsync(sqe: Sqe, fd: number, flags: number): void {
  fill(sqe, IORING_OP_FSYNC, fd, 0, 0, 0, flags);
}

/** Mirrors io_uring_prep_sync_file_range(3). Linux 5.2+. No memory. A length of 0: to the end. */
export function prepSyncFileRange(
  sqe: Sqe,
  fd: number,
  length: number,
  offset: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_SYNC_FILE_RANGE, fd, offset, 0, length, flags);
}

/** Mirrors io_uring_prep_fallocate(3). Linux 5.6+. No memory. */
export function prepFallocate(
  sqe: Sqe,
  fd: number,
  mode: number,
  offset: number,
  length: number,
): void {
  fill(sqe, IORING_OP_FALLOCATE, fd, offset, length, mode, 0);
}

/** Mirrors io_uring_prep_ftruncate(3). Linux 6.9+. No memory. */
export function prepFtruncate(sqe: Sqe, fd: number, length: number): void {
  fill(sqe, IORING_OP_FTRUNCATE, fd, length, 0, 0, 0);
}

/**
 * Mirrors io_uring_prep_fadvise(3). Linux 5.6+. No memory. A length of 0: to the end.
 * The length has 32 bits, which every kernel understands.
 */
export function prepFadvise(
  sqe: Sqe,
  fd: number,
  offset: number,
  length: number,
  advice: number,
): void {
  fill(sqe, IORING_OP_FADVISE, fd, offset, 0, length, advice);
}

/** Mirrors io_uring_prep_fadvise64(3). Linux 6.11+; older kernels see a length of 0. No memory. */
export function prepFadvise64(
  sqe: Sqe,
  fd: number,
  offset: number,
  length: number,
  advice: number,
): void {
  fill(sqe, IORING_OP_FADVISE, fd, offset, length, 0, advice);
}

/**
 * Mirrors io_uring_prep_madvise(3). Linux 5.6+.
 * The range must stay mapped until the completion. The length has 32 bits.
 */
export function prepMadvise(sqe: Sqe, address: number, length: number, advice: number): void {
  fill(sqe, IORING_OP_MADVISE, -1, 0, address, length, advice);
}

/**
 * Mirrors io_uring_prep_madvise64(3). Linux 6.11+; older kernels see a length of 0.
 * The range must stay mapped until the completion.
 */
export function prepMadvise64(sqe: Sqe, address: number, length: number, advice: number): void {
  fill(sqe, IORING_OP_MADVISE, -1, length, address, 0, advice);
}

/**
 * Mirrors io_uring_prep_splice(3). Linux 5.7+. No memory.
 * One end is a pipe, and the offset of a pipe is -1. With `SPLICE_F_FD_IN_FIXED` the source is a
 * slot of the registered file table.
 */
export function prepSplice(
  sqe: Sqe,
  sourceFd: number,
  sourceOffset: number,
  targetFd: number,
  targetOffset: number,
  length: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_SPLICE, targetFd, targetOffset, sourceOffset, length, flags);
  setWord11(sqe, sourceFd);
}

/** Mirrors io_uring_prep_tee(3). Linux 5.8+. No memory. Both ends are pipes. */
export function prepTee(
  sqe: Sqe,
  sourceFd: number,
  targetFd: number,
  length: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_TEE, targetFd, 0, 0, length, flags);
  setWord11(sqe, sourceFd);
}
