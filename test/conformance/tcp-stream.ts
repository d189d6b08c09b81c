/**
 * Streams: connecting, reading, writing, half-open ends, closing, aborting, and peers that vanish.
 * The same cases for every backend; errors are held against `node:net`.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { once } from 'node:events';
import { connect } from 'node:net';
import type { NetConnectOpts } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import { TcpListener } from '../../src/io/tcp/tcp-listener.ts';
import { TcpStream } from '../../src/io/tcp/tcp-stream.ts';
import type { ConnectOptions } from '../../src/io/tcp/tcp-stream.ts';
import { Suite } from '../support/conformance-suite.ts';
import { expectSameRejection, fieldsOf, rejectionOf } from '../support/rejections.ts';
import { fullBacklog } from '../support/silent-listener.ts';
import { nodePeer, readAll, readExactly, tcpPair } from '../support/tcp-pair.ts';

export const streamSuite: Suite = new Suite();

const LOOPBACK = '127.0.0.1';
/** More than loopback buffers hold, so that a peer who does not read stops a writer. */
const MORE_THAN_BUFFERS = 16 * 1024 * 1024;

function nodeConnect(options: NetConnectOpts): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(options, () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}

/** A port that nobody listens on. */
async function closedPort(hostname = LOOPBACK): Promise<number> {
  const listener = await TcpListener.listen({ hostname, port: 0 });
  const { port } = listener.address();
  await listener.close();
  return port;
}

for (const hostname of [LOOPBACK, '::1', 'localhost']) {
  streamSuite.add(`a connection to ${hostname} knows both its ends`, async () => {
    const { client, server, destroy } = await tcpPair(hostname);
    expect(client.localAddress).toEqual(server.remoteAddress);
    expect(client.remoteAddress).toEqual(server.localAddress);
    expect(client.remoteAddress?.family).toBe(hostname === '::1' ? 'IPv6' : 'IPv4');
    await client.write('ping');
    expect(String(await server.read())).toBe('ping');
    await destroy();
  });
}

streamSuite.add('the host is localhost by default', async () => {
  await using listener = await TcpListener.listen({ port: 0 });
  for (const options of [{}, { hostname: undefined }, { hostname: '' }]) {
    const where = { ...options, port: listener.address().port } as ConnectOptions;
    const client = await TcpStream.connect(where);
    expect(['127.0.0.1', '::1']).toContain(client.remoteAddress?.address);
    await Promise.all([client.destroy(), (await listener.accept()).destroy()]);
  }
});

for (const hostname of [LOOPBACK, '::1', 'localhost']) {
  streamSuite.add(`a refusal by ${hostname} is that of node:net`, async () => {
    const port = await closedPort(hostname);
    const attempt = TcpStream.connect({ hostname, port });
    await expectSameRejection(attempt, nodeConnect({ host: hostname, port }));
  });
}

streamSuite.add('other failures to connect are those of node:net', async () => {
  for (const [hostname, port] of [
    [LOOPBACK, 0],
    ['no such host', 80],
    ['255.255.255.255', 80],
  ] as const) {
    const attempt = TcpStream.connect({ hostname, port });
    await expectSameRejection(attempt, nodeConnect({ host: hostname, port }));
  }
});

streamSuite.add('the zone of an address is looked up as by node:net', async () => {
  const where = { hostname: 'fe80::1%lo', port: 80 };
  await expectSameRejection(
    TcpStream.connect(where),
    nodeConnect({ host: 'fe80::1%lo', port: 80 }),
  );
  const { client, destroy } = await tcpPair('::1%lo');
  expect(client.remoteAddress?.address).toBe('::1');
  await destroy();
});

