/**
 * A listening socket that nobody accepts from and whose backlog is full: the next attempt to
 * connect hangs. It is made with bare system calls, so that no loop takes part in it.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import * as sockets from '../../src/native/constants/sockets.ts';
import { linuxHost } from '../../src/native/kernel.ts';
import { decodeSockaddr, encodeSockaddr } from '../../src/native/layout/sockaddr.ts';
import { DirectCalls } from '../../src/runtime/direct-calls.ts';
import { MemoryPool } from '../../src/runtime/memory-pool.ts';

/** The port that does not answer. */
export interface SilentListener {
  readonly port: number;
  close(): void;
}

/** Listens on loopback, and fills the backlog: with 0, Linux takes one connection. */
export async function fullBacklog(): Promise<SilentListener> {
  const host = linuxHost();
  if (typeof host === 'string') throw new Error(host);
  const pool = new MemoryPool(host.kernel);
  const calls = new DirectCalls(host.kernel, pool);
  const type = sockets.SOCK_STREAM | sockets.SOCK_CLOEXEC;
  const fd = calls.socket(sockets.AF_INET, type, sockets.IPPROTO_TCP);
  calls.bind(fd, encodeSockaddr({ family: sockets.AF_INET, address: '127.0.0.1', port: 0 }));
  calls.listen(fd, 0);
  const name = calls.getsockname(fd);
  const address = typeof name === 'number' ? null : decodeSockaddr(name);
  if (address === null || 'path' in address) throw new Error('The socket has no address');
  const { port } = address;
  const waiting = connect({ host: '127.0.0.1', port });
  await once(waiting, 'connect');
  const close = (): void => {
    if (waiting.destroyed) return;
    waiting.destroy();
    calls.close(fd);
    pool.free();
  };
  onTestFinished(close);
  return { port, close };
}
