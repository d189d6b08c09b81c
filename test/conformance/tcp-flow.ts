/**
 * Much data and many connections: checksums, order, back-pressure, buffers that run out. The same
 * cases for every backend.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import { TcpListener } from '../../src/io/tcp/tcp-listener.ts';
import { TcpStream } from '../../src/io/tcp/tcp-stream.ts';
import { Suite } from '../support/conformance-suite.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { digestAll, nodePeer, readAll, readExactly, tcpPair } from '../support/tcp-pair.ts';

export const flowSuite: Suite = new Suite();

const MEBIBYTE = 1024 * 1024;
const LOOPBACK = '127.0.0.1';

/** Sends `total` bytes in pieces of many sizes, then shuts down; resolves to the checksum. */
async function sendAll(stream: TcpStream, total: number, random: SeededRandom): Promise<string> {
  const hash = createHash('sha1');
  const source = random.bytes(MEBIBYTE);
  for (let left = total; left > 0;) {
    const size = Math.min(left, random.pick([1, 100, 4096, 65_536, 300_000, MEBIBYTE]));
    const piece = source.subarray(0, size);
    hash.update(piece);
    await stream.write(piece);
    left -= size;
  }
  await stream.shutdown();
  return hash.digest('hex');
}

flowSuite.add(
  '64 MiB in both directions at once keep their checksums',
  async () => {
    const random = new SeededRandom();
    const { client, server, destroy } = await tcpPair();
    const total = 64 * MEBIBYTE;
    const [sent, answered, heard, received] = await Promise.all([
      sendAll(client, total, random),
      sendAll(server, total, random),
      digestAll(client),
      digestAll(server),
    ]);
    expect([received, heard], random.replay).toEqual([
      { digest: sent, size: total },
      { digest: answered, size: total },
    ]);
    await destroy();
  },
  { timeoutMs: 60_000 },
);

flowSuite.add('many small writes that nobody awaits keep their order', async () => {
  const { client, server, destroy } = await tcpPair();
  const lines = Array.from({ length: 20_000 }, (_, i) => `${i}\n`);
  const writes = lines.map((line) => client.write(line));
  const [received] = await Promise.all([
    readExactly(server, lines.join('').length),
    Promise.all(writes),
  ]);
  expect(String(received) === lines.join('')).toBe(true);
  await destroy();
});

flowSuite.add('writes of many sizes that nobody awaits keep their order', async () => {
  const random = new SeededRandom();
  const { client, server, destroy } = await tcpPair();
  const pieces = Array.from({ length: 200 }, () =>
    random.bytes(random.pick([0, 1, 10, 1000, 65_535, 65_536, 65_537, 100_000])),
  );
  const settled: number[] = [];
  const writes = pieces.map((piece, i) => client.write(piece).then(() => settled.push(i)));
  const closing = client.close();
  const received = await readAll(server);
  await Promise.all([...writes, closing]);
  expect(received.equals(Buffer.concat(pieces)), random.replay).toBe(true);
  expect(settled, random.replay).toEqual(settled.toSorted((a, b) => a - b));
  await destroy();
});

flowSuite.add('a reader that does not read slows the writer down', async () => {
  const { client, server, destroy } = await tcpPair();
  // The first read starts receiving; nobody asks for more.
  await client.write('x');
  expect(String(await server.read())).toBe('x');
  const bytes = Buffer.alloc(MEBIBYTE);
  let written = 0;
  let isStuck = false;
  const writing = (async () => {
    for (let i = 0; i < 64; i += 1) {
      await client.write(bytes);
      written += bytes.length;
      isStuck = false;
    }
  })();
  // Long enough for everything that moves to have moved.
  for (let turns = 0; turns < 2000 && !isStuck; turns += 1) {
    isStuck = true;
    for (let more = 0; more < 50; more += 1) await nextTurn();
  }
  expect(written).toBeLessThan(32 * MEBIBYTE);
  expect(server.bytesRead).toBeLessThan(8 * MEBIBYTE);
  const received = await readExactly(server, 64 * MEBIBYTE);
  await writing;
  expect(received.length).toBe(64 * MEBIBYTE);
  await destroy();
});

