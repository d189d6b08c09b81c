/**
 * Happy Eyeballs: an address that does not answer is given up in time, and closed.
 */

import { once } from 'node:events';
import { describe, expect } from 'vitest';
import { HappyEyeballs } from '../../../src/io/net/happy-eyeballs.ts';
import { Server } from '../../../src/io/net/server.ts';
import { RingSocket } from '../../../src/io/net/socket.ts';
import { SocketHandle } from '../../../src/io/net/socket-handle.ts';
import { closeQuietly } from '../../support/quiet-ring.ts';
import { ringTest } from '../../support/ring-test.ts';
import { fullBacklog } from '../../support/silent-listener.ts';

describe('HappyEyeballs', () => {
  ringTest('6.1', 'tries the next address when the time of one is up', async ({ open }) => {
    const runtime = open();
    const silent = await fullBacklog();
    const server = new Server((peer) => peer.end()).listen(silent.port, '127.0.0.3');
    await once(server, 'listening');
    const socket = new RingSocket();
    socket._initHandle(new SocketHandle(runtime, false));
    socket.connecting = true;
    const said: string[] = [];
    for (const event of ['connectionAttempt', 'connectionAttemptTimeout', 'connect']) {
      socket.on(event, (address?: string) => said.push(`${event} ${address ?? ''}`.trim()));
    }
    new HappyEyeballs(socket, {
      addresses: [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.3', family: 4 },
      ],
      port: silent.port,
      localPort: undefined,
      timeoutMs: 20,
    }).next();
    await once(socket.resume(), 'close');
    expect(said).toEqual([
      `connectionAttempt 127.0.0.1`,
      `connectionAttemptTimeout 127.0.0.1`,
      'connectionAttempt 127.0.0.3',
      'connect',
    ]);
    await closeQuietly(runtime, server);
    silent.close();
  });
});
