/**
 * Web streams and pipelines over streams of every backend: ends, cancellation, failures, and that a
 * slow reader slows the writer down.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect } from 'vitest';
import { backends, Suite } from '../../support/conformance-suite.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { readAll, tcpPair } from '../../support/tcp-pair.ts';

const suite = new Suite();
const MORE_THAN_BUFFERS = 16 * 1024 * 1024;

suite.add('pipes one connection into itself: an echo', async () => {
  const { client, server, destroy } = await tcpPair();
  const echo = server.readable.pipeTo(server.writable);
  await client.writev(['he', 'llo']);
  await client.shutdown();
  expect(String(await readAll(client))).toBe('hello');
  await echo;
  expect(client.readable).toBe(client.readable);
  await destroy();
});

suite.add('stands in a pipeline of Node', async () => {
  const { client, server, destroy } = await tcpPair();
  // Node takes web streams; the types of its oldest version here do not say so.
  const sink = client.writable as unknown as NodeJS.WritableStream;
  const sending = pipeline(Readable.from(['a', 'b', 'c']), sink);
  const seen: string[] = [];
  await pipeline(server, async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) seen.push(String(chunk));
  });
  await sending;
  expect(seen.join('')).toBe('abc');
  await destroy();
});

suite.add('destroys when its reader cancels, or its writer aborts', async () => {
  const one = await tcpPair();
  await one.client.readable.cancel();
  expect(one.client.isClosed).toBe(true);
  await one.destroy();
  const two = await tcpPair();
  await two.client.writable.abort(new Error('enough'));
  expect(two.client.isClosed).toBe(true);
  await two.destroy();
});

suite.add('passes failures on to both sides', async () => {
  const { client, destroy } = await tcpPair();
  const reader = client.readable.getReader();
  const pending = rejectionOf(reader.read());
  await client.destroy();
  expect((await pending).code).toBe('ERR_SOCKET_CLOSED');
  const failure = await rejectionOf(client.writable.getWriter().write('x'));
  expect(failure.code).toBe('ERR_SOCKET_CLOSED');
  await destroy();
});

suite.add('reads nothing ahead, so that the peer has to wait', async () => {
  const { client, server, destroy } = await tcpPair();
  let isSent = false;
  const sending = client.write(Buffer.alloc(MORE_THAN_BUFFERS)).then(() => (isSent = true));
  const reader = server.readable.getReader();
  const first = await reader.read();
  expect([first.done, isSent]).toEqual([false, false]);
  let size = first.value?.length ?? 0;
  while (size < MORE_THAN_BUFFERS) size += (await reader.read()).value?.length ?? Infinity;
  await sending;
  expect(size).toBe(MORE_THAN_BUFFERS);
  await destroy();
});

describe.each(backends)('web streams on %s', (backend) => {
  suite.define(backend);
});
