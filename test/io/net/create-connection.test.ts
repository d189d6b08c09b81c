/**
 * `createConnection`: a socket that says hello on its channel, has its timeout, and connects.
 */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { Socket as NodeSocket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createConnection } from '../../../src/io/net/create-connection.ts';
import { Server } from '../../../src/io/net/server.ts';
import { RingSocket } from '../../../src/io/net/socket.ts';
import { Runtime } from '../../../src/runtime/runtime.ts';
import { closeQuietly } from '../../support/quiet-ring.ts';
import { ringTest } from '../../support/ring-test.ts';

describe('createConnection', () => {
  ringTest('6.1', 'makes, announces and connects a socket', async ({ open }) => {
    const runtime = open();
    const server = new Server((peer) => peer.end()).listen(0);
    const announced: unknown[] = [];
    const note = (message: unknown): void => void announced.push(message);
    subscribe('net.client.socket', note);
    const { port } = server.address() as AddressInfo;
    const socket = createConnection({ port, timeout: 5000 });
    unsubscribe('net.client.socket', note);
    expect(socket).toBeInstanceOf(RingSocket);
    expect([announced, socket.timeout]).toEqual([[{ socket }], 5000]);
    await once(socket.resume(), 'close');
    await closeQuietly(runtime, server);
  });

  it('is what Node does where there is no ring', async () => {
    const runtime = new Runtime({ backend: 'libuv' });
    const socket: unknown = createConnection({ path: '/nonexistent/socket' });
    expect(socket).toBeInstanceOf(NodeSocket);
    const [error] = await new Promise<unknown[]>((resolve) => {
      (socket as NodeSocket).on('error', (...args) => resolve(args));
    });
    expect(error).toMatchObject({ code: 'ENOENT' });
    await runtime.close();
  });
});