const wrong: readonly [name: string, options: unknown, code: string][] = [
  ['no options', undefined, 'ERR_INVALID_ARG_TYPE'],
  ['a number', 80, 'ERR_INVALID_ARG_TYPE'],
  ['no port', {}, 'ERR_INVALID_ARG_TYPE'],
  ['a port as a string', { port: '80' }, 'ERR_INVALID_ARG_TYPE'],
  ['port 65536', { port: 65_536 }, 'ERR_OUT_OF_RANGE'],
  ['a negative port', { port: -1 }, 'ERR_OUT_OF_RANGE'],
  ['a number for a host', { port: 80, hostname: 1 }, 'ERR_INVALID_ARG_TYPE'],
  ['an object for a signal', { port: 80, signal: {} }, 'ERR_INVALID_ARG_TYPE'],
  ['an option misspelled', { port: 80, host: LOOPBACK }, 'ERR_INVALID_ARG_VALUE'],
];

for (const [name, options, code] of wrong) {
  streamSuite.add(`connect() refuses ${name}`, async () => {
    const error = await rejectionOf(TcpStream.connect(options as ConnectOptions));
    expect(error.code).toBe(code);
  });
}

streamSuite.add('a signal that was aborted before refuses to connect', async () => {
  const reason = new Error('not today');
  const attempt = TcpStream.connect({ port: 1, signal: AbortSignal.abort(reason) });
  expect(await rejectionOf(attempt)).toBe(reason);
});

streamSuite.add('an abort ends an attempt that hangs', async () => {
  const silent = await fullBacklog();
  const controller = new AbortController();
  const { signal } = controller;
  const attempt = rejectionOf(TcpStream.connect({ hostname: LOOPBACK, port: silent.port, signal }));
  for (let turns = 0; turns < 5; turns += 1) await nextTurn();
  const reason = new Error('enough');
  controller.abort(reason);
  expect(await attempt).toBe(reason);
  silent.close();
});

streamSuite.add('an abort while the name is resolved ends the attempt', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const attempt = rejectionOf(TcpStream.connect({ hostname: 'localhost', port: 1, signal }));
  const reason = new Error('enough');
  controller.abort(reason);
  expect(await attempt).toBe(reason);
});

streamSuite.add('runtime.close() ends an attempt that hangs', async ({ runtime }) => {
  const silent = await fullBacklog();
  const attempt = rejectionOf(TcpStream.connect({ hostname: LOOPBACK, port: silent.port }));
  for (let turns = 0; turns < 5; turns += 1) await nextTurn();
  await runtime.close();
  expect(['ECANCELED', 'ERR_RUNTIME_CLOSED']).toContain((await attempt).code);
  silent.close();
});

streamSuite.add('read() gives null at the end, again and again', async () => {
  const { client, server, destroy } = await tcpPair();
  await client.write('last');
  await client.close();
  expect(String(await server.read())).toBe('last');
  expect(await server.read()).toBeNull();
  expect(await server.read()).toBeNull();
  await destroy();
});

streamSuite.add('reads that wait are served in their order', async () => {
  const { client, server, destroy } = await tcpPair();
  const reads = [server.read(), server.read(), server.read(), server.read()];
  await client.write('1');
  expect(String(await reads[0])).toBe('1');
  await client.write('2');
  expect(String(await reads[1])).toBe('2');
  await client.close();
  expect(await Promise.all(reads.slice(2))).toEqual([null, null]);
  await destroy();
});

streamSuite.add('iteration ends with the peer’s end', async () => {
  const { client, server, destroy } = await tcpPair();
  await client.write('abc');
  await client.write('def');
  await client.close();
  expect(String(await readAll(server))).toBe('abcdef');
  await destroy();
});

streamSuite.add('write() takes strings, views and nothing at all', async () => {
  const { client, server, destroy } = await tcpPair();
  await client.write('grüße ');
  await client.write('');
  await client.write(new Uint8Array(0));
  await client.write(Buffer.from('xviewx').subarray(1, 5));
  await client.write(new Uint8Array(Uint8Array.from(Buffer.from(' small'))));
  await client.close();
  expect(String(await readAll(server))).toBe('grüße view small');
  await destroy();
});

