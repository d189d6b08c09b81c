/**
 * TcpListener on the ring: how many connections are accepted ahead, and what stays in the kernel's
 * backlog. What every backend does is in `conformance/tcp-listener.ts`.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { TcpListener } from '../../../src/io/tcp/tcp-listener.ts';
import { TcpStream } from '../../../src/io/tcp/tcp-stream.ts';
import { openDescriptors, ringTest } from '../../support/ring-test.ts';

const ACCEPTED_MAX = 256;

async function settle(): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) await nextTurn();
}

/** Connects with sockets of `node:net`, of which each takes one descriptor here. */
async function connectMany(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect({ host: '127.0.0.1', port }));
  for (const socket of sockets) {
    socket.on('error', () => {});
    if (socket.connecting) await once(socket, 'connect');
  }
  return sockets;
}

describe('TcpListener', () => {
  ringTest(
    '6.1',
    'accepts so many ahead, and leaves the others in the backlog',
    async ({ open }) => {
      open();
      const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0, backlog: 1024 });
      const before = openDescriptors().size;
      const { port } = listener.address();
      const sockets = await connectMany(port, ACCEPTED_MAX);
      await settle();
      sockets.push(...(await connectMany(port, 100)));
      await settle();
      expect(openDescriptors().size - before - sockets.length).toBe(ACCEPTED_MAX);
      const streams: TcpStream[] = [];
      for (let i = 0; i < sockets.length; i += 1) streams.push(await listener.accept());
      expect(new Set(streams.map(({ remoteAddress }) => remoteAddress?.port)).size).toBe(
        sockets.length,
      );
      await listener.close();
      for (const socket of sockets) socket.destroy();
      await Promise.all(streams.map((stream) => stream.destroy()));
      while (sockets.some((socket) => !socket.closed)) await nextTurn();
    },
  );

  ringTest('6.1', 'closes with a full row of connections that nobody took', async ({ open }) => {
    open();
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0, backlog: 1024 });
    const sockets = await connectMany(listener.address().port, ACCEPTED_MAX + 20);
    await settle();
    await listener.close();
    for (const socket of sockets) socket.destroy();
    while (sockets.some((socket) => !socket.closed)) await nextTurn();
    await settle();
  });

  ringTest('6.1', 'keeps no listener on a signal after it is closed', async ({ open }) => {
    open();
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>): void => {
      listeners += 1;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>): void => {
      listeners -= 1;
      removeEventListener.apply(signal, args);
    };
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0, signal });
    const accepting = listener.accept({ signal });
    const { port } = listener.address();
    const client = await TcpStream.connect({ hostname: '127.0.0.1', port, signal });
    const server = await accepting;
    const read = server.read({ signal });
    await client.write('x', { signal });
    await read;
    await Promise.all([client.close(), server.close(), listener.close()]);
    expect(listeners).toBe(0);
  });
});
