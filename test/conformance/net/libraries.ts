/**
 * Libraries that people put on sockets: `ioredis`, `ws` and `undici`, each with connections made
 * here in place of their own, and servers of ours at the other end.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { Readable } from 'node:stream';
import { AbstractConnector, Redis } from 'ioredis';
import { Agent, fetch, Pool, request } from 'undici';
import type { buildConnector } from 'undici';
import { expect } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { CommandReader, encodeReply } from '../../../examples/redis/protocol.ts';
import { Store } from '../../../examples/redis/store.ts';
import * as net from '../../../src/io/net/net.ts';
import { Suite } from '../../support/conformance-suite.ts';
import { closed, next, portOf } from './transcript.ts';

export const librariesSuite: Suite = new Suite();

/** Has ioredis use sockets of ours, and tells them to `made`. */
function connectorTo(port: number, made: net.Socket[]): typeof AbstractConnector {
  class Connector extends AbstractConnector {
    constructor() {
      super(1000);
    }

    override connect(): Promise<net.Socket> {
      this.connecting = true;
      const socket = net.connect(port, '127.0.0.1');
      this.stream = socket;
      made.push(socket);
      return Promise.resolve(socket);
    }
  }
  return Connector;
}

/** What the Redis example knows, on sockets of `onering/net`. */
function redisServer(): net.Server {
  const store = new Store();
  return net.createServer((socket) => {
    const reader = new CommandReader();
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const replies: Buffer[] = [];
      for (const words of reader.read(chunk)) {
        const isLast = String(words[0]).toUpperCase() === 'QUIT';
        encodeReply(isLast ? 'OK' : store.run(words), replies);
        if (isLast) setImmediate(() => socket.end());
      }
      socket.write(Buffer.concat(replies));
    });
  });
}

librariesSuite.add('ioredis: commands, pipelines, large values, a lost connection', async () => {
  const server = redisServer();
  const port = await portOf(server);
  const made: net.Socket[] = [];
  const redis = new Redis({
    Connector: connectorTo(port, made) as never,
    lazyConnect: true,
    disableClientInfo: true,
    enableReadyCheck: false,
  });
  await redis.connect();
  expect([await redis.set('k', 'v'), await redis.get('k')]).toEqual(['OK', 'v']);
  const large = randomBytes(700_000);
  await redis.set('large', large);
  expect((await redis.getBuffer('large'))?.equals(large)).toBe(true);
  const pipeline = redis.pipeline();
  for (let n = 0; n < 1000; n += 1) pipeline.incr('n');
  const results = await pipeline.exec();
  expect(results?.at(-1)).toEqual([null, 1000]);
  const many = await Promise.all(Array.from({ length: 100 }, () => redis.incr('n')));
  expect(many).toEqual(Array.from({ length: 100 }, (_, at) => 1001 + at));
  expect(made).toHaveLength(1);
  made[0]?.resetAndDestroy();
  expect(await redis.get('k')).toBe('v');
  expect(made).toHaveLength(2);
  const end = once(made[1] as net.Socket, 'close');
  expect(await redis.quit()).toBe('OK');
  await end;
  await closed(server);
});

/** An HTTP server of Node's behind a server of ours, and how many connections it had. */
async function site(
  listener: http.RequestListener,
): Promise<{ web: http.Server; server: net.Server; port: number; connections(): number }> {
  let count = 0;
  const web = http.createServer(listener);
  const server = net.createServer((socket) => {
    count += 1;
    web.emit('connection', socket);
  });
  return { web, server, port: await portOf(server), connections: () => count };
}

for (const perMessageDeflate of [false, true]) {
  const how = perMessageDeflate ? 'compressed' : 'plain';
  librariesSuite.add(`ws: messages both ways, ${how}, pings, and both ways to end`, async () => {
    const { web, server, port } = await site(() => {});
    const sockets = new WebSocketServer({ noServer: true, perMessageDeflate });
    web.on('upgrade', (question: http.IncomingMessage, socket, head) => {
      sockets.handleUpgrade(question, socket, head, (peer) => {
        peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
      });
    });
    const clients = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const createConnection = (options: object): net.Socket => net.connect(options as never);
        const options = { perMessageDeflate, createConnection } as object;
        const client = new WebSocket(`ws://127.0.0.1:${port}`, options);
        await once(client, 'open');
        return client;
      }),
    );
    const echoed = clients.map(async (client, at) => {
      const heard: Buffer[] = [];
      const sent = [`hello ${at}`, randomBytes(10), randomBytes(100_000 + at), 'x'.repeat(70_000)];
      const all = new Promise<void>((resolve) => {
        client.on('message', (data) => {
          heard.push(data as Buffer);
          if (heard.length === sent.length) resolve();
        });
      });
      for (const message of sent) client.send(message);
      await all;
      expect(heard.map(String)).toEqual(sent.map(String));
      client.ping('still?');
      expect(String((await once(client, 'pong'))[0])).toBe('still?');
    });
    await Promise.all(echoed);
    const ends = clients.map(async (client, at) => {
      const end = once(client, 'close');
      if (at % 2 === 0) client.close(4000 + at, 'enough');
      else client.terminate();
      const [code] = (await end) as [number];
      expect(code).toBe(at % 2 === 0 ? 4000 + at : 1006);
    });
    await Promise.all(ends);
    await closed(server);
  });
}

/** Has undici use sockets of ours. */
const connect = ((options: buildConnector.Options, done: buildConnector.Callback) => {
  const socket = net.connect(Number(options.port), options.hostname);
  socket.once('error', (error) => done(error, null));
  socket.once('connect', () => {
    socket.removeAllListeners('error');
    done(null, socket);
  });
}) as buildConnector.connector;

librariesSuite.add('undici: requests, bodies both ways, fetch, aborts', async () => {
  const { server, port, connections } = await site((question, answer) => {
    if (question.url === '/echo') question.pipe(answer);
    else if (question.url === '/never') answer.write('and then');
    else answer.end(`${question.method} ${question.url}`);
  });
  const origin = `http://127.0.0.1:${port}`;
  const pool = new Pool(origin, { connections: 4, connect });
  const asked = Array.from({ length: 100 }, async (_, at) => {
    const { statusCode, body } = await pool.request({ path: `/${at}`, method: 'GET' });
    return [statusCode, await body.text()];
  });
  expect(await Promise.all(asked)).toEqual(asked.map((_, at) => [200, `GET /${at}`]));
  expect(connections()).toBeLessThanOrEqual(4);
  const sent = randomBytes(1_500_000);
  const pieces = [sent.subarray(0, 7), sent.subarray(7, 600_000), sent.subarray(600_000)];
  const { body } = await pool.request({
    path: '/echo',
    method: 'POST',
    body: Readable.from(pieces),
  });
  expect(Buffer.from(await body.arrayBuffer()).equals(sent)).toBe(true);
  await pool.close();
  const dispatcher = new Agent({ connect });
  const answer = await fetch(`${origin}/fetched`, { dispatcher });
  expect(await answer.text()).toBe('GET /fetched');
  const aborter = new AbortController();
  const begun = await request(`${origin}/never`, { dispatcher, signal: aborter.signal });
  const [first] = (await once(begun.body, 'data')) as [Buffer];
  expect(String(first)).toBe('and then');
  const failed = next(begun.body, 'error');
  aborter.abort();
  expect((await failed)[0]).toMatchObject({ name: 'AbortError' });
  await dispatcher.destroy();
  const nobody = new Agent({ connect });
  await closed(server);
  const refused = await request(origin, { dispatcher: nobody }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'ECONNREFUSED' });
  await nobody.destroy();
});