streamSuite.add('write() refuses what is not bytes', async () => {
  const { client, destroy } = await tcpPair();
  const detached = new Uint8Array(8);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const values: [value: unknown, code: string][] = [
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
    [1, 'ERR_INVALID_ARG_TYPE'],
    [{}, 'ERR_INVALID_ARG_TYPE'],
    [new ArrayBuffer(1), 'ERR_INVALID_ARG_TYPE'],
    [new Uint8Array(new SharedArrayBuffer(8)), 'ERR_INVALID_ARG_VALUE'],
    [detached, 'ERR_INVALID_ARG_VALUE'],
  ];
  for (const [value, code] of values) {
    expect((await rejectionOf(client.write(value as string))).code).toBe(code);
  }
  const options = { signal: {} as AbortSignal };
  expect((await rejectionOf(client.write('x', options))).code).toBe('ERR_INVALID_ARG_TYPE');
  expect((await rejectionOf(client.read(options))).code).toBe('ERR_INVALID_ARG_TYPE');
  await destroy();
});

streamSuite.add('bytesRead and bytesWritten count', async () => {
  const { client, server, destroy } = await tcpPair();
  await client.write(Buffer.alloc(100_000));
  expect(client.bytesWritten).toBe(100_000);
  await client.shutdown();
  await readAll(server);
  expect(server.bytesRead).toBe(100_000);
  expect([client.bytesRead, server.bytesWritten]).toEqual([0, 0]);
  await destroy();
  expect([client.bytesWritten, server.bytesRead]).toEqual([100_000, 100_000]);
});

streamSuite.add('after shutdown() the other direction goes on', async () => {
  const { client, server, destroy } = await tcpPair();
  await client.write('question');
  await client.shutdown();
  expect(String(await readAll(server))).toBe('question');
  await server.write('answer');
  expect(String(await client.read())).toBe('answer');
  await server.write('s');
  await server.shutdown();
  expect(String(await readAll(client))).toBe('s');
  await destroy();
});

streamSuite.add('shutdown() sends what is queued first', async () => {
  const { client, server, destroy } = await tcpPair();
  const bytes = Buffer.alloc(MORE_THAN_BUFFERS / 4, 'x');
  const writes = [client.write(bytes), client.write('tail')];
  const shut = client.shutdown();
  const received = await readAll(server);
  expect(received.length).toBe(bytes.length + 4);
  expect(String(received.subarray(-5))).toBe('xtail');
  await Promise.all([...writes, shut]);
  await destroy();
});

streamSuite.add('nothing can be written after shutdown()', async () => {
  const { client, destroy } = await tcpPair();
  const shut = client.shutdown();
  expect((await rejectionOf(client.write('late'))).code).toBe('ERR_SOCKET_CLOSED');
  expect((await rejectionOf(client.shutdown())).code).toBe('ERR_SOCKET_CLOSED');
  await shut;
  expect((await rejectionOf(client.write('late'))).code).toBe('ERR_SOCKET_CLOSED');
  expect((await rejectionOf(client.shutdown())).code).toBe('ERR_SOCKET_CLOSED');
  await destroy();
});

streamSuite.add('shutdown() that waits is settled by close()', async () => {
  const { client, server, destroy } = await tcpPair();
  const write = client.write(Buffer.alloc(MORE_THAN_BUFFERS));
  const shut = client.shutdown();
  const closing = client.close();
  expect((await readAll(server)).length).toBe(MORE_THAN_BUFFERS);
  await Promise.all([write, shut, closing]);
  await destroy();
});

streamSuite.add('shutdown() that waits is rejected by destroy()', async () => {
  const { client, destroy } = await tcpPair();
  const write = rejectionOf(client.write(Buffer.alloc(MORE_THAN_BUFFERS)));
  const shut = rejectionOf(client.shutdown());
  await client.destroy();
  expect((await write).code).toBe('ERR_SOCKET_CLOSED');
  expect((await shut).code).toBe('ERR_SOCKET_CLOSED');
  await destroy();
});

streamSuite.add('close() sends what is queued', async () => {
  const { client, server, destroy } = await tcpPair();
  const bytes = Buffer.alloc(MORE_THAN_BUFFERS, 'x');
  const writes = [client.write(bytes), client.write('tail')];
  const closing = client.close();
  expect(client.isClosed).toBe(true);
  const received = await readAll(server);
  expect(received.length).toBe(bytes.length + 4);
  await Promise.all([...writes, closing]);
  await destroy();
});

