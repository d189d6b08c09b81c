/**
 * The socket on the ring: descriptors that are handed to it, timers, its way through the runtime's
 * end. What both backends must do alike is in `test/conformance/net`.
 */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect } from 'vitest';
import { createConnection } from '../../../src/io/net/create-connection.ts';
import { Server } from '../../../src/io/net/server.ts';
import { RingSocket, Socket } from '../../../src/io/net/socket.ts';
import { endpoint } from '../../../src/io/tcp/address.ts';
import { ConnectAttempt } from '../../../src/io/tcp/connect-attempt.ts';
import { AF_INET } from '../../../src/native/constants/sockets.ts';
import { closeQuietly } from '../../support/quiet-ring.ts';
import { ringTest } from '../../support/ring-test.ts';

describe('Socket', () => {
  ringTest('6.1', 'takes over a descriptor that is connected', async ({ open }) => {
    const runtime = open();
    const server = new Server((peer) => peer.end('taken over')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const attempt = ConnectAttempt.open(runtime, AF_INET) as ConnectAttempt;
    await new Promise((resolve) => attempt.connect(endpoint('127.0.0.1', 4, port), resolve));
    const socket = new Socket({ fd: attempt.take() });
    expect(socket).toBeInstanceOf(RingSocket);
    expect([socket.remotePort, socket.readyState]).toEqual([port, 'open']);
    const [data] = await once(socket, 'data');
    expect(String(data)).toBe('taken over');
    await once(socket, 'close');
    await closeQuietly(runtime, server);
  });

  ringTest('6.1', 'emits no timeout while a large write still moves', async ({ open }) => {
    const runtime = open();
    const server = new Server().listen(0);
    const socket = createConnection((server.address() as AddressInfo).port);
    const connect = once(socket, 'connect');
    const [peer] = (await once(server, 'connection')) as [RingSocket];
    await connect;
    peer.pause();
    const timeouts: number[] = [];
    socket.on('timeout', () => timeouts.push(socket._handle?.writeQueueSize ?? 0));
    socket.write(Buffer.alloc(32 * 1024 * 1024));
    while (socket._handle?.writeQueueSize === 32 * 1024 * 1024) await new Promise(setImmediate);
    // It moved since the write began: the first look only takes note of how far it is.
    socket._onTimeout();
    expect(timeouts).toEqual([]);
    socket._onTimeout();
    expect(timeouts).toHaveLength(1);
    socket.destroy();
    peer.destroy();
    await once(socket, 'close');
    await closeQuietly(runtime, server);
  });

  ringTest('6.1', 'is destroyed with the runtime, connecting or connected', async ({ open }) => {
    const runtime = open();
    const server = new Server().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connected = createConnection(port, '127.0.0.1');
    const [peer] = (await once(server, 'connection')) as [RingSocket];
    const connecting = createConnection(port, '127.0.0.1');
    const ends = [connected, connecting, peer].map(async (socket) => {
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('close', resolve));
    });
    await new Promise((resolve) => process.nextTick(resolve));
    await runtime.close();
    await Promise.all(ends);
    expect([connected, connecting, peer].every(({ destroyed }) => destroyed)).toBe(true);
  });

  ringTest('6.1', 'keeps its numbers after the end', async ({ open }) => {
    const runtime = open();
    const server = new Server((peer) => peer.resume().end('12345')).listen(0);
    const socket = createConnection((server.address() as AddressInfo).port);
    socket.end('123');
    await once(socket.resume(), 'close');
    expect([socket.bytesRead, socket.bytesWritten, socket._bytesDispatched]).toEqual([5, 3, 3]);
    expect([socket.pending, socket.connecting, socket.bufferSize]).toEqual([
      true,
      false,
      undefined,
    ]);
    await closeQuietly(runtime, server);
  });
});
