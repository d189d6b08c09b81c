/**
 * Splicing streams and sending files, on every backend: order with what was read and written
 * before, ends, parts of files, and what happens to both streams when something fails.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { File } from '../../../src/io/file.ts';
import type { SocketStream } from '../../../src/io/stream/socket-stream.ts';
import { backends, Suite } from '../../support/conformance-suite.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { tempDirectory } from '../../support/temp-directory.ts';
import { digestAll, readAll, readExactly, tcpPair } from '../../support/tcp-pair.ts';
import type { TcpPair } from '../../support/tcp-pair.ts';
import { unixPair } from '../../support/unix-pair.ts';

const suite = new Suite();
const MORE_THAN_BUFFERS = 16 * 1024 * 1024;

/** Bytes that no two places of have in common. */
function pattern(size: number): Buffer {
  const data = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) data.writeUInt32LE(at * 31, at);
  return data;
}

const digestOf = (data: Buffer): string => createHash('sha1').update(data).digest('hex');

/** A client, a proxy's two sockets, and a server. */
async function proxied(): Promise<{ front: TcpPair; back: TcpPair; destroy(): Promise<void> }> {
  const [front, back] = [await tcpPair(), await tcpPair()];
  const destroy = async (): Promise<void> => {
    await Promise.all([front.destroy(), back.destroy()]);
  };
  return { front, back, destroy };
}

suite.add('moves more than buffers hold, both ways at once, and the ends', async () => {
  const { front, back, destroy } = await proxied();
  const both = Promise.all([front.server.splice(back.client), back.client.splice(front.server)]);
  const data = pattern(MORE_THAN_BUFFERS);
  const talk = async (from: SocketStream): Promise<void> => {
    await from.write(data);
    await from.shutdown();
  };
  const [there, here] = await Promise.all([
    digestAll(back.server),
    digestAll(front.client),
    talk(front.client),
    talk(back.server),
  ]);
  expect([there.digest, here.digest]).toEqual([digestOf(data), digestOf(data)]);
  expect(await both).toEqual([data.length, data.length]);
  expect([front.server.bytesRead, back.client.bytesWritten]).toEqual([data.length, data.length]);
  expect(await front.server.read()).toBeNull();
  await destroy();
});

suite.add('keeps the order with what was received, and written, before', async () => {
  const { front, back, destroy } = await proxied();
  await front.client.write('read ');
  expect(String(await readExactly(front.server, 5))).toBe('read ');
  await front.client.write('ahead ');
  const before = back.client.write('before ');
  const moved = front.server.splice(back.client, { end: false });
  await front.client.write('spliced ');
  await front.client.shutdown();
  await before;
  const count = await moved;
  await back.client.write('after');
  await back.client.shutdown();
  expect(String(await readAll(back.server))).toMatch(/^before (ahead )?spliced after$/);
  expect([8, 14]).toContain(count);
  await destroy();
});

suite.add('makes an echo of one stream, and mixes families', async () => {
  const { client, server } = await unixPair();
  const tcp = await tcpPair();
  const there = server.splice(tcp.client);
  const back = tcp.server.splice(tcp.server);
  const home = tcp.client.splice(server);
  await client.write('round');
  expect(String(await readExactly(client, 5))).toBe('round');
  await client.shutdown();
  expect(await client.read()).toBeNull();
  expect(await Promise.all([there, back, home])).toEqual([5, 5, 5]);
  await Promise.all([client.close(), server.close(), tcp.destroy()]);
});

suite.add('waits for a target that does not read', async () => {
  const { front, back, destroy } = await proxied();
  const moved = front.server.splice(back.client);
  const data = pattern(MORE_THAN_BUFFERS);
  let isSent = false;
  const sending = front.client.write(data).then(() => (isSent = true));
  await readExactly(back.server, 1024);
  expect(isSent).toBe(false);
  const rest = digestAll(back.server);
  await sending;
  await front.client.shutdown();
  expect((await rest).size).toBeLessThan(data.length);
  expect(await moved).toBe(data.length);
  await destroy();
});

