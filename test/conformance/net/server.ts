/**
 * `net.Server`: every form of `listen`, its errors, closing, limits.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { existsSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import * as net from '../../../src/io/net/net.ts';
import { Suite } from '../../support/conformance-suite.ts';
import { tempDirectory } from '../../support/temp-directory.ts';
import { closed, listen, next, portOf, refusal } from './transcript.ts';

export const serverSuite: Suite = new Suite();

/** What a server says about itself when a client has connected to it. */
async function greet(target: net.NetConnectOpts): Promise<string> {
  const socket = net.connect(target);
  const [data] = await next(socket, 'data');
  await next(socket, 'close');
  return String(data);
}

function greeter(): net.Server {
  return net.createServer((socket) => socket.end('hello'));
}

serverSuite.add('listens in every form that Node knows', async () => {
  const path = join(tempDirectory(), 'socket');
  const forms: ((server: net.Server, done: () => void) => void)[] = [
    (server, done) => server.listen(done),
    (server, done) => server.listen(0, done),
    (server, done) => server.listen('0', '127.0.0.1' as never, done),
    (server, done) => server.listen(0, '127.0.0.1', 9, done),
    (server, done) => server.listen({ port: 0, host: '127.0.0.1', backlog: 2 }, done),
    (server, done) => server.listen({ port: undefined } as never, done),
    (server, done) => server.listen(null as never, done),
    (server, done) => server.listen(path, done),
    (server, done) => server.listen({ path: `\0onering-${process.pid}` }, done),
  ];
  for (const form of forms) {
    const server = greeter();
    await new Promise<void>((resolve) => form(server, resolve));
    const address = server.address();
    const target =
      typeof address === 'string'
        ? { path: address }
        : { port: (address as AddressInfo).port, host: '127.0.0.1' };
    expect(await greet(target)).toBe('hello');
    await closed(server);
    expect([server.listening, typeof address === 'string' && existsSync(address)]).toEqual([
      false,
      false,
    ]);
  }
});

serverSuite.add('knows its port as soon as listen returns', async () => {
  const server = net.createServer().listen(0);
  expect(server.listening).toBe(true);
  expect(server.address()).toMatchObject({ address: '::', family: 'IPv6' });
  expect((server.address() as AddressInfo).port).toBeGreaterThan(0);
  await closed(server);
  expect(server.address()).toBeNull();
});

