/**
 * `net.Socket`: its events and their order, its properties, its errors.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import * as net from '../../../src/io/net/net.ts';
import { Suite } from '../../support/conformance-suite.ts';
import { tempDirectory } from '../../support/temp-directory.ts';
import { closed, listen, next, portOf, refusal } from './transcript.ts';

export const socketSuite: Suite = new Suite();

socketSuite.add('both ends say the same in the same order', async () => {
  const said: string[] = [];
  const server = net.createServer((socket) => {
    listen(said, 'server', socket);
    socket.on('data', () => socket.end('bye'));
  });
  const port = await portOf(server);
  const client = net.connect(port, '127.0.0.1');
  listen(said, 'client', client);
  client.write('hi');
  await Promise.all([
    next(client, 'close'),
    once(server, 'connection').then(([s]) => once(s, 'close')),
  ]);
  await closed(server);
  const of = (name: string): string[] => said.filter((line) => line.startsWith(name));
  expect(of('client')).toEqual([
    'client connectionAttempt',
    'client connect',
    'client ready',
    'client data bye',
    'client end',
    'client finish',
    'client close',
  ]);
  expect(of('server')).toEqual(['server data hi', 'server finish', 'server end', 'server close']);
});

socketSuite.add('its state shows at every stage', async () => {
  const server = net.createServer({ allowHalfOpen: true });
  const port = await portOf(server);
  const socket = new net.Socket();
  const seen: unknown[] = [];
  const note = (): void => {
    seen.push([socket.connecting, socket.pending, socket.readyState, socket.destroyed]);
  };
  note();
  socket.connect(port, '127.0.0.1');
  note();
  const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
  note();
  expect(socket.address()).toEqual({
    address: '127.0.0.1',
    family: 'IPv4',
    port: (peer as net.Socket).remotePort,
  });
  expect([socket.remoteAddress, socket.remotePort, socket.remoteFamily]).toEqual([
    '127.0.0.1',
    port,
    'IPv4',
  ]);
  socket.end();
  await next((peer as net.Socket).resume(), 'end');
  note();
  (peer as net.Socket).end();
  socket.resume();
  await once(socket, 'close');
  note();
  expect(seen).toEqual([
    [false, true, 'open', false],
    [true, true, 'opening', false],
    [false, false, 'open', false],
    [false, false, 'readOnly', false],
    [false, true, 'closed', true],
  ]);
  expect([socket.bytesRead, socket.bytesWritten, socket.remoteAddress]).toEqual([
    0,
    0,
    '127.0.0.1',
  ]);
  await closed(server);
});

socketSuite.add('counts bytes while they wait and when they are gone', async () => {
  const server = net.createServer((peer) => peer.resume());
  const port = await portOf(server);
  const socket = net.connect(port, '127.0.0.1');
  socket.write('käse');
  socket.write(Buffer.alloc(100));
  socket.write('ff00', 'hex');
  expect([socket.bytesWritten, socket.bufferSize]).toEqual([107, 108]);
  await once(socket, 'connect');
  socket.end();
  await once(socket, 'finish');
  expect([socket.bytesWritten, socket.bufferSize]).toEqual([107, 0]);
  await once(socket.resume(), 'close');
  expect([socket.bytesWritten, socket.bufferSize]).toEqual([107, undefined]);
  await closed(server);
});

socketSuite.add('names who refused, in code, message and order', async () => {
  const server = net.createServer();
  const port = await portOf(server);
  await closed(server);
  const said: string[] = [];
  const socket = net.connect(port, '127.0.0.1');
  listen(said, 'socket', socket);
  const [error] = await next(socket, 'error');
  expect(error).toMatchObject({
    code: 'ECONNREFUSED',
    errno: -111,
    syscall: 'connect',
    address: '127.0.0.1',
    port,
    message: `connect ECONNREFUSED 127.0.0.1:${port}`,
  });
  await next(socket, 'close');
  expect(said).toEqual([
    'socket connectionAttempt',
    'socket connectionAttemptFailed ECONNREFUSED',
    'socket error ECONNREFUSED',
    'socket close with error',
  ]);
});

socketSuite.add('says where it came from when there is no way', async () => {
  const socket = net.connect({ port: 9, host: '127.0.0.1', localAddress: '192.0.2.1' });
  const [bind] = await next(socket, 'error');
  expect(bind).toMatchObject({ code: 'EADDRNOTAVAIL', syscall: 'bind', address: '192.0.2.1' });
  const pipe = net.connect(join(tempDirectory(), 'nobody'));
  const [missing] = (await next(pipe, 'error')) as [NodeJS.ErrnoException];
  expect(missing.code).toBe('ENOENT');
  expect(missing.message).toMatch(/^connect ENOENT \//);
});

socketSuite.add('a name with several addresses is tried until one answers', async () => {
  const server = net.createServer((peer) => peer.end());
  const port = await portOf(server);
  const said: string[] = [];
  const socket = net.connect({
    port,
    host: 'several.test',
    autoSelectFamily: true,
    lookup: (_host, _options, done) =>
      void setImmediate(done, null, [
        { address: '127.0.0.2', family: 4 },
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ]),
  });
  listen(said, 'socket', socket);
  await next(socket.resume(), 'close');
  expect(said).toEqual([
    'socket lookup',
    'socket lookup',
    'socket lookup',
    'socket connectionAttempt',
    'socket connectionAttemptFailed ECONNREFUSED',
    'socket connectionAttempt',
    'socket connectionAttemptFailed ECONNREFUSED',
    'socket connectionAttempt',
    'socket connect',
    'socket ready',
    'socket end',
    'socket finish',
    'socket close',
  ]);
  expect(socket.autoSelectFamilyAttemptedAddresses).toEqual([
    `127.0.0.2:${port}`,
    `::1:${port}`,
    `127.0.0.1:${port}`,
  ]);
  await closed(server);
});

socketSuite.add('all addresses refusing is one error that holds them all', async () => {
  const server = net.createServer();
  const port = await portOf(server);
  await closed(server);
  const socket = net.connect({
    port,
    host: 'several.test',
    autoSelectFamily: true,
    lookup: (_host, _options, done) =>
      void setImmediate(done, null, [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.2', family: 4 },
      ]),
  });
  const [error] = (await next(socket, 'error')) as [AggregateError & { code: string }];
  expect([error.name, error.code, error.errors.length]).toEqual([
    'AggregateError',
    'ECONNREFUSED',
    2,
  ]);
});

socketSuite.add('a write before the connection arrives, one after the close fails', async () => {
  const server = net.createServer((peer) => peer.pipe(peer));
  const port = await portOf(server);
  const socket = net.connect(port, '127.0.0.1');
  socket.setEncoding('utf8');
  socket.write('a');
  socket.write('b');
  socket.end('c');
  let got = '';
  socket.on('data', (text) => (got += text));
  await next(socket, 'close');
  expect(got).toBe('abc');
  const failed = new Promise<Error | null | undefined>((resolve) => socket.write('late', resolve));
  socket.on('error', () => {});
  expect(await failed).toMatchObject({ code: 'EPIPE' });
  await closed(server);
});

socketSuite.add('a write that is destroyed before the connection says so', async () => {
  const socket = new net.Socket();
  socket.on('error', () => {});
  const outcome = new Promise<unknown>((resolve) => {
    socket.connect({ port: 9, host: '127.0.0.1', lookup: () => {} });
    socket.write('x', resolve);
  });
  socket.destroy();
  expect(await outcome).toMatchObject({ code: 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION' });
});

socketSuite.add('a peer that has ended cannot be written to', async () => {
  const server = net.createServer((peer) => peer.end());
  const port = await portOf(server);
  const socket = net.connect(port, '127.0.0.1');
  await next(socket.resume(), 'end');
  const error = next(socket, 'error');
  const outcome = new Promise<Error | null | undefined>((resolve) => socket.write('x', resolve));
  expect(await outcome).toMatchObject({ code: 'EPIPE' });
  await error;
  await closed(server);
});

socketSuite.add('half open stays open for writing', async () => {
  const server = net.createServer({ allowHalfOpen: true }, (peer) => {
    peer.resume().on('end', () => setImmediate(() => peer.end('still here')));
  });
  const port = await portOf(server);
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end('x');
  const [data] = await next(socket, 'data');
  expect(String(data)).toBe('still here');
  await next(socket, 'close');
  await closed(server);
});

socketSuite.add('a reset reaches the peer', async () => {
  const server = net.createServer((peer) => {
    peer.resetAndDestroy();
  });
  const port = await portOf(server);
  const said: string[] = [];
  const socket = net.connect(port, '127.0.0.1');
  listen(said, 'socket', socket);
  await next(socket, 'close');
  expect(said.slice(-2)).toEqual(['socket error ECONNRESET', 'socket close with error']);
  const idle = new net.Socket();
  idle.resetAndDestroy();
  expect((await next(idle, 'error'))[0]).toMatchObject({ code: 'ERR_SOCKET_CLOSED' });
  await closed(server);
});

socketSuite.add('a timeout fires while nothing moves, and not before', async () => {
  const server = net.createServer((peer) => peer.resume());
  const port = await portOf(server);
  const socket = net.connect({ port, host: '127.0.0.1', timeout: 60 });
  const began = performance.now();
  expect(socket.timeout).toBe(60);
  await next(socket, 'timeout');
  expect(performance.now() - began).toBeGreaterThan(58);
  expect(socket.setTimeout(0).timeout).toBe(0);
  socket.destroy();
  await next(socket, 'close');
  await closed(server);
});

socketSuite.add('onread receives into the buffer that it is given', async () => {
  const server = net.createServer((peer) => peer.end('0123456789'));
  const port = await portOf(server);
  const buffer = Buffer.alloc(4);
  const pieces: string[] = [];
  const socket = net.connect({
    port,
    host: '127.0.0.1',
    onread: {
      buffer,
      callback(length, filled) {
        expect(filled).toBe(buffer);
        pieces.push(String(filled.subarray(0, length)));
        return true;
      },
    },
  });
  await next(socket, 'close');
  expect(pieces.join('')).toBe('0123456789');
  expect(pieces.every(({ length }) => length <= 4)).toBe(true);
  expect(socket.bytesRead).toBe(10);
  await closed(server);
});

socketSuite.add('onread that returns false pauses', async () => {
  const server = net.createServer((peer) => peer.end('abcdef'));
  const port = await portOf(server);
  const pieces: string[] = [];
  const socket: net.Socket = net.connect({
    port,
    host: '127.0.0.1',
    onread: {
      buffer: () => Buffer.alloc(2),
      callback(length, filled) {
        pieces.push(String(Buffer.from(filled).subarray(0, length)));
        setImmediate(() => socket.resume());
        return false;
      },
    },
  });
  await next(socket, 'close');
  expect(pieces).toEqual(['ab', 'cd', 'ef']);
  await closed(server);
});

socketSuite.add('a paused socket stops the sender, and loses nothing', async () => {
  const size = 24 * 1024 * 1024;
  const server = net.createServer((peer) => peer.end(Buffer.alloc(size, 'x')));
  const port = await portOf(server);
  const socket = net.connect(port, '127.0.0.1');
  let got = 0;
  socket.once('data', (chunk) => {
    got += chunk.length;
    socket.pause();
  });
  await next(socket, 'data');
  for (let turns = 0; turns < 50; turns += 1) await nextTurn();
  expect(socket.bytesRead).toBeLessThan(4 * 1024 * 1024);
  socket.on('data', (chunk) => (got += chunk.length));
  socket.resume();
  await next(socket, 'close');
  expect([got, socket.bytesRead]).toEqual([size, size]);
  await closed(server);
});

socketSuite.add('a signal destroys it, before, while and after it connects', async () => {
  const server = net.createServer((peer) => peer.resume());
  const port = await portOf(server);
  const early = net.connect({
    port,
    host: 'never.test',
    lookup: () => {},
    signal: AbortSignal.abort(),
  });
  expect((await next(early, 'error'))[0]).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
  // It connects all the same, in Node as well.
  early.destroy();
  const aborter = new AbortController();
  const late = net.connect({ port, host: '127.0.0.1', signal: aborter.signal });
  const accepted = once(server, 'connection');
  await next(late, 'connect');
  await accepted;
  const end = next(late, 'close');
  aborter.abort();
  expect((await next(late, 'error'))[0]).toMatchObject({ name: 'AbortError' });
  await end;
  for (const peer of server.listeners('x')) void peer;
  await new Promise<void>((resolve) => {
    server.getConnections(() => resolve());
  });
  server.close();
});

socketSuite.add('may be used again after its end', async () => {
  const server = net.createServer((peer) => peer.end('again'));
  const port = await portOf(server);
  const socket = new net.Socket();
  for (let round = 0; round < 3; round += 1) {
    socket.connect(port, '127.0.0.1');
    const [data] = await next(socket, 'data');
    expect(String(data)).toBe('again');
    await next(socket, 'close');
  }
  await closed(server);
});

socketSuite.add(
  'the class can be called, extended, and is a stream',
  async () => {
    const { Socket } = net;
    const called = (Socket as unknown as (options?: object) => net.Socket)();
    expect(called instanceof Socket && called instanceof Duplex).toBe(true);
    expect(net.Stream).toBe(Socket);
    function Old(this: net.Socket): void {
      Reflect.apply(Socket as never, this, [{ allowHalfOpen: true }]);
    }
    Object.setPrototypeOf(Old.prototype, Socket.prototype);
    const old = Reflect.construct(Old, []) as net.Socket;
    expect([old instanceof Socket, old.allowHalfOpen, old.readyState]).toEqual([
      true,
      true,
      'open',
    ]);
  },
  { skip: ['libuv', 'the classes are those of the backend that there was at the import'] },
);

socketSuite.add(
  'bad arguments get Node words',
  () => {
    const { connect, Socket } = net;
    const said = [
      refusal(() => connect({ port: 65_536 })),
      refusal(() => connect({ port: 1, localAddress: 'x' })),
      refusal(() => connect({ port: 1, localPort: 'x' as never })),
      refusal(() => connect({} as never)),
      refusal(() => new Socket().setTimeout('x' as never)),
      refusal(() => new Socket().setTimeout(-1)),
      refusal(() => new Socket({ objectMode: true } as never)),
      refusal(() => new Socket({ fd: -1 })),
      refusal(() => connect({ port: 1, lookup: 'x' as never, host: 'a.test' })),
    ];
    expect(said.map((line) => line.replace(/:.*/, ''))).toEqual([
      'RangeError ERR_SOCKET_BAD_PORT',
      'TypeError ERR_INVALID_IP_ADDRESS',
      'TypeError ERR_INVALID_ARG_TYPE',
      'TypeError ERR_MISSING_ARGS',
      'TypeError ERR_INVALID_ARG_TYPE',
      'RangeError ERR_OUT_OF_RANGE',
      'TypeError ERR_INVALID_ARG_VALUE',
      'RangeError ERR_OUT_OF_RANGE',
      'TypeError ERR_INVALID_ARG_TYPE',
    ]);
  },
  { skip: ['libuv', 'Node leaves what it has opened to the garbage collector'] },
);

socketSuite.add('events run in the context that the socket was made in', async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const note = (): void => void seen.push(storage.getStore());
  const server = storage.run('server', () =>
    net.createServer((peer) => {
      note();
      peer.on('data', () => {
        note();
        peer.end();
      });
    }),
  );
  const port = await storage.run('listen', () => portOf(server));
  const socket = storage.run('client', () => net.connect(port, '127.0.0.1', note));
  await next(socket, 'connect');
  await storage.run(
    'writer',
    () =>
      new Promise<void>((resolve) => {
        socket.write('x', () => {
          note();
          resolve();
        });
      }),
  );
  socket.on('end', note).resume();
  await next(socket, 'close');
  expect(seen.map(String).toSorted((a, b) => a.localeCompare(b))).toEqual([
    'client',
    'client',
    'listen',
    'undefined',
    'writer',
  ]);
  await closed(server);
});