suite.add('refuses reads, writes and splices meanwhile', async () => {
  const { front, back, destroy } = await proxied();
  const waiting = rejectionOf(front.client.read());
  const refused = await rejectionOf(front.client.splice(back.server));
  expect(refused.code).toBe('ERR_STREAM_SPLICED');
  const moved = front.server.splice(back.client);
  const codes = await Promise.all(
    [
      front.server.read(),
      front.server.lease(),
      back.client.write('x'),
      back.client.writev(['x']),
      front.server.splice(back.server),
      back.server.splice(back.client),
    ].map(async (promise) => (await rejectionOf(promise)).code),
  );
  expect(new Set(codes)).toEqual(new Set(['ERR_STREAM_SPLICED']));
  await front.client.shutdown();
  expect(await moved).toBe(0);
  await destroy();
  expect((await waiting).code).toBe('ERR_SOCKET_CLOSED');
});

suite.add('does not begin on what is closed before it can', async () => {
  for (const closed of ['source', 'target'] as const) {
    const { front, back, destroy } = await proxied();
    // A receive is armed from here on, which a splice has to wait for.
    await front.client.write('x');
    await readExactly(front.server, 1);
    const moved = rejectionOf(front.server.splice(back.client));
    const closing = (closed === 'source' ? front.server : back.client).destroy();
    // Takes the number of the descriptor as soon as it is free.
    const next = closing.then(() => tcpPair());
    expect((await moved).code).toBe('ERR_SOCKET_CLOSED');
    const other = await next;
    await other.client.write('mine');
    expect(String(await readExactly(other.server, 4))).toBe('mine');
    await Promise.all([other.destroy(), destroy()]);
  }
});

suite.add('destroys both when it is aborted', async () => {
  const { front, back, destroy } = await proxied();
  const reason = new Error('enough');
  const controller = new AbortController();
  const moved = rejectionOf(front.server.splice(back.client, { signal: controller.signal }));
  await front.client.write('x');
  await readExactly(back.server, 1);
  controller.abort(reason);
  expect(await moved).toBe(reason);
  expect([front.server.isClosed, back.client.isClosed]).toEqual([true, true]);
  await destroy();
});

suite.add('destroys the target when the source is closed, and the other way round', async () => {
  for (const side of ['source', 'target'] as const) {
    const { front, back, destroy } = await proxied();
    const moved = rejectionOf(front.server.splice(back.client));
    await front.client.write('x');
    await readExactly(back.server, 1);
    await (side === 'source' ? front.server : back.client).destroy();
    expect((await moved).code).toBe('ERR_SOCKET_CLOSED');
    expect([front.server.isClosed, back.client.isClosed]).toEqual([true, true]);
    await destroy();
  }
});

suite.add('fails when the target has gone away', async () => {
  const { front, back, destroy } = await proxied();
  const moved = rejectionOf(front.server.splice(back.client));
  await back.server.destroy();
  const writing = (async () => {
    for (;;) await front.client.write(Buffer.alloc(64 * 1024));
  })();
  expect(['EPIPE', 'ECONNRESET']).toContain((await moved).code);
  await rejectionOf(writing);
  await destroy();
});

suite.add('ends with its runtime, which leaves nothing', async ({ runtime }) => {
  const { front, back } = await proxied();
  const moved = rejectionOf(front.server.splice(back.client));
  await front.client.write('x');
  await readExactly(back.server, 1);
  await runtime.close();
  expect((await moved).code).toMatch(/CLOSED|CANCELED/);
});

