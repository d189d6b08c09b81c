/**
 * Connections as `stream.Duplex`: pipelines, `node:http` on both ends, TLS on top. The same cases
 * for every backend.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { IncomingMessage, RequestListener, RequestOptions, Server } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Readable, Transform } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { TLSSocket, connect as connectTls } from 'node:tls';
import { expect } from 'vitest';
import { toDuplex } from '../../src/io/tcp/duplex.ts';
import type { TcpDuplex } from '../../src/io/tcp/duplex.ts';
import { TcpListener } from '../../src/io/tcp/tcp-listener.ts';
import { TcpStream } from '../../src/io/tcp/tcp-stream.ts';
import { Suite } from '../support/conformance-suite.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { nodePeer, tcpPair } from '../support/tcp-pair.ts';

export const duplexSuite: Suite = new Suite();

const LOOPBACK = '127.0.0.1';

async function duplexPair(): Promise<{ client: TcpDuplex; server: TcpDuplex }> {
  const { client, server } = await tcpPair();
  return { client: toDuplex(client), server: toDuplex(server) };
}

async function closedOf(...duplexes: TcpDuplex[]): Promise<void> {
  for (const duplex of duplexes) if (!duplex.closed) await once(duplex, 'close');
}

duplexSuite.add('a pipeline through both ends keeps every byte', async () => {
  const { client, server } = await duplexPair();
  const random = new SeededRandom();
  const pieces = Array.from({ length: 300 }, () => random.bytes(random.between(1, 60_000)));
  const upsideDown = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(
        null,
        chunk.map((byte) => byte ^ 0xff),
      );
    },
  });
  const [, , echoed] = await Promise.all([
    pipeline(Readable.from(pieces), client),
    pipeline(server, upsideDown, server),
    buffer(client),
  ]);
  const expected = Buffer.concat(pieces).map((byte) => byte ^ 0xff);
  expect(echoed.equals(expected), random.replay).toBe(true);
  await closedOf(client, server);
});

/** Everything until the end. Iterating would destroy the stream then, both directions of it. */
function collect(duplex: TcpDuplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  duplex.on('data', (chunk: Buffer) => chunks.push(chunk));
  return once(duplex, 'end').then(() => Buffer.concat(chunks));
}

duplexSuite.add('ends are half-open: a reader may answer after the end', async () => {
  const { client, server } = await duplexPair();
  client.end('question');
  expect(String(await collect(server))).toBe('question');
  server.end('answer');
  expect(String(await collect(client))).toBe('answer');
  await closedOf(client, server);
});

duplexSuite.add('a stream that nobody reads stops the writer', async () => {
  const { client, server } = await duplexPair();
  const chunk = Buffer.alloc(1024 * 1024);
  let written = 0;
  const write = (): void => {
    while (written < 64 && client.write(chunk)) written += 1;
  };
  client.on('drain', () => {
    written += 1;
    write();
  });
  server.once('readable', () => {});
  write();
  for (let turns = 0; turns < 500; turns += 1) await nextTurn();
  expect(written).toBeLessThan(32);
  expect(server.bytesRead).toBeLessThan(8 * 1024 * 1024);
  client.destroy();
  server.destroy();
  await closedOf(client, server);
});

duplexSuite.add('it looks like a net.Socket', async () => {
  const { client, server } = await duplexPair();
  expect(client.remoteAddress).toBe(LOOPBACK);
  expect([client.remoteFamily, server.remoteFamily]).toEqual(['IPv4', 'IPv4']);
  expect([client.localPort, client.localAddress]).toEqual([server.remotePort, LOOPBACK]);
  expect(client.setNoDelay()).toBe(client);
  expect(client.setNoDelay(false)).toBe(client);
  expect(client.setKeepAlive(true, 1000)).toBe(client);
  expect(client.ref().unref().ref()).toBe(client);
  client.end('12345');
  await collect(server);
  expect([client.bytesWritten, server.bytesRead]).toEqual([5, 5]);
  server.end();
  client.resume();
  await closedOf(client, server);
});

