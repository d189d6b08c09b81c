/**
 * Unix streams on every backend: connecting with errors held against `node:net`, flow, half-open
 * ends, and peers that vanish.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { connect } from 'node:net';
import { describe, expect } from 'vitest';
import { UnixListener } from '../../../src/io/unix/unix-listener.ts';
import { UnixStream } from '../../../src/io/unix/unix-stream.ts';
import type { UnixConnectOptions } from '../../../src/io/unix/unix-stream.ts';
import { backends, Suite } from '../../support/conformance-suite.ts';
import { expectSameRejection, rejectionOf } from '../../support/rejections.ts';
import { socketPath, unixPair } from '../../support/unix-pair.ts';

const suite = new Suite();
const MORE_THAN_BUFFERS = 4 * 1024 * 1024;

function nodeConnect(path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket.destroy()));
    socket.on('error', reject);
  });
}

suite.add('fails to connect as Node does', async () => {
  const path = socketPath();
  await expectSameRejection(UnixStream.connect({ path }), nodeConnect(path));
  await expectSameRejection(UnixStream.connect({ path: '/tmp' }), nodeConnect('/tmp'));
});

suite.add('carries more than buffers hold, both ways, and half-open ends', async () => {
  const { client, server } = await unixPair();
  const data = Buffer.alloc(MORE_THAN_BUFFERS, 'abcdefg');
  const sending = client.write(data).then(() => client.shutdown());
  const chunks: Buffer[] = [];
  for await (const chunk of server) chunks.push(chunk);
  await sending;
  expect(Buffer.concat(chunks).equals(data)).toBe(true);
  await server.write('still here');
  expect(String(await client.read())).toBe('still here');
  expect([client.bytesWritten, server.bytesRead]).toEqual([data.length, data.length]);
  await Promise.all([client.close(), server.close()]);
});

suite.add('fails a writer whose peer has vanished', async () => {
  const { client, server } = await unixPair();
  await server.destroy();
  const failure = await rejectionOf(
    (async () => {
      for (;;) await client.write(Buffer.alloc(1024));
    })(),
  );
  expect(['EPIPE', 'ECONNRESET']).toContain(failure.code);
  await client.destroy();
});

suite.add('gives an attempt up when it is aborted before', async () => {
  const path = socketPath();
  const listener = await UnixListener.listen({ path });
  const reason = new Error('no');
  const failure = rejectionOf(UnixStream.connect({ path, signal: AbortSignal.abort(reason) }));
  expect(await failure).toBe(reason);
  await listener.close();
});

suite.add('refuses bad options', async () => {
  const codes: unknown[] = [];
  for (const options of [undefined, { path: 1 }, { path: '' }, { path: 'a', port: 1 }]) {
    codes.push((await rejectionOf(UnixStream.connect(options as UnixConnectOptions))).code);
  }
  const [type, value] = ['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE'];
  expect(codes).toEqual([type, type, value, value]);
});

describe.each(backends)('UnixStream on %s', (backend) => {
  suite.define(backend);
});