suite.add('survives aborts at random moments', async () => {
  const random = new SeededRandom();
  for (let round = 0; round < 15; round += 1) {
    const { front, back, destroy } = await proxied();
    const controller = new AbortController();
    const { signal } = controller;
    const moved = front.server.splice(back.client, { signal }).catch((error: unknown) => error);
    const sink = readAll(back.server).catch(() => null);
    const source = front.client.write(Buffer.alloc(1 + random.below(2_000_000))).catch(() => null);
    for (let turns = random.below(20); turns > 0; turns -= 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    controller.abort();
    expect(await moved, random.replay).toBe(signal.reason);
    await destroy();
    await Promise.all([sink, source]);
  }
});

suite.add('sends a file, or part of it', async () => {
  const path = join(tempDirectory(), 'file');
  const data = pattern(MORE_THAN_BUFFERS / 4 + 13);
  writeFileSync(path, data);
  const file = await File.open(path);
  const parts: [options: { offset?: number; length?: number }, part: Buffer][] = [
    [{}, data],
    [{ offset: 4097, length: 300_001 }, data.subarray(4097, 4097 + 300_001)],
    [{ offset: data.length - 5, length: 100 }, data.subarray(-5)],
    [{ offset: data.length + 5 }, Buffer.alloc(0)],
    [{ length: 0 }, Buffer.alloc(0)],
  ];
  for (const [options, part] of parts) {
    const { client, server, destroy } = await tcpPair();
    const all = digestAll(client);
    const head = server.write('head');
    const count = await server.sendFile(file, options);
    await head;
    await server.write('tail');
    await server.shutdown();
    const whole = Buffer.concat([Buffer.from('head'), part, Buffer.from('tail')]);
    expect([count, (await all).digest]).toEqual([part.length, digestOf(whole)]);
    await destroy();
  }
  await file.close();
});

suite.add('sends files that cannot be spliced all the same', async () => {
  const file = await File.open('/proc/self/status');
  const { client, server, destroy } = await tcpPair();
  const count = await server.sendFile(file);
  await server.shutdown();
  const text = String(await readAll(client));
  expect([text.length, text.startsWith('Name:')]).toEqual([count, true]);
  await destroy();
  await file.close();
});

suite.add('destroys a stream whose file is cut short by an abort', async () => {
  const path = join(tempDirectory(), 'file');
  writeFileSync(path, pattern(MORE_THAN_BUFFERS));
  const file = await File.open(path);
  const { client, server, destroy } = await tcpPair();
  const controller = new AbortController();
  const sending = rejectionOf(server.sendFile(file, { signal: controller.signal }));
  await readExactly(client, 1024);
  controller.abort();
  expect((await sending).name).toBe('AbortError');
  expect(server.isClosed).toBe(true);
  await destroy();
  await file.close();
  const closed = await tcpPair();
  expect((await rejectionOf(closed.server.sendFile(file))).code).toBe('ERR_FILE_CLOSED');
  await closed.destroy();
});

suite.add('refuses bad arguments, and leaves the streams alone', async () => {
  const { client, server, destroy } = await tcpPair();
  const file = await File.open('/proc/self/status');
  const calls: (() => Promise<unknown>)[] = [
    () => server.splice({} as never),
    () => server.splice(client, { end: 1 } as never),
    () => server.splice(client, { ends: true } as never),
    () => server.sendFile(5 as never),
    () => server.sendFile(file, { offset: -1 }),
    () => server.sendFile(file, { length: 1.5 }),
    () => server.splice(client, { signal: AbortSignal.abort() }),
  ];
  const codes: unknown[] = [];
  for (const call of calls) codes.push((await rejectionOf(call())).code);
  const [type, value, range] = [
    'ERR_INVALID_ARG_TYPE',
    'ERR_INVALID_ARG_VALUE',
    'ERR_OUT_OF_RANGE',
  ];
  expect(codes.slice(0, 6)).toEqual([type, type, value, type, range, range]);
  expect([server.isClosed, client.isClosed]).toEqual([false, false]);
  await destroy();
  await file.close();
});

describe.each(backends)('splicing on %s', (backend) => {
  suite.define(backend);
});