duplexSuite.add('destroySoon() sends what is queued', async () => {
  const { client, server } = await duplexPair();
  client.write(Buffer.alloc(4_000_000));
  client.destroySoon();
  expect((await collect(server)).length).toBe(4_000_000);
  server.end();
  await closedOf(client, server);
});

duplexSuite.add('a reset is an error, then a close', async () => {
  const { stream, peer } = await nodePeer();
  const duplex = toDuplex(stream);
  duplex.resume();
  const failed = once(duplex, 'error') as Promise<unknown[]>;
  await nextTurn();
  peer.resetAndDestroy();
  const [error] = await failed;
  expect(error).toMatchObject({ code: 'ECONNRESET', syscall: 'read' });
  await closedOf(duplex);
  expect(duplex.destroyed).toBe(true);
});

duplexSuite.add('destroy(error) reports the error, and writes that wait fail', async () => {
  const { client, server } = await duplexPair();
  const failure = new Error('enough');
  const outcomes: unknown[] = [];
  for (let i = 0; i < 3; i += 1) {
    client.write(Buffer.alloc(8_000_000), (error) => outcomes.push(error));
  }
  const failed = once(client, 'error') as Promise<unknown[]>;
  await nextTurn();
  client.destroy(failure);
  expect((await failed)[0]).toBe(failure);
  await closedOf(client);
  expect(outcomes).toHaveLength(3);
  expect(outcomes.every((outcome) => outcome instanceof Error)).toBe(true);
  server.destroy();
  await closedOf(server);
});

duplexSuite.add('setTimeout() emits when nothing moves, and 0 takes it back', async () => {
  const { client, server } = await duplexPair();
  expect(client.timeout).toBeUndefined();
  client.setTimeout(20);
  expect(client.timeout).toBe(20);
  await once(client, 'timeout');
  let isCalled = false;
  const onTimeout = (): void => {
    isCalled = true;
  };
  client.setTimeout(1, onTimeout);
  client.setTimeout(0, onTimeout);
  server.setTimeout(30);
  await once(server, 'timeout');
  expect(isCalled).toBe(false);
  client.destroy();
  server.destroy();
  await closedOf(client, server);
});

duplexSuite.add('memory that may move is sent or refused, never misread', async () => {
  const { client, server } = await duplexPair();
  const shared = new Uint8Array(new SharedArrayBuffer(5));
  shared.set(Buffer.from('share'));
  const outcome = await new Promise<Error | null | undefined>((resolve) => {
    client.on('error', () => {});
    client.write(shared, resolve);
  });
  if (outcome instanceof Error) {
    expect(outcome).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    client.destroy();
    server.destroy();
  } else {
    client.end();
    expect(String(await collect(server))).toBe('share');
    server.end();
    client.resume();
  }
  await closedOf(client, server);
});

duplexSuite.add('a runtime that closes closes it', async ({ runtime }) => {
  const { client, server } = await duplexPair();
  client.resume();
  server.resume();
  await runtime.close();
  await closedOf(client, server);
  expect([client.destroyed, server.destroyed]).toEqual([true, true]);
});

/** `node:http` on connections of ours; `stop` ends everything. */
interface HttpServer {
  readonly port: number;
  readonly server: Server;
  readonly agent: Agent;
  /** Connections that were made so far. */
  connections(): number;
  stop(): Promise<void>;
}

