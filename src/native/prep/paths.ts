/**
 * Filling an entry with an operation on a path: open, stat, rename, link, extended attributes.
 *
 * Pure writes into the ring's memory; argument order as in liburing. Paths are addresses of
 * NUL-terminated bytes, and the kernel has its own copy of them once the entry is submitted. What
 * it writes to must stay until the completion. The opcodes that change a directory are always run
 * by kernel workers.
 *
 * Hot path: no allocation, no closures, no polymorphism per operation.
 */

import {
  IORING_OP_FGETXATTR,
  IORING_OP_FSETXATTR,
  IORING_OP_GETXATTR,
  IORING_OP_LINKAT,
  IORING_OP_MKDIRAT,
  IORING_OP_OPENAT,
  IORING_OP_OPENAT2,
  IORING_OP_RENAMEAT,
  IORING_OP_SETXATTR,
  IORING_OP_STATX,
  IORING_OP_SYMLINKAT,
  IORING_OP_UNLINKAT,
} from '../constants/io-uring.ts';
import { OPEN_HOW_SIZE } from '../layout/open-how.ts';
import type { Sqe } from '../layout/sqe.ts';
import { fill, setTargetSlot, setThirdAddress } from './fill.ts';

/**
 * Mirrors io_uring_prep_openat(3). Linux 5.6+.
 * The path is copied. The completion's result is a descriptor that the caller must close.
 */
export function prepOpenat(
  sqe: Sqe,
  directoryFd: number,
  path: number,
  flags: number,
  mode: number,
): void {
  fill(sqe, IORING_OP_OPENAT, directoryFd, 0, path, mode, flags);
}

/**
 * Mirrors io_uring_prep_openat_direct(3). Linux 5.15+; `IORING_FILE_INDEX_ALLOC` 5.19+.
 * The path is copied. The file lands in a slot of the registered table; no `O_CLOEXEC`.
 */
export function prepOpenatDirect(
  sqe: Sqe,
  directoryFd: number,
  path: number,
  flags: number,
  mode: number,
  slot: number,
): void {
  fill(sqe, IORING_OP_OPENAT, directoryFd, 0, path, mode, flags);
  setTargetSlot(sqe, slot);
}

/** Mirrors io_uring_prep_openat2(3). Linux 5.6+. The path and the `open_how` are copied. */
export function prepOpenat2(sqe: Sqe, directoryFd: number, path: number, how: number): void {
  fill(sqe, IORING_OP_OPENAT2, directoryFd, how, path, OPEN_HOW_SIZE, 0);
}

/**
 * Mirrors io_uring_prep_openat2_direct(3). Linux 5.15+; `IORING_FILE_INDEX_ALLOC` 5.19+.
 * The path and the `open_how` are copied. The file lands in a slot of the registered table.
 */
export function prepOpenat2Direct(
  sqe: Sqe,
  directoryFd: number,
  path: number,
  how: number,
  slot: number,
): void {
  fill(sqe, IORING_OP_OPENAT2, directoryFd, how, path, OPEN_HOW_SIZE, 0);
  setTargetSlot(sqe, slot);
}

/**
 * Mirrors io_uring_prep_statx(3). Linux 5.6+.
 * The path is copied; the result is the kernel's until the completion.
 */
export function prepStatx(
  sqe: Sqe,
  directoryFd: number,
  path: number,
  flags: number,
  mask: number,
  result: number,
): void {
  fill(sqe, IORING_OP_STATX, directoryFd, result, path, mask, flags);
}

/** Mirrors io_uring_prep_unlinkat(3). Linux 5.11+. The path is copied. */
export function prepUnlinkat(sqe: Sqe, directoryFd: number, path: number, flags: number): void {
  fill(sqe, IORING_OP_UNLINKAT, directoryFd, 0, path, 0, flags);
}

/** Mirrors io_uring_prep_renameat(3). Linux 5.11+. Both paths are copied. */
export function prepRenameat(
  sqe: Sqe,
  oldDirectoryFd: number,
  oldPath: number,
  newDirectoryFd: number,
  newPath: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_RENAMEAT, oldDirectoryFd, newPath, oldPath, newDirectoryFd, flags);
}

/** Mirrors io_uring_prep_mkdirat(3). Linux 5.15+. The path is copied. */
export function prepMkdirat(sqe: Sqe, directoryFd: number, path: number, mode: number): void {
  fill(sqe, IORING_OP_MKDIRAT, directoryFd, 0, path, mode, 0);
}

/** Mirrors io_uring_prep_symlinkat(3). Linux 5.15+. The target and the path are copied. */
export function prepSymlinkat(sqe: Sqe, target: number, directoryFd: number, path: number): void {
  fill(sqe, IORING_OP_SYMLINKAT, directoryFd, path, target, 0, 0);
}

/** Mirrors io_uring_prep_linkat(3). Linux 5.15+. Both paths are copied. */
export function prepLinkat(
  sqe: Sqe,
  oldDirectoryFd: number,
  oldPath: number,
  newDirectoryFd: number,
  newPath: number,
  flags: number,
): void {
  fill(sqe, IORING_OP_LINKAT, oldDirectoryFd, newPath, oldPath, newDirectoryFd, flags);
}

/**
 * Mirrors io_uring_prep_getxattr(3). Linux 5.19+.
 * The name and the path are copied; the value is the kernel's until the completion.
 */
export function prepGetxattr(
  sqe: Sqe,
  name: number,
  value: number,
  path: number,
  length: number,
): void {
  fill(sqe, IORING_OP_GETXATTR, 0, value, name, length, 0);
  setThirdAddress(sqe, path);
}

/** Mirrors io_uring_prep_setxattr(3). Linux 5.19+. The name, value and path are copied. */
export function prepSetxattr(
  sqe: Sqe,
  name: number,
  value: number,
  path: number,
  flags: number,
  length: number,
): void {
  fill(sqe, IORING_OP_SETXATTR, 0, value, name, length, flags);
  setThirdAddress(sqe, path);
}

/**
 * Mirrors io_uring_prep_fgetxattr(3). Linux 5.19+.
 * The name is copied; the value is the kernel's until the completion.
 */
export function prepFgetxattr(
  sqe: Sqe,
  fd: number,
  name: number,
  value: number,
  length: number,
): void {
  fill(sqe, IORING_OP_FGETXATTR, fd, value, name, length, 0);
}

/** Mirrors io_uring_prep_fsetxattr(3). Linux 5.19+. The name and value are copied. */
export function prepFsetxattr(
  sqe: Sqe,
  fd: number,
  name: number,
  value: number,
  flags: number,
  length: number,
): void {
  fill(sqe, IORING_OP_FSETXATTR, fd, value, name, length, flags);
}
