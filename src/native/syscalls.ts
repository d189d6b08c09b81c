/**
 * The system calls that have no place in the ring, or set the ring up: each returns its result or
 * `-errno`, and nothing throws. Only what cannot block is called from here.
 */

import type { Libc } from './libc.ts';

/** From `<linux/fcntl.h>`. */
const F_DUPFD_CLOEXEC = 1030;

const SYS_IO_URING_SETUP = 425;
const SYS_IO_URING_ENTER = 426;
const SYS_IO_URING_REGISTER = 427;

/** Turns the C convention of -1 and `errno` into `-errno`. */
function result(libc: Libc, value: number): number {
  return value === -1 ? -libc.errno() : value;
}

/** `io_uring_setup(2)`. Linux 5.1+. */
export function ioUringSetup(libc: Libc, entries: number, params: number): number {
  return result(libc, libc.syscall(SYS_IO_URING_SETUP, entries, params, 0, 0, 0, 0));
}

/**
 * `io_uring_enter(2)`. Linux 5.1+.
 * Hot path: no allocation, no closures, no polymorphism.
 */
export function ioUringEnter(
  libc: Libc,
  fd: number,
  toSubmit: number,
  minComplete: number,
  flags: number,
  argument: number,
  argumentSize: number,
): number {
  const value = libc.enter(
    SYS_IO_URING_ENTER,
    fd,
    toSubmit,
    minComplete,
    flags,
    argument,
    argumentSize,
  );
  return value === -1 ? -libc.errno() : value;
}

/** `io_uring_register(2)`. Linux 5.1+. */
export function ioUringRegister(
  libc: Libc,
  fd: number,
  opcode: number,
  argument: number,
  count: number,
): number {
  return result(libc, libc.syscall(SYS_IO_URING_REGISTER, fd, opcode, argument, count, 0, 0));
}

/** `close(2)`. */
export function close(libc: Libc, fd: number): number {
  return result(libc, libc.close(fd));
}

/** `fcntl(2)` with `F_DUPFD_CLOEXEC`. */
export function duplicate(libc: Libc, fd: number): number {
  return result(libc, libc.fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

/** `socket(2)`. */
export function socket(libc: Libc, family: number, type: number, protocol: number): number {
  return result(libc, libc.socket(family, type, protocol));
}

/** `bind(2)`. */
export function bind(libc: Libc, fd: number, address: number, size: number): number {
  return result(libc, libc.bind(fd, address, size));
}

/** `listen(2)`. */
export function listen(libc: Libc, fd: number, backlog: number): number {
  return result(libc, libc.listen(fd, backlog));
}

/** `getsockname(2)`; `size` is the address of a `socklen_t`. */
export function getsockname(libc: Libc, fd: number, address: number, size: number): number {
  return result(libc, libc.getsockname(fd, address, size));
}

/** `getpeername(2)`; `size` is the address of a `socklen_t`. */
export function getpeername(libc: Libc, fd: number, address: number, size: number): number {
  return result(libc, libc.getpeername(fd, address, size));
}

/** `shutdown(2)`. */
export function shutdown(libc: Libc, fd: number, how: number): number {
  return result(libc, libc.shutdown(fd, how));
}

/** `setsockopt(2)`. */
export function setsockopt(
  libc: Libc,
  fd: number,
  level: number,
  option: number,
  value: number,
  size: number,
): number {
  return result(libc, libc.setsockopt(fd, level, option, value, size));
}

/** `getsockopt(2)`; `size` is the address of a `socklen_t`. */
export function getsockopt(
  libc: Libc,
  fd: number,
  level: number,
  option: number,
  value: number,
  size: number,
): number {
  return result(libc, libc.getsockopt(fd, level, option, value, size));
}

/** `getrusage(2)`; `usage` is the address of a `struct rusage`. */
export function getrusage(libc: Libc, who: number, usage: number): number {
  return result(libc, libc.getrusage(who, usage));
}

/** `pipe2(2)`; `fds` is the address of two `int`s. */
export function pipe(libc: Libc, fds: number, flags: number): number {
  return result(libc, libc.pipe2(fds, flags));
}

/** `fcntl(2)` with an argument that is a number. */
export function fcntl(libc: Libc, fd: number, command: number, argument: number): number {
  return result(libc, libc.fcntl(fd, command, argument));
}

/** `madvise(2)` on whole pages. */
export function madvise(libc: Libc, address: number, size: number, advice: number): number {
  return result(libc, libc.madvise(address, size, advice));
}

/** `lseek(2)`. */
export function lseek(libc: Libc, fd: number, offset: number, whence: number): number {
  return result(libc, libc.lseek(fd, offset, whence));
}

/** `unlink(2)`; `path` is the address of one that ends in a NUL. */
export function unlink(libc: Libc, path: number): number {
  return result(libc, libc.unlink(path));
}
