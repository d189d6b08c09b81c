/**
 * The server on the ring: descriptors that are given to it, accepted sockets' options, and a
 * shortage of descriptors. What both backends must do alike is in `test/conformance/net`.
 */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect } from 'vitest';
import { createConnection } from '../../../src/io/net/create-connection.ts';
import { Server } from '../../../src/io/net/server.ts';
import type { RingSocket } from '../../../src/io/net/socket.ts';
import { endpoint } from '../../../src/io/tcp/address.ts';
import { openListening } from '../../../src/io/tcp/listening-socket.ts';
import * as sockets from '../../../src/native/constants/sockets.ts';
import { closeQuietly } from '../../support/quiet-ring.ts';
import { ringTest } from '../../support/ring-test.ts';

describe('Server', () => {
  ringTest('6.1', 'listens on a descriptor that it is given', async ({ open }) => {
    const runtime = open();
    const engine = runtime.requireEngine();
    const fd = openListening(engine, endpoint('127.0.0.1', 4, 0), { backlog: 4 });
    const server = new Server((peer) => peer.end('given')).listen({ fd });
    await once(server, 'listening');
    const socket = createConnection((server.address() as AddressInfo).port, '127.0.0.1');
    const [data] = await once(socket, 'data');
    expect(String(data)).toBe('given');
    await once(socket, 'close');
    await closeQuietly(runtime, server);
  });

  ringTest('6.1', 'passes its options on to what it accepts', async ({ open }) => {
    const runtime = open();
    const { calls } = runtime.requireEngine();
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 7000 };
    const server = new Server({ ...options, highWaterMark: 99 }).listen(0);
    const socket = createConnection((server.address() as AddressInfo).port);
    const [peer] = (await once(server, 'connection')) as [RingSocket];
    const fd = peer._handle?.fd ?? -1;
    expect([
      calls.getOption(fd, sockets.IPPROTO_TCP, sockets.TCP_NODELAY),
      calls.getOption(fd, sockets.SOL_SOCKET, sockets.SO_KEEPALIVE),
      calls.getOption(fd, sockets.IPPROTO_TCP, sockets.TCP_KEEPIDLE),
    ]).toEqual([1, 1, 7]);
    expect([peer.readableHighWaterMark, peer.writableHighWaterMark]).toEqual([99, 99]);
    peer.setNoDelay(false).setKeepAlive(false);
    expect(calls.getOption(fd, sockets.IPPROTO_TCP, sockets.TCP_NODELAY)).toBe(0);
    expect(calls.getOption(fd, sockets.SOL_SOCKET, sockets.SO_KEEPALIVE)).toBe(0);
    peer.destroy();
    await once(socket.resume(), 'close');
    await closeQuietly(runtime, server);
  });

  ringTest('6.1', 'counts connections, and closes after the last', async ({ open }) => {
    const runtime = open();
    const server = new Server().listen(0);
    const { port } = server.address() as AddressInfo;
    const clients = Array.from({ length: 5 }, () => createConnection(port));
    while (server._connections < 5) await once(server, 'connection');
    let isClosed = false;
    server.close(() => {
      isClosed = true;
    });
    for (const client of clients.slice(1)) client.destroy();
    while (server._connections > 1) await new Promise(setImmediate);
    expect(isClosed).toBe(false);
    clients[0]?.destroy();
    await once(server, 'close');
    await closeQuietly(runtime);
  });
});
