/**
 * Filling an entry with an operation on descriptors themselves: closing, pipes, the registered
 * file table, and making an ordinary descriptor of a registered file.
 *
 * Pure writes into the ring's memory; argument order as in liburing. A "slot" is an index of the
 * registered file table, as the kernel counts them from 0.
 *
 * Hot path: no allocation, no closures, no polymorphism per operation.
 */

import {
  IORING_OP_CLOSE,
  IORING_OP_FILES_UPDATE,
  IORING_OP_FIXED_FD_INSTALL,
  IORING_OP_PIPE,
  IOSQE_FIXED_FILE,
} from '../constants/io-uring.ts';
import { setSqeFlags } from '../layout/sqe.ts';
import type { Sqe } from '../layout/sqe.ts';
import { fill, setTargetSlot } from './fill.ts';

/**
 * Mirrors io_uring_prep_close(3). Linux 5.6+. No memory.
 * Operations that use the descriptor must have completed: the number may belong to another file
 * before they do.
 */
export function prepClose(sqe: Sqe, fd: number): void {
  fill(sqe, IORING_OP_CLOSE, fd, 0, 0, 0, 0);
}

/** Mirrors io_uring_prep_close_direct(3). Linux 5.15+. No memory. */
export function prepCloseDirect(sqe: Sqe, slot: number): void {
  fill(sqe, IORING_OP_CLOSE, 0, 0, 0, 0, 0);
  setTargetSlot(sqe, slot);
}

/**
 * Mirrors io_uring_prep_files_update(3). Linux 5.6+.
 * The array of descriptors must stay until the completion. With `IORING_FILE_INDEX_ALLOC` as the
 * offset the kernel picks the slots and writes them into the array (Linux 6.0+).
 */
export function prepFilesUpdate(sqe: Sqe, fds: number, count: number, offset: number): void {
  // liburing's parameter is an int that it widens: the marker reaches the kernel as -1.
  fill(sqe, IORING_OP_FILES_UPDATE, -1, offset | 0, fds, count, 0);
}

/**
 * Mirrors io_uring_prep_fixed_fd_install(3). Linux 6.8+. No memory.
 * The completion's result is an ordinary descriptor for the same file, to be closed on its own.
 */
export function prepFixedFdInstall(sqe: Sqe, slot: number, flags: number): void {
  fill(sqe, IORING_OP_FIXED_FD_INSTALL, slot, 0, 0, 0, flags);
  setSqeFlags(sqe, IOSQE_FIXED_FILE);
}

/**
 * Mirrors io_uring_prep_pipe(3). Linux 6.16+.
 * The two descriptors are written at the completion; the array must stay until then.
 */
export function prepPipe(sqe: Sqe, fds: number, flags: number): void {
  fill(sqe, IORING_OP_PIPE, 0, 0, fds, 0, flags);
}

/**
 * Mirrors io_uring_prep_pipe_direct(3). Linux 6.16+.
 * The two slots, neighbors unless the kernel picks them, are written at the completion.
 */
export function prepPipeDirect(sqe: Sqe, fds: number, flags: number, slot: number): void {
  fill(sqe, IORING_OP_PIPE, 0, 0, fds, 0, flags);
  setTargetSlot(sqe, slot);
}
