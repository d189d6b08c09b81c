/**
 * `onering/net` on this kernel: a server and clients as a program that used `node:net` has them, on
 * both backends.
 */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { runtime } from 'onering';
import { connect, createServer } from 'onering/net';
import { runChecks } from './checks.ts';

const host = '127.0.0.1';

await runChecks({
  'echoes through a pipe, and ends on both sides': async () => {
    const server = createServer((socket) => void socket.pipe(socket)).listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const data = randomBytes(2 * 1024 * 1024);
    const client = connect(port, host);
    const received = createHash('sha256');
    await Promise.all([
      pipeline([data], client, { end: true }),
      (async () => {
        for await (const chunk of client) received.update(chunk as Buffer);
      })(),
    ]);
    assert.equal(received.digest('hex'), createHash('sha256').update(data).digest('hex'));
    await new Promise((resolve) => server.close(resolve));
  },

  'fails as node:net does': async () => {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const [error] = await once(connect(port, host), 'error');
    assert.equal(error.message, `connect ECONNREFUSED ${host}:${port}`);
  },

  'carries node:http': async () => {
    const http = createHttpServer((_request, response) => void response.end('hello'));
    const server = createServer((socket) => void http.emit('connection', socket));
    server.listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const [response] = await once(get({ host, port, agent: false }), 'response');
    assert.equal(String(Buffer.concat(await response.toArray())), 'hello');
    await new Promise((resolve) => server.close(resolve));
  },
});
await runtime().close();
