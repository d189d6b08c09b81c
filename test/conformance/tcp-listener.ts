/**
 * Listening and accepting: addresses, errors, order, the backlog, aborting, closing. The same
 * cases for every backend.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, ListenOptions as NodeListenOptions } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import { TcpListener } from '../../src/io/tcp/tcp-listener.ts';
import type { ListenOptions } from '../../src/io/tcp/tcp-listener.ts';
import { TcpStream } from '../../src/io/tcp/tcp-stream.ts';
import { Suite } from '../support/conformance-suite.ts';
import { expectSameRejection, rejectionOf } from '../support/rejections.ts';
import { readAll } from '../support/tcp-pair.ts';

export const listenerSuite: Suite = new Suite();

const LOOPBACK = '127.0.0.1';

function listen(options: Partial<ListenOptions> = {}): Promise<TcpListener> {
  return TcpListener.listen({ hostname: LOOPBACK, port: 0, ...options });
}

function connectTo(listener: TcpListener): Promise<TcpStream> {
  return TcpStream.connect({ hostname: LOOPBACK, port: listener.address().port });
}

/** Listens with `node:net`; resolves when closed again. */
function nodeListen(options: NodeListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(options, () => server.close(() => resolve()));
  });
}

listenerSuite.add('address() tells where it listens', async () => {
  const cases = [
    [{ hostname: LOOPBACK }, LOOPBACK, 'IPv4'],
    [{ hostname: '0.0.0.0' }, '0.0.0.0', 'IPv4'],
    [{ hostname: '::1' }, '::1', 'IPv6'],
    [{ hostname: '::' }, '::', 'IPv6'],
    [{}, '::', 'IPv6'],
    [{ hostname: undefined }, '::', 'IPv6'],
    [{ hostname: '' }, '::', 'IPv6'],
  ] as const;
  for (const [options, address, family] of cases) {
    await using listener = await TcpListener.listen({ ...options, port: 0 } as ListenOptions);
    const { port } = listener.address();
    expect(listener.address()).toEqual({ address, family, port });
    expect(port).toBeGreaterThan(0);
    expect(port).toBeLessThan(65_536);
  }
});

listenerSuite.add('a host name is resolved', async () => {
  await using listener = await listen({ hostname: 'localhost' });
  expect(['127.0.0.1', '::1']).toContain(listener.address().address);
});

listenerSuite.add('without a host, both families reach it', async () => {
  await using listener = await TcpListener.listen({ port: 0 });
  const { port } = listener.address();
  for (const hostname of [LOOPBACK, '::1']) {
    const client = await TcpStream.connect({ hostname, port });
    const server = await listener.accept();
    const mapped = hostname === '::1' ? '::1' : '::ffff:127.0.0.1';
    expect(server.remoteAddress).toMatchObject({ address: mapped, family: 'IPv6' });
    expect(server.remoteAddress?.port).toBe(client.localAddress?.port);
    await Promise.all([client.close(), server.close()]);
  }
});

listenerSuite.add('a port in use is refused as by node:net', async () => {
  await using listener = await listen();
  const where = { port: listener.address().port };
  await expectSameRejection(listen(where), nodeListen({ host: LOOPBACK, ...where }));
});

listenerSuite.add('addresses that are not ours are refused as by node:net', async () => {
  for (const where of [
    { hostname: '192.0.2.1', port: 0 },
    { hostname: '192.0.2.1', port: 8080 },
    { hostname: '2001:db8::1', port: 8080 },
    { hostname: 'fe80::1%lo', port: 8080 },
  ]) {
    const { hostname: host, port } = where;
    await expectSameRejection(listen(where), nodeListen({ host, port }));
  }
});

listenerSuite.add('a host that does not exist is refused as by node:net', async () => {
  const where = { hostname: 'no such host', port: 0 };
  await expectSameRejection(listen(where), nodeListen({ host: 'no such host', port: 0 }));
});