async function serveHttp(onRequest: RequestListener): Promise<HttpServer> {
  const server = createServer(onRequest);
  const listener = await TcpListener.listen({ hostname: LOOPBACK, port: 0 });
  const duplexes: TcpDuplex[] = [];
  const accepting = (async () => {
    for await (const stream of listener) {
      const duplex = toDuplex(stream);
      duplexes.push(duplex);
      server.emit('connection', duplex);
    }
  })();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    port: listener.address().port,
    server,
    agent,
    connections: () => duplexes.length,
    stop: async () => {
      agent.destroy();
      await listener.close();
      await accepting;
      await closedOf(...duplexes);
      server.close();
    },
  };
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function ask(http: HttpServer, options: RequestOptions, body?: Readable): Promise<Answer> {
  const outgoing = request({ host: LOOPBACK, port: http.port, agent: http.agent, ...options });
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  if (body === undefined) outgoing.end();
  else await pipeline(body, outgoing);
  const [response] = await answered;
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

duplexSuite.add('http keeps a connection alive', async () => {
  const http = await serveHttp((incoming, response) => response.end(`you asked ${incoming.url}`));
  for (let i = 0; i < 20; i += 1) {
    const answer = await ask(http, { path: `/${i}` });
    expect([answer.status, answer.body]).toEqual([200, `you asked /${i}`]);
  }
  expect(http.connections()).toBe(1);
  await http.stop();
});

duplexSuite.add('http closes a connection that asks for it', async () => {
  const http = await serveHttp((_incoming, response) => response.end('bye'));
  for (let i = 0; i < 3; i += 1) {
    const answer = await ask(http, { headers: { connection: 'close' } });
    expect([answer.headers.connection, answer.body]).toEqual(['close', 'bye']);
  }
  expect(http.connections()).toBe(3);
  await http.stop();
});

duplexSuite.add('http takes bodies, chunked and with a length', async () => {
  const http = await serveHttp((incoming, response) => {
    const hash = createHash('sha1');
    incoming.on('data', (chunk: Buffer) => hash.update(chunk));
    incoming.on('end', () => response.end(hash.digest('hex')));
  });
  const random = new SeededRandom();
  const bytes = Buffer.alloc(3_000_000, random.bytes(70_001));
  const digest = createHash('sha1').update(bytes).digest('hex');
  for (const headers of [{}, { 'content-length': bytes.length }]) {
    const pieces = Array.from({ length: 30 }, (_, i) =>
      bytes.subarray(i * 100_000, (i + 1) * 100_000),
    );
    const answer = await ask(http, { method: 'POST', headers }, Readable.from(pieces));
    expect(answer.body, random.replay).toBe(digest);
  }
  await http.stop();
});

duplexSuite.add('http answers in chunks, large and small', async () => {
  const http = await serveHttp((_incoming, response) => {
    void pipeline(
      Readable.from(Array.from({ length: 200 }, (_, i) => `${i}:${'x'.repeat(i * 50)}\n`)),
      response,
    );
  });
  const expected = Array.from({ length: 200 }, (_, i) => `${i}:${'x'.repeat(i * 50)}\n`).join('');
  const answer = await ask(http, {});
  expect(answer.headers['transfer-encoding']).toBe('chunked');
  expect(answer.body === expected).toBe(true);
  await http.stop();
});

duplexSuite.add('http says 100 to who waits for it', async () => {
  const http = await serveHttp((incoming, response) => {
    void text(incoming).then((body) => response.end(`got ${body}`));
  });
  const outgoing = request({
    host: LOOPBACK,
    port: http.port,
    method: 'POST',
    agent: http.agent,
    headers: { expect: '100-continue', 'content-length': 5 },
  });
  outgoing.flushHeaders();
  await once(outgoing, 'continue');
  outgoing.end('12345');
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  expect(await text(response)).toBe('got 12345');
  await http.stop();
});

/** Sends bytes as they are, and gives what comes back until `marker` was seen `count` times. */
async function exchange(
  port: number,
  sent: string,
  marker: string,
  count: number,
): Promise<string> {
  const socket: Socket = connect({ host: LOOPBACK, port });
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
  socket.write(sent);
  while (received.split(marker).length <= count) await once(socket, 'data');
  socket.destroy();
  await once(socket, 'close');
  return received;
}

duplexSuite.add('http answers pipelined requests in their order', async () => {
  const http = await serveHttp((incoming, response) => {
    // Later requests are ready sooner.
    const turns = 20 - Number(incoming.url?.slice(1));
    void (async () => {
      for (let i = 0; i < turns; i += 1) await nextTurn();
      response.end(`<${incoming.url}>`);
    })();
  });
  const requests = Array.from({ length: 20 }, (_, i) => `GET /${i} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const received = await exchange(http.port, requests.join(''), '>', 20);
  expect(received.match(/<\/\d+>/g)).toEqual(Array.from({ length: 20 }, (_, i) => `</${i}>`));
  await http.stop();
});

duplexSuite.add('http refuses what is not http', async () => {
  const http = await serveHttp((_incoming, response) => response.end('never'));
  const received = await exchange(http.port, 'nonsense\r\n\r\n', '\r\n\r\n', 1);
  expect(received).toMatch(/^HTTP\/1\.1 400 /);
  await http.stop();
});

duplexSuite.add('http ends a connection that is idle for too long', async () => {
  const http = await serveHttp((_incoming, response) => response.end('ok'));
  http.server.keepAliveTimeout = 30;
  const socket = connect({ host: LOOPBACK, port: http.port });
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  socket.resume();
  await once(socket, 'end');
  await once(socket, 'close');
  await http.stop();
});

duplexSuite.add('http hands over upgraded connections', async () => {
  const http = await serveHttp((_incoming, response) => response.end('no'));
  http.server.on('upgrade', (_incoming, socket) => {
    socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  const outgoing = request({
    host: LOOPBACK,
    port: http.port,
    agent: http.agent,
    headers: { connection: 'upgrade', upgrade: 'echo' },
  }).end();
  const [, socket] = (await once(outgoing, 'upgrade')) as [IncomingMessage, Socket];
  socket.write('there and back');
  expect(String((await once(socket, 'data'))[0])).toBe('there and back');
  socket.end();
  await once(socket, 'close');
  await http.stop();
});

duplexSuite.add('http as a client runs on it as well', async () => {
  const server = createServer((incoming, response) => {
    void text(incoming).then((body) => response.end(`${incoming.method} ${body}`));
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const duplex = toDuplex(await TcpStream.connect({ hostname: LOOPBACK, port }));
  const outgoing = request({
    method: 'POST',
    createConnection: () => duplex,
    headers: { connection: 'close' },
  });
  outgoing.end('payload');
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  expect(await text(response)).toBe('POST payload');
  await closedOf(duplex);
  server.close();
  await once(server, 'close');
});

duplexSuite.add('tls runs on top of it', async () => {
  const { client, server } = await duplexPair();
  // A shared key needs no certificate.
  const psk = Buffer.from('0123456789abcdef');
  const options = { ciphers: 'PSK', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  const secureServer = new TLSSocket(server, {
    ...options,
    isServer: true,
    pskCallback: () => psk,
  } as ConstructorParameters<typeof TLSSocket>[1]);
  const secureClient = connectTls({
    ...options,
    socket: client,
    pskCallback: () => ({ psk, identity: 'test' }),
    checkServerIdentity: () => undefined,
  });
  await once(secureClient, 'secureConnect');
  const bytes = Buffer.alloc(2_000_000, 'secret ');
  secureServer.pipe(secureServer);
  secureClient.end(bytes);
  expect((await buffer(secureClient)).equals(bytes)).toBe(true);
  await closedOf(client, server);
});

duplexSuite.add('a stream that was closed becomes a duplex that fails and closes', async () => {
  const { client, server, destroy } = await tcpPair();
  await client.close();
  const duplex = toDuplex(client);
  const errors: unknown[] = [];
  duplex.on('error', (error) => errors.push(error));
  // Not once(): it would reject with the error, which comes at the same time.
  const closed = new Promise((resolve) => duplex.on('close', resolve));
  duplex.write('x');
  await closed;
  expect(errors).toMatchObject([{ code: 'ERR_SOCKET_CLOSED' }]);
  expect(server.isClosed).toBe(false);
  await destroy();
});
