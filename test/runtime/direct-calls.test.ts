/**
 * Direct calls on the real kernel: sockets that are bound, listened on, asked for their names and
 * options. Failures are numbers.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EADDRINUSE, EADDRNOTAVAIL, EBADF, EINVAL, ENOTCONN } from '../../src/native/errno.ts';
import { MADV_NORMAL } from '../../src/native/constants/memory.ts';
import * as sockets from '../../src/native/constants/sockets.ts';
import { linuxHost } from '../../src/native/kernel.ts';
import { decodeSockaddr, encodeSockaddr } from '../../src/native/layout/sockaddr.ts';
import { DirectCalls } from '../../src/runtime/direct-calls.ts';
import { MemoryPool } from '../../src/runtime/memory-pool.ts';
import { openDescriptors } from '../support/ring-test.ts';

const { AF_INET, AF_INET6, IPPROTO_TCP, SOCK_CLOEXEC, SOCK_STREAM } = sockets;
const NO_DESCRIPTOR = 1_000_000;

function loopback(port = 0): Uint8Array {
  return encodeSockaddr({ family: AF_INET, address: '127.0.0.1', port });
}

describe('DirectCalls', () => {
  let pool: MemoryPool;
  let calls: DirectCalls;
  let before: number;
  let fds: number[];

  beforeEach(() => {
    const host = linuxHost();
    if (typeof host === 'string') throw new Error(host);
    before = openDescriptors().size;
    fds = [];
    pool = new MemoryPool(host.kernel);
    calls = new DirectCalls(host.kernel, pool);
  });

  afterEach(() => {
    const closed = fds.map((fd) => calls.close(fd));
    pool.free();
    const left = openDescriptors().size - before;
    if (left !== 0 || closed.some((result) => result < 0)) throw new Error(`${left} left open`);
  });

  function socket(family = AF_INET): number {
    const fd = calls.socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    expect(fd).toBeGreaterThan(2);
    fds.push(fd);
    return fd;
  }

  function nameOf(fd: number): { address: string; port: number } {
    const encoded = calls.getsockname(fd);
    const decoded = typeof encoded === 'number' ? null : decodeSockaddr(encoded);
    if (decoded === null || 'path' in decoded) throw new Error(`No address: ${String(encoded)}`);
    return decoded;
  }

  it('makes a socket that Node can connect to', async () => {
    const fd = socket();
    expect(calls.bind(fd, loopback())).toBe(0);
    expect(calls.listen(fd, 8)).toBe(0);
    const { address, port } = nameOf(fd);
    expect([address, port > 0]).toEqual(['127.0.0.1', true]);
    const client = connect({ host: address, port });
    await once(client, 'connect');
    client.destroy();
    await once(client, 'close');
  });

  it('names sockets of both families, in exactly their bytes', () => {
    const [four, six] = [socket(), socket(AF_INET6)];
    calls.bind(four, loopback());
    calls.bind(six, encodeSockaddr({ family: AF_INET6, address: '::1', port: 0 }));
    expect(calls.getsockname(four)).toHaveLength(16);
    expect(calls.getsockname(six)).toHaveLength(28);
    expect(nameOf(six).address).toBe('::1');
  });

  it('gives names that the next call does not change', () => {
    const [first, second] = [socket(), socket()];
    calls.bind(first, loopback());
    calls.bind(second, loopback());
    const name = calls.getsockname(first) as Uint8Array;
    const copy = Uint8Array.from(name);
    calls.getsockname(second);
    expect(name).toEqual(copy);
  });

  it('returns -errno', () => {
    const fd = socket();
    expect(calls.socket(AF_INET, 99, 0)).toBe(-EINVAL);
    expect(calls.bind(fd, encodeSockaddr({ family: AF_INET, address: '192.0.2.1', port: 0 }))).toBe(
      -EADDRNOTAVAIL,
    );
    expect(calls.bind(fd, loopback())).toBe(0);
    expect(calls.bind(fd, loopback())).toBe(-EINVAL);
    expect(calls.bind(socket(), loopback(nameOf(fd).port))).toBe(-EADDRINUSE);
    expect(calls.getpeername(fd)).toBe(-ENOTCONN);
    for (const failed of [
      calls.bind(NO_DESCRIPTOR, loopback()),
      calls.listen(NO_DESCRIPTOR, 1),
      calls.getsockname(NO_DESCRIPTOR),
      calls.getpeername(NO_DESCRIPTOR),
      calls.setOption(NO_DESCRIPTOR, sockets.SOL_SOCKET, sockets.SO_KEEPALIVE, 1),
      calls.close(NO_DESCRIPTOR),
    ]) {
      expect(failed).toBe(-EBADF);
    }
  });

  it('sets options', () => {
    const fd = socket();
    const { SOL_SOCKET, SO_REUSEADDR } = sockets;
    expect(calls.setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1)).toBe(0);
    const host = linuxHost();
    if (typeof host === 'string') throw new Error(host);
    const block = pool.take(8);
    block.words.set([-1, 4]);
    const { address } = block;
    expect(host.kernel.getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, address, address + 4)).toBe(0);
    expect([...block.words.subarray(0, 2)]).toEqual([1, 4]);
    pool.give(block);
  });

  it('reads options, and says why it cannot', () => {
    const fd = socket();
    const { SO_KEEPALIVE, SOL_SOCKET } = sockets;
    expect(calls.getOption(fd, SOL_SOCKET, SO_KEEPALIVE)).toBe(0);
    calls.setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    expect(calls.getOption(fd, SOL_SOCKET, SO_KEEPALIVE)).toBe(1);
    expect(calls.getOption(NO_DESCRIPTOR, SOL_SOCKET, SO_KEEPALIVE)).toBe(-EBADF);
  });

  it('ends one direction, and says why it cannot', async () => {
    const listening = socket();
    calls.bind(listening, loopback());
    calls.listen(listening, 1);
    expect(calls.shutdown(socket(), sockets.SHUT_WR)).toBe(-ENOTCONN);
    expect(calls.shutdown(NO_DESCRIPTOR, sockets.SHUT_WR)).toBe(-EBADF);
    const client = connect({ host: '127.0.0.1', port: nameOf(listening).port });
    await once(client, 'connect');
    expect(calls.shutdown(listening, sockets.SHUT_RDWR)).toBe(0);
    client.once('error', () => {});
    client.destroy();
    await once(client, 'close');
  });

  it('counts how often this thread has slept', () => {
    const NAPS = 10;
    const sleptBefore = calls.voluntarySwitches();
    const never = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < NAPS; i += 1) Atomics.wait(never, 0, 0, 1);
    expect(sleptBefore).toBeGreaterThan(0);
    expect(calls.voluntarySwitches() - sleptBefore).toBeGreaterThanOrEqual(NAPS / 2);
  });

  it('gives every block back', () => {
    const first = pool.take(256);
    pool.give(first);
    const fd = socket();
    calls.bind(fd, loopback());
    calls.getsockname(fd);
    calls.getpeername(fd);
    calls.setOption(fd, sockets.SOL_SOCKET, sockets.SO_KEEPALIVE, 1);
    calls.getOption(fd, sockets.SOL_SOCKET, sockets.SO_KEEPALIVE);
    calls.voluntarySwitches();
    expect(pool.take(256)).toBe(first);
    pool.give(first);
  });

  it('gives advice about whole pages', () => {
    const { address, memory } = pool.take(1 << 20);
    expect(calls.advise(address, memory?.size ?? 0, MADV_NORMAL)).toBe(0);
    expect(calls.advise(address + 1, 4096, MADV_NORMAL)).toBe(-EINVAL);
  });
});