flowSuite.add('a stream that nobody reads takes nothing from the kernel', async () => {
  const { client, server, destroy } = await tcpPair();
  await client.write('unread');
  for (let turns = 0; turns < 50; turns += 1) await nextTurn();
  expect(server.bytesRead).toBe(0);
  expect(String(await server.read())).toBe('unread');
  await destroy();
});

flowSuite.add('starting and stopping at random loses nothing', async () => {
  const random = new SeededRandom();
  const { stream, peer } = await nodePeer();
  const source = random.bytes(MEBIBYTE);
  let sent = 0;
  const sending = (async () => {
    while (sent < 24 * MEBIBYTE) {
      const piece = source.subarray(0, random.between(1, source.length));
      sent += piece.length;
      await new Promise((resolve) => peer.write(piece, resolve));
    }
    peer.end();
  })();
  let received = 0;
  for (;;) {
    const chunk = await stream.read();
    if (chunk === null) break;
    received += chunk.length;
    // A pause of some turns lets the buffer fill up and receiving stop.
    if (random.chance(0.05)) for (let i = random.below(20); i > 0; i -= 1) await nextTurn();
  }
  await sending;
  expect(received, random.replay).toBe(sent);
  await stream.close();
});

/** Connects, sends its own bytes, and checks that they come back. */
async function echoOnce(port: number, bytes: Buffer): Promise<boolean> {
  const client = await TcpStream.connect({ hostname: LOOPBACK, port });
  const [, echoed] = await Promise.all([client.write(bytes), readExactly(client, bytes.length)]);
  await client.shutdown();
  const end = await client.read();
  await client.close();
  return end === null && echoed.equals(bytes);
}

/** Echoes on every connection until the listener is closed. */
async function serveEcho(listener: TcpListener): Promise<void> {
  const serving: Promise<void>[] = [];
  for await (const stream of listener) {
    const echo = async (): Promise<void> => {
      for await (const chunk of stream) await stream.write(chunk);
      await stream.close();
    };
    serving.push(echo());
  }
  await Promise.all(serving);
}

for (const [count, size, options] of [
  [300, 3000, undefined],
  [60, 200_000, { receiveBuffers: 2, receiveBufferSize: 1024 }],
  [20, 50_000, { receiveBuffers: 1, receiveBufferSize: 512 }],
  [10, 100_000, { entries: 2, completionEntries: 4, completionEntriesMax: 8 }],
] as const) {
  const name = `${count} connections at a time with ${JSON.stringify(options ?? 'all defaults')}`;
  flowSuite.add(
    name,
    async ({ backend, runtime }) => {
      const random = new SeededRandom();
      const listener = await TcpListener.listen({ hostname: LOOPBACK, port: 0 });
      const serving = serveEcho(listener);
      const { port } = listener.address();
      const clients = Array.from({ length: count }, () => echoOnce(port, random.bytes(size)));
      expect((await Promise.all(clients)).every(Boolean), random.replay).toBe(true);
      await listener.close();
      await serving;
      if (backend === 'uring' && options !== undefined && 'receiveBuffers' in options) {
        expect(runtime.metrics().buffersExhausted).toBeGreaterThan(0);
      }
    },
    { timeoutMs: 40_000, ...(options === undefined ? {} : { runtime: options }) },
  );
}

flowSuite.add('connections that come and go leave nothing', async ({ runtime }) => {
  await using listener = await TcpListener.listen({ hostname: LOOPBACK, port: 0 });
  const { port } = listener.address();
  for (let round = 0; round < 200; round += 1) {
    const [client, server] = await Promise.all([
      TcpStream.connect({ hostname: LOOPBACK, port }),
      listener.accept(),
    ]);
    const read = server.read();
    await client.write('x');
    expect(String(await read)).toBe('x');
    // Each side is the first to go half of the time.
    await (round % 2 === 0 ? client.close() : server.close());
    await (round % 2 === 0 ? server.destroy() : client.destroy());
  }
  expect(runtime.metrics().inFlight).toBeLessThan(5);
});