serverSuite.add('frees its port as soon as close returns', async () => {
  const first = greeter();
  const port = await portOf(first);
  first.close();
  const second = greeter().listen(port, '127.0.0.1');
  await next(second, 'listening');
  expect(await greet({ port, host: '127.0.0.1' })).toBe('hello');
  await closed(second);
  const socket = net.connect(port, '127.0.0.1');
  expect((await next(socket, 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' });
});

serverSuite.add('says what is wrong, in Node words', async () => {
  const server = greeter();
  const port = await portOf(server);
  const second = net.createServer();
  second.listen(port, '127.0.0.1');
  const [error] = await next(second, 'error');
  expect(error).toMatchObject({
    code: 'EADDRINUSE',
    errno: -98,
    syscall: 'listen',
    address: '127.0.0.1',
    port,
    message: `listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
  });
  const third = net.createServer().listen(join(tempDirectory(), 'no', 'socket'));
  expect((await next(third, 'error'))[0]).toMatchObject({ syscall: 'listen', port: -1 });
  expect(refusal(() => server.listen(0))).toBe(
    'Error ERR_SERVER_ALREADY_LISTEN: ' +
      'Listen method has been called more than once without closing.',
  );
  const outcome = await new Promise((resolve) => net.createServer().close(resolve));
  expect(outcome).toMatchObject({
    code: 'ERR_SERVER_NOT_RUNNING',
    message: 'Server is not running.',
  });
  await closed(server);
});

serverSuite.add('refuses arguments in Node words', () => {
  const said = [
    refusal(() => net.createServer().listen(-1)),
    refusal(() => net.createServer().listen(65_536)),
    refusal(() => net.createServer().listen({} as never)),
    refusal(() => net.createServer().listen(true as never)),
    refusal(() => net.createServer('x' as never)),
    refusal(() => net.createServer({ keepAliveInitialDelay: 'x' } as never)),
    refusal(() => net.createServer().listen({ path: '\0x', readableAll: true })),
    refusal(() => net.createServer().listen({ port: 0, signal: 'x' as never })),
  ];
  expect(said.map((line) => line.replace(/:.*/s, ''))).toEqual([
    'RangeError ERR_SOCKET_BAD_PORT',
    'RangeError ERR_SOCKET_BAD_PORT',
    'TypeError ERR_INVALID_ARG_VALUE',
    'TypeError ERR_INVALID_ARG_VALUE',
    'TypeError ERR_INVALID_ARG_TYPE',
    'TypeError ERR_INVALID_ARG_TYPE',
    'TypeError ERR_INVALID_ARG_VALUE',
    'TypeError ERR_INVALID_ARG_TYPE',
  ]);
});

serverSuite.add(
  'closes when the last connection has',
  async () => {
    const said: string[] = [];
    const server = net.createServer();
    listen(said, 'server', server);
    const port = await portOf(server);
    const client = net.connect(port, '127.0.0.1');
    const [peer] = (await next(server, 'connection')) as [net.Socket];
    server.close(() => said.push('callback'));
    expect(server.listening).toBe(false);
    const count = await new Promise<number>((resolve) => {
      server.getConnections((_error, connections) => resolve(connections));
    });
    expect([count, said]).toEqual([1, ['server listening']]);
    const ends = Promise.all([next(client.resume(), 'close'), next(server, 'close')]);
    peer.end();
    peer.resume();
    await ends;
    expect(said).toEqual(['server listening', 'server close', 'callback']);
  },
  { timeoutMs: 5000 },
);

serverSuite.add('drops who is too many, and says who it was', async () => {
  const server = net.createServer();
  server.maxConnections = 1;
  const port = await portOf(server);
  const first = net.connect(port, '127.0.0.1');
  await next(server, 'connection');
  const dropped = next(server, 'drop');
  const second = net.connect(port, '127.0.0.1');
  await next(second.resume(), 'close');
  expect((await dropped)[0]).toEqual({
    localAddress: '127.0.0.1',
    localPort: port,
    localFamily: 'IPv4',
    remoteAddress: '127.0.0.1',
    remotePort: expect.any(Number),
    remoteFamily: 'IPv4',
  });
  first.destroy();
  await closed(server);
});

serverSuite.add(
  'pauses connections where it is told to',
  async () => {
    const server = net.createServer({ pauseOnConnect: true });
    const port = await portOf(server);
    const client = net.connect(port, '127.0.0.1');
    client.end('waiting');
    const [peer] = (await next(server, 'connection')) as [net.Socket];
    expect([peer.isPaused(), peer.bytesRead, peer.readableFlowing]).toEqual([true, 0, false]);
    const said: string[] = [];
    listen(said, 'peer', peer);
    const ends = Promise.all([next(client.resume(), 'close'), next(peer, 'close')]);
    peer.resume();
    await ends;
    expect(said[0]).toBe('peer data waiting');
    await closed(server);
  },
  { timeoutMs: 5000 },
);

serverSuite.add('ends with its signal, and with its scope', async () => {
  const aborter = new AbortController();
  const server = net.createServer().listen({ port: 0, signal: aborter.signal });
  await next(server, 'listening');
  const end = next(server, 'close');
  aborter.abort();
  await end;
  const disposed = net.createServer().listen(0);
  await disposed[Symbol.asyncDispose]();
  expect([server.listening, disposed.listening]).toEqual([false, false]);
});

serverSuite.add('opens the file of a Unix socket to everybody', async () => {
  const path = join(tempDirectory(), 'socket');
  const server = net.createServer().listen({ path, readableAll: true, writableAll: true });
  await next(server, 'listening');
  expect(statSync(path).mode & 0o666).toBe(0o666);
  await closed(server);
});

serverSuite.add('hands errors of async listeners to the socket', async () => {
  const { captureRejections } = await import('node:events').then(
    ({ EventEmitter }) => EventEmitter,
  );
  expect(captureRejections).toBe(false);
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
  });
  expect(
    typeof (server as unknown as Record<symbol, unknown>)[Symbol.for('nodejs.rejection')],
  ).toBe('function');
  expect(refusal(() => server.address())).toBe('none');
});

/** Node looks at block lists, and at a limit of 0, since these have this function. */
const hasBlockLists = 'isBlockList' in net.BlockList;

serverSuite.add('lets nobody in whom a block list names', async () => {
  const blockList = new net.BlockList();
  blockList.addAddress('127.0.0.1');
  const said: string[] = [];
  const server = net.createServer({ blockList } as net.ServerOpts);
  server.on('connection', () => said.push('accepted'));
  const port = await portOf(server);
  const blocked = net.connect({ port, host: '127.0.0.1' });
  blocked.resume();
  const isOver = hasBlockLists ? next(blocked, 'close') : next(server, 'connection');
  await isOver;
  blocked.destroy();
  const forbidden = net.connect({ port, host: '127.0.0.1', blockList } as net.NetConnectOpts);
  listen(said, 'client', forbidden);
  await next(forbidden, hasBlockLists ? 'close' : 'connect');
  forbidden.destroy();
  server.close();
  const attempts = ['client connectionAttempt', 'client error ERR_IP_BLOCKED'];
  if (hasBlockLists) expect(said).toEqual([...attempts, 'client close with error']);
  else expect(said).toContain('accepted');
});

serverSuite.add('has a limit of 0 mean what it means to the Node that runs', async () => {
  const said: string[] = [];
  const server = net.createServer((socket) => {
    said.push('accepted');
    socket.end();
  });
  server.maxConnections = 0;
  server.on('drop', (data) => said.push(`drop ${Object.getPrototypeOf(data) === null}`));
  const port = await portOf(server);
  const socket = net.connect(port, '127.0.0.1').resume();
  await next(socket, 'close');
  await closed(server);
  expect(said).toEqual([hasBlockLists ? 'drop true' : 'accepted']);
});

serverSuite.add('has no access to a folder that is missing', async () => {
  const path = join(tempDirectory(), 'missing', 'socket');
  const server = net.createServer().listen(path);
  const [error] = await next(server, 'error');
  const message = `listen EACCES: permission denied ${path}`;
  expect(error).toMatchObject({ code: 'EACCES', syscall: 'listen', address: path, message });
});