const wrong: readonly [name: string, options: unknown, code: string][] = [
  ['no options', undefined, 'ERR_INVALID_ARG_TYPE'],
  ['null', null, 'ERR_INVALID_ARG_TYPE'],
  ['a number', 8080, 'ERR_INVALID_ARG_TYPE'],
  ['no port', {}, 'ERR_INVALID_ARG_TYPE'],
  ['a port as a string', { port: '0' }, 'ERR_INVALID_ARG_TYPE'],
  ['a negative port', { port: -1 }, 'ERR_OUT_OF_RANGE'],
  ['port 65536', { port: 65_536 }, 'ERR_OUT_OF_RANGE'],
  ['a fractional port', { port: 0.5 }, 'ERR_OUT_OF_RANGE'],
  ['NaN', { port: Number.NaN }, 'ERR_OUT_OF_RANGE'],
  ['a number for a host', { port: 0, hostname: 1 }, 'ERR_INVALID_ARG_TYPE'],
  ['null for a host', { port: 0, hostname: null }, 'ERR_INVALID_ARG_TYPE'],
  ['a negative backlog', { port: 0, backlog: -1 }, 'ERR_OUT_OF_RANGE'],
  ['a string for reusePort', { port: 0, reusePort: 'yes' }, 'ERR_INVALID_ARG_TYPE'],
  ['an object for a signal', { port: 0, signal: {} }, 'ERR_INVALID_ARG_TYPE'],
  ['a function for callbacks', { port: 0, socket: () => {} }, 'ERR_INVALID_ARG_TYPE'],
  ['callbacks without data', { port: 0, socket: {} }, 'ERR_INVALID_ARG_TYPE'],
  ['a string for open', { port: 0, socket: { data() {}, open: '' } }, 'ERR_INVALID_ARG_TYPE'],
  ['a callback misspelled', { port: 0, socket: { data() {}, opne() {} } }, 'ERR_INVALID_ARG_VALUE'],
  ['an option misspelled', { port: 0, hostnane: '::1' }, 'ERR_INVALID_ARG_VALUE'],
];

for (const [name, options, code] of wrong) {
  listenerSuite.add(`listen() refuses ${name}`, async () => {
    const attempt = TcpListener.listen(options as ListenOptions);
    expect((await rejectionOf(attempt)).code).toBe(code);
  });
}

listenerSuite.add('accept() gives connections in their order', async () => {
  await using listener = await listen();
  const clients: TcpStream[] = [];
  for (let i = 0; i < 10; i += 1) clients.push(await connectTo(listener));
  for (const client of clients) {
    const server = await listener.accept();
    expect(server.remoteAddress).toEqual(client.localAddress);
    expect(server.localAddress).toEqual(client.remoteAddress);
    await Promise.all([server.destroy(), client.destroy()]);
  }
});

listenerSuite.add('accept() may be asked for ahead, many times', async () => {
  await using listener = await listen();
  const accepting = Array.from({ length: 10 }, () => listener.accept());
  const clients: TcpStream[] = [];
  for (let i = 0; i < 10; i += 1) clients.push(await connectTo(listener));
  const servers = await Promise.all(accepting);
  expect(servers.map((server) => server.remoteAddress?.port)).toEqual(
    clients.map((client) => client.localAddress?.port),
  );
  await Promise.all([...clients, ...servers].map((stream) => stream.destroy()));
});