streamSuite.add('a closed stream refuses everything', async () => {
  const { client, server } = await tcpPair();
  await client.close();
  await client.close();
  await client.destroy();
  for (const attempt of [() => client.read(), () => client.write('x'), () => client.shutdown()]) {
    const error = await rejectionOf(attempt());
    expect([error.code, error.message]).toEqual(['ERR_SOCKET_CLOSED', 'The socket is closed']);
  }
  await server.close();
});

streamSuite.add('close() rejects reads that wait', async () => {
  const { client, server } = await tcpPair();
  const reads = [rejectionOf(client.read()), rejectionOf(client.read())];
  await client.close();
  for (const error of await Promise.all(reads)) expect(error.code).toBe('ERR_SOCKET_CLOSED');
  await server.close();
});

streamSuite.add('destroy() rejects writes that wait', async () => {
  const { client, server, destroy } = await tcpPair();
  const writes = Array.from({ length: 3 }, () =>
    rejectionOf(client.write(Buffer.alloc(MORE_THAN_BUFFERS))),
  );
  const read = rejectionOf(client.read());
  await nextTurn();
  await client.destroy();
  for (const error of await Promise.all([...writes, read])) {
    expect([error.code, error.message]).toEqual(['ERR_SOCKET_CLOSED', 'The socket is closed']);
  }
  expect(server.isClosed).toBe(false);
  await destroy();
});

streamSuite.add('destroy() ends a close() that cannot finish', async () => {
  const { client, destroy } = await tcpPair();
  const write = rejectionOf(client.write(Buffer.alloc(MORE_THAN_BUFFERS)));
  const closing = client.close();
  await nextTurn();
  await client.destroy();
  await closing;
  expect((await write).code).toBe('ERR_SOCKET_CLOSED');
  await destroy();
});

streamSuite.add('a stream disposes of itself', async () => {
  const { client, server } = await tcpPair();
  {
    await using stream = client;
    await stream.write('bye');
  }
  expect(client.isClosed).toBe(true);
  expect(String(await readAll(server))).toBe('bye');
  await server.close();
});

streamSuite.add('an abort of a read leaves the stream usable', async () => {
  const { client, server, destroy } = await tcpPair();
  const controller = new AbortController();
  const reading = rejectionOf(server.read({ signal: controller.signal }));
  await nextTurn();
  const reason = new Error('enough');
  controller.abort(reason);
  expect(await reading).toBe(reason);
  await client.write('later');
  expect(String(await server.read())).toBe('later');
  await destroy();
});

streamSuite.add('a signal that was aborted before refuses a read and a write', async () => {
  const { client, server, destroy } = await tcpPair();
  const reason = new Error('not today');
  const signal = AbortSignal.abort(reason);
  expect(await rejectionOf(server.read({ signal }))).toBe(reason);
  expect(await rejectionOf(client.write('x', { signal }))).toBe(reason);
  await client.write('12');
  expect((await readExactly(server, 1)).length).toBeGreaterThan(0);
  await client.write('fine');
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
  // Also when something is there to be read.
  expect(await rejectionOf(server.read({ signal }))).toBe(reason);
  expect(String(await server.read())).toBe('fine');
  await destroy();
});

streamSuite.add('an abort of a write that waits destroys the stream', async () => {
  const { client, destroy } = await tcpPair();
  const controller = new AbortController();
  const first = rejectionOf(client.write(Buffer.alloc(MORE_THAN_BUFFERS)));
  const writing = client.write(Buffer.alloc(MORE_THAN_BUFFERS), { signal: controller.signal });
  const rejected = rejectionOf(writing);
  await nextTurn();
  const reason = new Error('enough');
  controller.abort(reason);
  expect(await rejected).toBe(reason);
  expect((await first).code).toBe('ERR_SOCKET_CLOSED');
  expect(client.isClosed).toBe(true);
  await destroy();
});

