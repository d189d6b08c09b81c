/**
 * Listening on Unix sockets, on every backend: paths that come and go, abstract names, errors held
 * against `node:net`, connections in the three forms.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { existsSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, expect } from 'vitest';
import { UnixListener } from '../../../src/io/unix/unix-listener.ts';
import type { UnixListenOptions } from '../../../src/io/unix/unix-listener.ts';
import { UnixStream } from '../../../src/io/unix/unix-stream.ts';
import { backends, Suite } from '../../support/conformance-suite.ts';
import { expectSameRejection, rejectionOf } from '../../support/rejections.ts';
import { socketPath } from '../../support/unix-pair.ts';

const suite = new Suite();

function nodeListen(path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(path, () => resolve(server.close()));
  });
}

suite.add('makes a path, serves clients of node:net, and removes the path', async () => {
  const path = socketPath();
  const listener = await UnixListener.listen({ path });
  expect([listener.path, existsSync(path)]).toEqual([path, true]);
  const peer = connect(path);
  const stream = await listener.accept();
  peer.end('hello');
  expect(String(await stream.read())).toBe('hello');
  expect(await stream.read()).toBeNull();
  await stream.close();
  await listener.close();
  expect(existsSync(path)).toBe(false);
  if (!peer.closed) await once(peer, 'close');
});

suite.add('listens on an abstract name, which is no file', async () => {
  const path = `\0onering-test-${process.pid}-${Math.trunc(performance.now() * 1000)}`;
  const listener = await UnixListener.listen({ path: Buffer.from(path) });
  const second = await rejectionOf(UnixListener.listen({ path }));
  expect(second.code).toBe('EADDRINUSE');
  const client = await UnixStream.connect({ path });
  await client.close();
  await listener.close();
  expect((await rejectionOf(UnixStream.connect({ path }))).code).toBe('ECONNREFUSED');
});

suite.add('fails as Node does: a path that exists, a folder that does not', async () => {
  const path = socketPath();
  writeFileSync(path, '');
  await expectSameRejection(UnixListener.listen({ path }), nodeListen(path));
  // What was not its own is not removed.
  expect(existsSync(path)).toBe(true);
  const missing = `${path}.d/x`;
  await expectSameRejection(UnixListener.listen({ path: missing }), nodeListen(missing));
});

suite.add('iterates, and closes with the loop', async () => {
  const path = socketPath();
  const listener = await UnixListener.listen({ path });
  const client = await UnixStream.connect({ path });
  for await (const stream of listener) {
    await stream.write('welcome');
    await stream.close();
    break;
  }
  expect([listener.isClosed, existsSync(path)]).toEqual([true, false]);
  expect(String(await client.read())).toBe('welcome');
  await client.close();
});

suite.add('calls back', async () => {
  const path = socketPath();
  const seen: unknown[] = [];
  const listener = await UnixListener.listen({
    path,
    socket: {
      open: (socket) => void seen.push(socket.remoteAddress),
      data: (socket, chunk) => socket.end(chunk),
    },
  });
  const client = await UnixStream.connect({ path });
  await client.write('echo');
  expect([String(await client.read()), await client.read(), seen]).toEqual(['echo', null, [null]]);
  await client.close();
  await listener.close();
});

suite.add('closes with its signal, and with its runtime', async ({ runtime }) => {
  const controller = new AbortController();
  const [one, two] = [socketPath(), socketPath()];
  const listener = await UnixListener.listen({ path: one, signal: controller.signal });
  const pending = rejectionOf(listener.accept());
  controller.abort();
  expect((await pending).code).toBe('ERR_LISTENER_CLOSED');
  await listener.close();
  await UnixListener.listen({ path: two });
  await runtime.close();
  expect([existsSync(one), existsSync(two)]).toEqual([false, false]);
});

suite.add('refuses bad options before anything is made', async () => {
  const path = socketPath();
  const codes: unknown[] = [];
  for (const options of [
    null,
    {},
    { path, port: 1 },
    { path, backlog: -1 },
    { path, socket: {} },
  ]) {
    const { code } = await rejectionOf(UnixListener.listen(options as UnixListenOptions));
    codes.push(code);
  }
  const [type, value, range] = [
    'ERR_INVALID_ARG_TYPE',
    'ERR_INVALID_ARG_VALUE',
    'ERR_OUT_OF_RANGE',
  ];
  expect(codes).toEqual([type, type, value, range, type]);
  expect(existsSync(path)).toBe(false);
});

describe.each(backends)('UnixListener on %s', (backend) => {
  suite.define(backend);
});
