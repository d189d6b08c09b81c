/**
 * System calls as functions: results or `-errno`, arguments in their places.
 */

import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as sockets from '../../src/native/constants/sockets.ts';
import { EBADF, EFAULT, EINVAL, ENOTSOCK } from '../../src/native/errno.ts';
import { loadLibc } from '../../src/native/libc.ts';
import type { Libc } from '../../src/native/libc.ts';
import { allocateMemory } from '../../src/native/memory.ts';
import * as syscalls from '../../src/native/syscalls.ts';

const NO_DESCRIPTOR = 1_000_000;

function load(): Libc {
  const libc = loadLibc();
  if (typeof libc === 'string') throw new Error(libc);
  return libc;
}

function withMemory(use: (address: number, words: Int32Array) => void): void {
  const memory = allocateMemory(load(), 4096);
  if (typeof memory === 'number') throw new Error(`mmap failed with ${memory}`);
  try {
    use(memory.address, new Int32Array(memory.buffer));
  } finally {
    memory.free();
  }
}

describe('system calls that fail', () => {
  it.each([
    ['close', (libc: Libc) => syscalls.close(libc, NO_DESCRIPTOR), EBADF],
    ['bind', (libc: Libc) => syscalls.bind(libc, NO_DESCRIPTOR, 0, 0), EBADF],
    ['listen', (libc: Libc) => syscalls.listen(libc, NO_DESCRIPTOR, 0), EBADF],
    ['getsockname', (libc: Libc) => syscalls.getsockname(libc, NO_DESCRIPTOR, 0, 0), EBADF],
    ['getpeername', (libc: Libc) => syscalls.getpeername(libc, NO_DESCRIPTOR, 0, 0), EBADF],
    ['setsockopt', (libc: Libc) => syscalls.setsockopt(libc, NO_DESCRIPTOR, 1, 1, 0, 4), EBADF],
    ['pipe2', (libc: Libc) => syscalls.pipe(libc, 0, 0), EFAULT],
    ['fcntl', (libc: Libc) => syscalls.fcntl(libc, NO_DESCRIPTOR, 3, 0), EBADF],
    ['unlink', (libc: Libc) => syscalls.unlink(libc, 0), EFAULT],
    ['getrusage', (libc: Libc) => syscalls.getrusage(libc, 99, 0), EINVAL],
    ['getsockopt', (libc: Libc) => syscalls.getsockopt(libc, NO_DESCRIPTOR, 1, 1, 0, 0), EBADF],
    ['socket', (libc: Libc) => syscalls.socket(libc, sockets.AF_INET, 99, 0), EINVAL],
    ['io_uring_setup', (libc: Libc) => syscalls.ioUringSetup(libc, 1, 0), EFAULT],
    [
      'io_uring_enter',
      (libc: Libc) => syscalls.ioUringEnter(libc, NO_DESCRIPTOR, 0, 0, 0, 0, 0),
      EBADF,
    ],
    [
      'io_uring_register',
      (libc: Libc) => syscalls.ioUringRegister(libc, NO_DESCRIPTOR, 0, 0, 0),
      EBADF,
    ],
  ])('%s gives -errno', (_name, call, errno) => {
    expect(call(load())).toBe(-errno);
  });
});

describe('system calls that work', () => {
  it('sockets have options that can be read back', () => {
    const libc = load();
    const type = sockets.SOCK_STREAM | sockets.SOCK_CLOEXEC;
    const fd = syscalls.socket(libc, sockets.AF_INET6, type, sockets.IPPROTO_TCP);
    expect(fd).toBeGreaterThan(2);
    withMemory((address, words) => {
      words[0] = 1;
      const { SOL_SOCKET, SO_REUSEADDR } = sockets;
      expect(syscalls.setsockopt(libc, fd, SOL_SOCKET, SO_REUSEADDR, address, 4)).toBe(0);
      words.set([0, 4]);
      expect(syscalls.getsockopt(libc, fd, SOL_SOCKET, SO_REUSEADDR, address, address + 4)).toBe(0);
      expect([words[0], words[1]]).toEqual([1, 4]);
      words[32] = 128;
      expect(syscalls.getsockname(libc, fd, address, address + 128)).toBe(0);
      expect([(words[0] ?? 0) & 0xffff, words[32]]).toEqual([sockets.AF_INET6, 28]);
    });
    expect(syscalls.listen(libc, fd, 1)).toBe(0);
    expect(syscalls.close(libc, fd)).toBe(0);
  });

  it('what is no socket is ENOTSOCK', () => {
    const fd = openSync('/dev/null', 'r');
    expect(syscalls.listen(load(), fd, 1)).toBe(-ENOTSOCK);
    closeSync(fd);
  });

  it('io_uring_setup refuses what it does not know, in the place where it is told', () => {
    withMemory((address, words) => {
      // All flags at once make no sense together.
      words[2] = -1;
      expect(syscalls.ioUringSetup(load(), 1, address)).toBe(-EINVAL);
    });
  });
});