streamSuite.add('an abort after the write is too late', async () => {
  const { client, server, destroy } = await tcpPair();
  const controller = new AbortController();
  await client.write('done', { signal: controller.signal });
  controller.abort();
  await nextTurn();
  expect(client.isClosed).toBe(false);
  expect(String(await server.read())).toBe('done');
  await destroy();
});

/** What `node:net` reports when its peer resets the connection. */
async function resetOfNode(): Promise<Record<string, unknown>> {
  const listener = await TcpListener.listen({ hostname: LOOPBACK, port: 0 });
  const [first, second] = [
    connect({ host: LOOPBACK, port: listener.address().port }),
    await listener.accept(),
  ];
  await listener.close();
  const failure = once(first, 'error').catch((error: unknown) => [error]);
  // Bytes that nobody read make the close a reset.
  await new Promise((resolve) => first.write('unread', resolve));
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
  await second.destroy();
  const [error] = (await failure) as [Error];
  return fieldsOf(error);
}

streamSuite.add('a reset is reported as by node:net', async () => {
  const { stream, peer } = await nodePeer();
  const reading = rejectionOf(stream.read());
  await nextTurn();
  peer.resetAndDestroy();
  const error = await reading;
  expect(error).toMatchObject({ code: 'ECONNRESET', errno: -104, syscall: 'read' });
  expect(fieldsOf(error)).toEqual(await resetOfNode());
  // It stays broken, and can be closed.
  expect((await rejectionOf(stream.read())).code).toBe('ECONNRESET');
  await stream.close();
});

streamSuite.add('what arrived before a reset can still be read', async () => {
  const { stream, peer } = await nodePeer();
  await new Promise((resolve) => peer.write('before', resolve));
  expect(String(await stream.read())).toBe('before');
  peer.resetAndDestroy();
  expect((await rejectionOf(stream.read())).code).toBe('ECONNRESET');
  await stream.close();
});

streamSuite.add('writes to a peer that is gone fail with EPIPE or ECONNRESET', async () => {
  const { stream, peer } = await nodePeer();
  peer.resetAndDestroy();
  await once(peer, 'close');
  let failure: Error | undefined;
  for (let i = 0; i < 100 && failure === undefined; i += 1) {
    failure = await stream.write('x').then(
      () => undefined,
      (error: Error) => error,
    );
    // What was copied is sent, or refused, with the tick.
    await nextTurn();
  }
  expect(failure).toMatchObject({ syscall: 'write' });
  expect(['write EPIPE', 'write ECONNRESET']).toContain(failure?.message);
  await stream.close();
});

streamSuite.add('a reset fails every write that waits, and close() resolves', async () => {
  const { stream, peer } = await nodePeer();
  const writes = Array.from({ length: 4 }, () =>
    rejectionOf(stream.write(Buffer.alloc(MORE_THAN_BUFFERS))),
  );
  const closing = stream.close();
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
  peer.resetAndDestroy();
  for (const error of await Promise.all(writes)) {
    expect(['ECONNRESET', 'EPIPE', 'ERR_SOCKET_CLOSED']).toContain(error.code);
  }
  await closing;
});

streamSuite.add('runtime.close() ends streams and what waits on them', async ({ runtime }) => {
  const { client, server } = await tcpPair();
  const other = await tcpPair();
  const waiting = [
    rejectionOf(client.read()),
    rejectionOf(other.server.read()),
    rejectionOf(client.write(Buffer.alloc(MORE_THAN_BUFFERS))),
    rejectionOf(client.shutdown()),
  ];
  await nextTurn();
  await runtime.close();
  for (const error of await Promise.all(waiting)) {
    expect(['ERR_SOCKET_CLOSED', 'ERR_RUNTIME_CLOSED', 'ECANCELED']).toContain(error.code);
  }
  for (const stream of [client, server, other.client, other.server]) {
    expect(stream.isClosed).toBe(true);
    expect((await rejectionOf(stream.write('x'))).code).toBe('ERR_SOCKET_CLOSED');
    await stream.close();
  }
});
