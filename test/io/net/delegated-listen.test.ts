/**
 * Listening on a handle of Node's own: Node listens, and our server tells of it.
 */

import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import * as nodeNet from 'node:net';
import { describe, expect } from 'vitest';
import { createConnection } from '../../../src/io/net/create-connection.ts';
import { Server } from '../../../src/io/net/server.ts';
import { closeQuietly } from '../../support/quiet-ring.ts';
import { ringTest } from '../../support/ring-test.ts';

describe('DelegatedListening', () => {
  ringTest('6.1', 'passes on what the server of Node says', async ({ open }) => {
    const runtime = open();
    const given = nodeNet.createServer().listen(0, '127.0.0.1');
    await once(given, 'listening');
    const server = new Server();
    server.listen(given);
    await once(server, 'listening');
    const { port } = server.address() as nodeNet.AddressInfo;
    expect(port).toBe((given.address() as nodeNet.AddressInfo).port);
    const socket = createConnection(port, '127.0.0.1');
    const [peer] = (await once(server, 'connection')) as [nodeNet.Socket];
    expect(peer).toBeInstanceOf(nodeNet.Socket);
    expect([server._connections, server.ref().unref().ref()]).toEqual([1, server]);
    peer.end('delegated');
    const [data] = await once(socket, 'data');
    expect(String(data)).toBe('delegated');
    const closed = new Promise((resolve) => server.close(resolve));
    await once(socket, 'close');
    peer.destroy();
    await closed;
    expect(server.listening).toBe(false);
    given.close();
    await closeQuietly(runtime);
  });

  ringTest('6.1', 'fails as in Node, and leaves the server free to listen', async ({ open }) => {
    const runtime = open();
    const server = new Server();
    const fd = openSync('/dev/null', 'r');
    server.listen({ fd });
    const [error] = await once(server, 'error');
    closeSync(fd);
    expect(error).toMatchObject({ code: 'EINVAL', syscall: 'listen' });
    expect([server.listening, server.address()]).toEqual([false, null]);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await new Promise((resolve) => server.close(resolve));
    await closeQuietly(runtime);
  });
});