listenerSuite.add('iteration gives connections; leaving it closes the listener', async () => {
  const listener = await listen();
  const clients = [await connectTo(listener), await connectTo(listener)];
  let count = 0;
  for await (const server of listener) {
    await server.close();
    count += 1;
    if (count === 2) break;
  }
  expect(listener.isClosed).toBe(true);
  await expect(connectTo(listener)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await Promise.all(clients.map((client) => client.close()));
});

listenerSuite.add('iteration ends when the listener is closed', async () => {
  const listener = await listen();
  const iterating = (async () => {
    const streams: TcpStream[] = [];
    for await (const stream of listener) streams.push(stream);
    return streams;
  })();
  const client = await connectTo(listener);
  const address = client.localAddress;
  while (!(await isAccepted(client))) await nextTurn();
  await listener.close();
  const streams = await iterating;
  expect(streams.map(({ remoteAddress }) => remoteAddress)).toEqual([address]);
  await Promise.all([client.destroy(), ...streams.map((stream) => stream.destroy())]);
});

/** Loopback connects before anybody accepts: a turn later the listener has heard of it. */
async function isAccepted(client: TcpStream): Promise<boolean> {
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
  return client.remoteAddress !== null;
}

listenerSuite.add('an exception in the loop closes the listener and goes on', async () => {
  const listener = await listen();
  const client = await connectTo(listener);
  const iterating = (async () => {
    for await (const stream of listener) {
      await stream.close();
      throw new Error('enough');
    }
  })();
  await expect(iterating).rejects.toThrow('enough');
  expect(listener.isClosed).toBe(true);
  await client.close();
});

listenerSuite.add('close() rejects who waits, and twice is once', async () => {
  const listener = await listen();
  const waiting = [rejectionOf(listener.accept()), rejectionOf(listener.accept())];
  const closing = listener.close();
  expect(listener.isClosed).toBe(true);
  for (const error of await Promise.all(waiting)) {
    expect([error.code, error.message]).toEqual(['ERR_LISTENER_CLOSED', 'The listener is closed']);
  }
  await Promise.all([closing, listener.close()]);
  expect((await rejectionOf(listener.accept())).code).toBe('ERR_LISTENER_CLOSED');
});

listenerSuite.add('close() frees the port at once', async () => {
  const listener = await listen();
  const { port } = listener.address();
  await listener.close();
  const next = await listen({ port });
  expect(next.address().port).toBe(port);
  await next.close();
});

listenerSuite.add('close() closes connections that nobody took', async () => {
  const listener = await listen();
  const clients = await Promise.all(Array.from({ length: 5 }, () => connectTo(listener)));
  const ends = clients.map((client) =>
    readAll(client).then(
      (bytes) => bytes.length,
      ({ code }: { code: string }) => code,
    ),
  );
  await nextTurn();
  await listener.close();
  for (const end of await Promise.all(ends)) expect([0, 'ECONNRESET']).toContain(end);
  await Promise.all(clients.map((client) => client.close()));
});

listenerSuite.add('connections that were taken live on', async () => {
  const listener = await listen();
  const client = await connectTo(listener);
  const server = await listener.accept();
  await listener.close();
  await client.write('still');
  expect(String(await server.read())).toBe('still');
  await Promise.all([client.close(), server.close()]);
});

listenerSuite.add('a listener disposes of itself', async () => {
  let outer: TcpListener;
  {
    await using listener = await listen();
    outer = listener;
  }
  expect(outer.isClosed).toBe(true);
});

listenerSuite.add('a signal that was aborted before refuses to listen and to accept', async () => {
  const reason = new Error('not today');
  const signal = AbortSignal.abort(reason);
  expect(await rejectionOf(listen({ signal }))).toBe(reason);
  await using listener = await listen();
  expect(await rejectionOf(listener.accept({ signal }))).toBe(reason);
});

listenerSuite.add('a signal that was aborted before refuses a connection that waits', async () => {
  await using listener = await listen();
  const client = await connectTo(listener);
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
  const reason = new Error('not today');
  const signal = AbortSignal.abort(reason);
  expect(await rejectionOf(listener.accept({ signal }))).toBe(reason);
  await expect(listener.accept({ signal: {} as AbortSignal })).rejects.toMatchObject({
    code: 'ERR_INVALID_ARG_TYPE',
  });
  const server = await listener.accept();
  await Promise.all([client.destroy(), server.destroy()]);
});

listenerSuite.add('an abort while it resolves a name leaves nothing', async () => {
  const controller = new AbortController();
  const attempt = rejectionOf(listen({ hostname: 'localhost', signal: controller.signal }));
  const reason = new Error('enough');
  controller.abort(reason);
  expect(await attempt).toBe(reason);
});

listenerSuite.add('an abort closes the listener', async () => {
  const controller = new AbortController();
  const listener = await listen({ signal: controller.signal });
  const waiting = rejectionOf(listener.accept());
  controller.abort();
  expect((await waiting).code).toBe('ERR_LISTENER_CLOSED');
  expect(listener.isClosed).toBe(true);
  await listener.close();
});

listenerSuite.add('an abort of an accept leaves the connection to the next', async () => {
  await using listener = await listen();
  const controller = new AbortController();
  const first = rejectionOf(listener.accept({ signal: controller.signal }));
  const second = listener.accept();
  const reason = new Error('enough');
  controller.abort(reason);
  expect(await first).toBe(reason);
  const client = await connectTo(listener);
  const server = await second;
  expect(server.remoteAddress).toEqual(client.localAddress);
  await Promise.all([client.destroy(), server.destroy()]);
});

listenerSuite.add('an abort after the connection came is too late', async () => {
  await using listener = await listen();
  const controller = new AbortController();
  const accepting = listener.accept({ signal: controller.signal });
  const client = await connectTo(listener);
  const server = await accepting;
  controller.abort();
  await client.write('fine');
  expect(String(await server.read())).toBe('fine');
  await Promise.all([client.destroy(), server.destroy()]);
});

listenerSuite.add('more connections than are accepted ahead all come through', async () => {
  await using listener = await listen({ backlog: 1024 });
  const clients = await Promise.all(Array.from({ length: 400 }, () => connectTo(listener)));
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
  const ports = new Set<number | undefined>();
  for (let count = 0; count < 400; count += 1) {
    const server = await listener.accept();
    ports.add(server.remoteAddress?.port);
    await server.destroy();
  }
  expect(ports).toEqual(new Set(clients.map((client) => client.localAddress?.port)));
  await Promise.all(clients.map((client) => client.destroy()));
});

listenerSuite.add('peers that leave before they are accepted do no harm', async () => {
  await using listener = await listen();
  const { port } = listener.address();
  for (let i = 0; i < 20; i += 1) {
    const socket = connect({ host: LOOPBACK, port });
    await once(socket, 'connect');
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
  const client = await connectTo(listener);
  for (;;) {
    const server = await listener.accept();
    const isOurs = server.remoteAddress?.port === client.localAddress?.port;
    await server.destroy();
    if (isOurs) break;
  }
  await client.destroy();
  expect(listener.isClosed).toBe(false);
});

listenerSuite.add(
  'reusePort lets two listeners share a port',
  async () => {
    const first = await listen({ reusePort: true });
    const { port } = first.address();
    const second = await listen({ port, reusePort: true });
    const clients = await Promise.all(Array.from({ length: 64 }, () => connectTo(first)));
    const counts = [0, 0];
    const taking = [first, second].map(async (listener, index) => {
      for await (const stream of listener) {
        counts[index] = (counts[index] ?? 0) + 1;
        await stream.destroy();
        if ((counts[0] ?? 0) + (counts[1] ?? 0) === clients.length) break;
      }
      await Promise.all([first.close(), second.close()]);
    });
    await Promise.all(taking);
    expect(counts[0]).toBeGreaterThan(0);
    expect(counts[1]).toBeGreaterThan(0);
    await Promise.all(clients.map((client) => client.destroy()));
  },
  { skip: ['libuv', 'node:net has the option from Node 23.1 on'] },
);

listenerSuite.add('runtime.close() closes listeners and rejects who waits', async ({ runtime }) => {
  const listener = await listen();
  const { port } = listener.address();
  const waiting = rejectionOf(listener.accept());
  await runtime.close();
  expect((await waiting).code).toBe('ERR_LISTENER_CLOSED');
  expect(listener.isClosed).toBe(true);
  await listener.close();
  await nodeListen({ host: LOOPBACK, port });
});

listenerSuite.add('node:net clients are served like any other', async () => {
  await using listener = await listen();
  const socket = connect({ host: LOOPBACK, port: listener.address().port });
  const server = await listener.accept();
  socket.end('hello');
  expect(String(await readAll(server))).toBe('hello');
  expect(server.remoteAddress?.port).toBe((socket.address() as AddressInfo).port);
  await server.close();
  if (!socket.closed) await once(socket.resume(), 'close');
});
