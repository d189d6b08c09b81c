/**
 * What a server holds while it listens: closing at once, with connections still arriving.
 */

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { createConnection } from '../../../src/io/net/create-connection.ts';
import { Server } from '../../../src/io/net/server.ts';
import { ServerHandle } from '../../../src/io/net/server-handle.ts';
import { closeQuietly } from '../../support/quiet-ring.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

describe('ServerHandle', () => {
  ringTest('6.1', 'gives its address up at once, a hundred times over', async ({ open }) => {
    const runtime = open();
    const first = new Server().listen(0, '127.0.0.1');
    await once(first, 'listening');
    const { port } = first.address() as AddressInfo;
    first.close();
    for (let round = 0; round < 100; round += 1) {
      const server = new Server((peer) => peer.destroy()).listen(port, '127.0.0.1');
      await once(server, 'listening');
      const socket = createConnection(port, '127.0.0.1');
      socket.on('error', () => {});
      if (round % 3 === 0) await once(socket, 'connect');
      server.close();
      expect(server._handle).toBeNull();
      socket.destroy();
      await once(socket, 'close');
    }
    await closeQuietly(runtime);
  });

  ringTest(
    '6.1',
    'knows its descriptor until it closes, and removes its file',
    async ({ open }) => {
      const runtime = open();
      const path = join(tempDirectory(), 'socket');
      const server = new Server().listen(path);
      const handle = server._handle as ServerHandle;
      expect(handle).toBeInstanceOf(ServerHandle);
      expect([handle.fd > 0, handle.isPipe, handle.getAsyncId() > 0]).toEqual([true, true, true]);
      expect([server.address(), existsSync(path)]).toEqual([path, true]);
      server.close();
      expect([handle.fd, existsSync(path)]).toEqual([-1, false]);
      handle.close();
      await once(server, 'close');
      await closeQuietly(runtime);
    },
  );

  ringTest('6.1', 'closes with the runtime', async ({ open }) => {
    const runtime = open();
    const server = new Server().listen(0);
    const end = once(server, 'close');
    await runtime.close();
    await end;
    expect(server.listening).toBe(false);
  });
});
