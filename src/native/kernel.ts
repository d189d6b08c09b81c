/**
 * The `Kernel` interface: the few calls that the runtime makes, and their Linux implementation.
 *
 * It is the seam for tests: `test/support/sim-kernel.ts` writes the same bytes into ordinary
 * memory, with a clock that a test moves. Results are values or `-errno`; nothing throws.
 */

import { performance } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import type { Libc } from './libc.ts';
import { loadLibc } from './libc.ts';
import type { HostLoop } from './loop.ts';
import { hostLoop } from './loop.ts';
import type { Memory, SharedMemory } from './memory.ts';
import { allocateMemory, allocateShared, attachMemory, mapPrivate, mapRing } from './memory.ts';
import * as syscalls from './syscalls.ts';

/** What the runtime asks of a kernel. Addresses and sizes are numbers, results `-errno` or more. */
export interface Kernel {
  ioUringSetup(entries: number, params: number): number;
  ioUringEnter(
    fd: number,
    toSubmit: number,
    minComplete: number,
    flags: number,
    argument: number,
    argumentSize: number,
  ): number;
  ioUringRegister(fd: number, opcode: number, argument: number, count: number): number;
  /** Maps a ring's own memory. */
  mapRing(fd: number, offset: number, size: number): Memory | number;
  /** Maps zeroed memory that outlives V8's heap. */
  allocate(size: number): Memory | number;
  /** Maps zeroed memory that nothing unmaps when a worker is terminated; see pinned-memory. */
  allocateMapping(size: number): Memory | number;
  /** Another `ArrayBuffer` over mapped memory; nothing that is mapped knows of it. */
  view(address: number, size: number): ArrayBuffer;
  /** Maps zeroed memory for several threads: each attaches it by its id. */
  allocateShared(size: number): SharedMemory | number;
  /** Attaches what another thread allocated. */
  attachShared(id: number, size: number): Memory | number;
  /** Where the bytes of an `ArrayBuffer` are, or those of a view of one. */
  addressOf(memory: ArrayBuffer | ArrayBufferView): number;
  /** `malloc(3)` of a block that is not touched, and `free(3)`: glibc learns from large ones. */
  mallocAndFree(size: number): void;
  close(fd: number): number;
  /** Another descriptor for the same open file, closed by `exec`. Mirrors F_DUPFD_CLOEXEC. */
  duplicate(fd: number): number;
  /** Has a descriptor closed when a worker ends without running JavaScript; undone by `close`. */
  closeOnExit(fd: number): void;
  /** Undoes `closeOnExit` for a descriptor that was closed otherwise. */
  forgetOnExit(fd: number): void;
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: number, size: number): number;
  listen(fd: number, backlog: number): number;
  getsockname(fd: number, address: number, size: number): number;
  getpeername(fd: number, address: number, size: number): number;
  shutdown(fd: number, how: number): number;
  setsockopt(fd: number, level: number, option: number, value: number, size: number): number;
  getsockopt(fd: number, level: number, option: number, value: number, size: number): number;
  /** `pipe2(2)`: `fds` is the address of two `int`s. */
  pipe(fds: number, flags: number): number;
  /** `fcntl(2)` with an argument that is a number. */
  fcntl(fd: number, command: number, argument: number): number;
  /** `unlink(2)`: the address of a path that ends in a NUL. */
  unlink(path: number): number;
  /** `lseek(2)`. */
  lseek(fd: number, offset: number, whence: number): number;
  /** `madvise(2)` on whole pages. */
  madvise(address: number, size: number, advice: number): number;
  /** `getrusage(2)`: `usage` is the address of 144 bytes. */
  getrusage(who: number, usage: number): number;
  /** Milliseconds, fractional, of a clock that never goes back. */
  nowMs(): number;
}

/** A kernel and the loop of the thread that it is used from. */
export interface Host {
  readonly kernel: Kernel;
  readonly loop: HostLoop;
}

/** Returns the Linux kernel and this thread's loop, or the reason why they are out of reach. */
export function linuxHost(): Host | string {
  const libc = loadLibc();
  if (typeof libc === 'string') return libc;
  const loop = hostLoop();
  if (typeof loop === 'string') return loop;
  return { kernel: linuxKernel(libc), loop };
}

function linuxKernel(libc: Libc): Kernel {
  const closeHook = libc.symbol('close');
  const hooked = new Set<number>();
  const forgetOnExit = (fd: number): void => {
    if (hooked.delete(fd)) libc.removeCleanupHook(closeHook, fd);
  };
  return {
    ioUringSetup: (entries, params) => syscalls.ioUringSetup(libc, entries, params),
    ioUringEnter: (fd, toSubmit, minComplete, flags, argument, argumentSize) =>
      syscalls.ioUringEnter(libc, fd, toSubmit, minComplete, flags, argument, argumentSize),
    ioUringRegister: (fd, opcode, argument, count) =>
      syscalls.ioUringRegister(libc, fd, opcode, argument, count),
    mapRing: (fd, offset, size) => mapRing(libc, fd, offset, size),
    allocate: (size) => allocateMemory(libc, size),
    allocateMapping: (size) => mapPrivate(libc, size),
    view: (address, size) => libc.view(address, size),
    allocateShared: (size) => allocateShared(libc, size),
    attachShared: (id, size) => attachMemory(libc, id, size),
    addressOf: (memory) => libc.addressOf(memory),
    mallocAndFree(size) {
      libc.free(libc.malloc(size));
    },
    close(fd) {
      forgetOnExit(fd);
      return syscalls.close(libc, fd);
    },
    duplicate: (fd) => syscalls.duplicate(libc, fd),
    closeOnExit(fd) {
      // The main thread ends with its process, which closes everything.
      if (isMainThread || hooked.has(fd)) return;
      hooked.add(fd);
      libc.addCleanupHook(closeHook, fd);
    },
    forgetOnExit,
    socket: (family, type, protocol) => syscalls.socket(libc, family, type, protocol),
    bind: (fd, address, size) => syscalls.bind(libc, fd, address, size),
    listen: (fd, backlog) => syscalls.listen(libc, fd, backlog),
    getsockname: (fd, address, size) => syscalls.getsockname(libc, fd, address, size),
    getpeername: (fd, address, size) => syscalls.getpeername(libc, fd, address, size),
    shutdown: (fd, how) => syscalls.shutdown(libc, fd, how),
    setsockopt: (fd, level, option, value, size) =>
      syscalls.setsockopt(libc, fd, level, option, value, size),
    getsockopt: (fd, level, option, value, size) =>
      syscalls.getsockopt(libc, fd, level, option, value, size),
    pipe: (fds, flags) => syscalls.pipe(libc, fds, flags),
    fcntl: (fd, command, argument) => syscalls.fcntl(libc, fd, command, argument),
    unlink: (path) => syscalls.unlink(libc, path),
    lseek: (fd, offset, whence) => syscalls.lseek(libc, fd, offset, whence),
    madvise: (address, size, advice) => syscalls.madvise(libc, address, size, advice),
    getrusage: (who, usage) => syscalls.getrusage(libc, who, usage),
    nowMs: () => performance.now(),
  };
}
