/**
 * Sockets that come as bare numbers, on both backends.
 */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect } from 'vitest';
import { adoptDescriptor, closeDescriptor } from '../../../src/io/channel/descriptors.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { ringTest } from '../../support/ring-test.ts';

/** A connected socket of Node's, and a second descriptor for its other end. */
async function connected(runtime: Runtime): Promise<{ peer: Socket; fd: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = await accepted;
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const duplicate = runtime.requireEngine().calls.duplicate(fd);
  socket.destroy();
  server.close();
  return { peer, fd: duplicate };
}

describe('descriptors', () => {
  ringTest('6.1', 'become streams, on the ring and on Node', async ({ open }) => {
    const runtime = open();
    const owner = { engine: null, resources: new Set() } as unknown as Runtime;
    for (const user of [runtime, owner]) {
      const { peer, fd } = await connected(runtime);
      const stream = adoptDescriptor(user, fd);
      peer.write('hello');
      expect(String(await stream.read())).toBe('hello');
      await stream.close();
      peer.destroy();
      await once(peer, 'close');
    }
  });

  ringTest(
    '6.1',
    'are closed when nobody wants them, on the ring and on Node',
    async ({ open }) => {
      const runtime = open();
      const owner = { engine: null, resources: new Set() } as unknown as Runtime;
      for (const user of [runtime, owner]) {
        const { peer, fd } = await connected(runtime);
        const ended = once(peer.resume(), 'end');
        closeDescriptor(user, fd);
        await ended;
        peer.destroy();
        await once(peer, 'close');
      }
    },
  );
});
