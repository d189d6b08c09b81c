/**
 * What people put on top of sockets: `http`, `tls`, upgrades, pipelines, iteration.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tls from 'node:tls';
import { expect } from 'vitest';
import * as net from '../../../src/io/net/net.ts';
import { Suite } from '../../support/conformance-suite.ts';
import { tempDirectory } from '../../support/temp-directory.ts';
import { closed, next, portOf } from './transcript.ts';

export const aboveSuite: Suite = new Suite();

/** An HTTP server of Node's behind a server of ours. */
function behind(listener: http.RequestListener): { web: http.Server; server: net.Server } {
  const web = http.createServer(listener);
  return { web, server: net.createServer((socket) => void web.emit('connection', socket)) };
}

function get(options: http.RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text) => (body += text));
      response.on('end', () => resolve(body));
    });
    request.on('error', reject);
  });
}

aboveSuite.add('http serves and asks over these sockets, and keeps them alive', async () => {
  let connections = 0;
  const { server } = behind((request, response) => {
    response.setHeader('content-type', 'text/plain');
    response.end(`${request.method} ${request.url}`);
  });
  server.on('connection', () => (connections += 1));
  const port = await portOf(server);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  Object.assign(agent, {
    createConnection: (options: net.NetConnectOpts) => net.createConnection(options),
  });
  for (let round = 0; round < 20; round += 1) {
    expect(await get({ port, host: '127.0.0.1', agent, path: `/${round}` })).toBe(`GET /${round}`);
  }
  expect(connections).toBe(1);
  agent.destroy();
  await closed(server);
});

aboveSuite.add('http carries large bodies both ways', async () => {
  const { server } = behind((request, response) => void request.pipe(response));
  const port = await portOf(server);
  const sent = randomBytes(3 * 1024 * 1024);
  const received = await new Promise<Buffer>((resolve, reject) => {
    const request = http.request(
      {
        port,
        method: 'POST',
        agent: false,
        createConnection: () => net.connect(port, '127.0.0.1'),
      },
      (response) => {
        response.toArray().then((chunks) => resolve(Buffer.concat(chunks as Buffer[])), reject);
      },
    );
    request.on('error', reject);
    for (let at = 0; at < sent.length; at += 50_000) request.write(sent.subarray(at, at + 50_000));
    request.end();
  });
  expect(received.equals(sent)).toBe(true);
  await closed(server);
});

aboveSuite.add('a connection is upgraded, as for a WebSocket', async () => {
  const { web, server } = behind(() => {});
  web.on('upgrade', (request: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    expect(head.length).toBe(0);
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('data', (frame) => socket.end(frame));
  });
  const port = await portOf(server);
  const request = http.request({
    port,
    agent: false,
    createConnection: () => net.connect(port, '127.0.0.1'),
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  });
  request.end();
  const [response, socket] = (await next(request, 'upgrade')) as [http.IncomingMessage, net.Socket];
  expect(response.headers['sec-websocket-accept']).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  socket.write(Buffer.from([0x82, 0x03, 1, 2, 3]));
  const [frame] = await next(socket, 'data');
  expect(frame).toEqual(Buffer.from([0x82, 0x03, 1, 2, 3]));
  await next(socket, 'close');
  await closed(server);
});

/** A key and a certificate for `localhost`, signed by itself. */
function selfSigned(): { key: Buffer; cert: Buffer } {
  const folder = tempDirectory();
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
  ];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
  execFileSync('openssl', [...request, '-keyout', keyFile, '-out', certFile, ...names], {
    stdio: 'ignore',
  });
  return { key: readFileSync(keyFile), cert: readFileSync(certFile) };
}

aboveSuite.add('tls runs on both ends', async () => {
  const { key, cert } = selfSigned();
  const server = net.createServer((socket) => {
    const secure = new tls.TLSSocket(socket, { isServer: true, key, cert });
    secure.on('error', () => {});
    secure.pipe(secure);
  });
  const port = await portOf(server);
  const sent = randomBytes(500_000);
  const secure = tls.connect({
    socket: net.connect(port, '127.0.0.1'),
    ca: cert,
    servername: 'localhost',
  });
  await next(secure, 'secureConnect');
  expect(secure.authorized).toBe(true);
  secure.write(sent);
  // Not with `once` in a loop: a TLS socket over a stream emits several chunks in one callback.
  const chunks: Buffer[] = [];
  let size = 0;
  await new Promise<void>((resolve) => {
    secure.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= sent.length) resolve();
    });
  });
  expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  secure.destroy();
  await closed(server);
});

/** What a client hears that sends so many bytes and its end at once, and what went wrong. */
async function heardOverTls(server: net.Server, cert: Buffer, size: number): Promise<unknown[]> {
  const port = await portOf(server);
  const sent = randomBytes(size);
  const faults: unknown[] = [];
  const raw = net.connect(port, '127.0.0.1');
  raw.on('error', (error) => faults.push(error));
  const secure = tls.connect({ socket: raw, ca: cert, servername: 'localhost' });
  secure.on('error', (error) => faults.push(error));
  secure.end(sent);
  const chunks: Buffer[] = [];
  secure.on('data', (chunk: Buffer) => chunks.push(chunk));
  await next(secure, 'close');
  await closed(server);
  const heard = Buffer.concat(chunks);
  return [heard.length, heard.equals(sent), faults];
}

aboveSuite.add('tls answers a client that ends first, with allowHalfOpen off', async () => {
  const { key, cert } = selfSigned();
  const faults: unknown[] = [];
  const note = (error: unknown): void => void faults.push(error);
  const echo = (secure: tls.TLSSocket): void => void secure.on('error', note).pipe(secure);
  for (const size of [16, 400_000]) {
    const listening = tls.createServer({ key, cert, allowHalfOpen: true } as object, echo);
    listening.on('tlsClientError', note);
    const emitting = net.createServer((socket) => {
      listening.emit('connection', socket.on('error', note));
    });
    expect(await heardOverTls(emitting, cert, size)).toEqual([size, true, []]);
    const wrapping = net.createServer((socket) => {
      echo(new tls.TLSSocket(socket.on('error', note), { isServer: true, key, cert }));
    });
    expect(await heardOverTls(wrapping, cert, size)).toEqual([size, true, []]);
  }
  expect(faults).toEqual([]);
});

aboveSuite.add('pipelines run through it', async () => {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const loud = new Transform({
      transform: (chunk, _encoding, done) => done(null, String(chunk).toUpperCase()),
    });
    pipeline(socket, loud, socket).catch((error: unknown) => socket.destroy(error as Error));
  });
  const port = await portOf(server);
  const socket = net.connect(port, '127.0.0.1');
  const sending = pipeline(Readable.from(['a', 'b', 'c']), socket, { end: true });
  let got = '';
  for await (const chunk of socket) got += String(chunk);
  await sending;
  expect(got).toBe('ABC');
  await closed(server);
});

aboveSuite.add('is iterated over, and destroyed when the loop is left', async () => {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.write('first');
  });
  const port = await portOf(server);
  const socket = net.connect(port, '127.0.0.1');
  for await (const chunk of socket) {
    expect(String(chunk)).toBe('first');
    break;
  }
  expect(socket.destroyed).toBe(true);
  await closed(server);
});
