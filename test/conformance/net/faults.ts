/**
 * What goes wrong in production: resets while data flows, peers that never read, no descriptors
 * left, destroying at any moment. No byte may be lost, repeated or out of order in what arrives.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import * as net from '../../../src/io/net/net.ts';
import { Suite } from '../../support/conformance-suite.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { uncaughtErrors } from '../../support/uncaught-errors.ts';
import { closed, next, portOf } from './transcript.ts';

export const faultsSuite: Suite = new Suite();

/** The byte at a place in the stream of a connection: tells which one it belongs to. */
function byteAt(id: number, at: number): number {
  return (id * 31 + at * 7 + (at >>> 8)) & 0xff;
}

function piece(id: number, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at += 1) bytes[at] = byteAt(id, from + at);
  return bytes;
}

interface Tally {
  read: number;
  wrong: number;
}

/** Checks every byte that arrives; the first one is the connection's id. */
function check(socket: net.Socket, tally: Tally): void {
  let id = -1;
  let at = 0;
  socket.on('data', (chunk) => {
    for (const byte of chunk) {
      if (id < 0) id = byte;
      else if (byte !== byteAt(id, at++)) tally.wrong += 1;
    }
    tally.read += chunk.length;
  });
}

/** One client that sends for a while and then ends in one of the ways there are. */
async function live(random: SeededRandom, port: number, id: number): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  const gone = next(socket, 'close');
  socket.resume();
  socket.write(Buffer.from([id]));
  let sent = 0;
  const rounds = random.between(0, 12);
  for (let round = 0; round < rounds && !socket.destroyed; round += 1) {
    const length = random.chance(0.2) ? random.between(1, 200_000) : random.between(1, 2000);
    const isRoom = socket.write(piece(id, sent, length));
    sent += length;
    if (!isRoom && random.chance(0.5)) await Promise.race([next(socket, 'drain'), gone]);
    if (random.chance(0.3)) await nextTurn();
  }
  const end = random.pick(['end', 'destroy', 'reset', 'error'] as const);
  if (end === 'end') socket.end();
  else if (end === 'destroy') socket.destroy();
  else if (end === 'reset') socket.resetAndDestroy();
  else socket.destroy(new Error('on purpose'));
  await gone;
}

faultsSuite.add(
  'connections that end in any way while data flows mix up nothing',
  async () => {
    const random = new SeededRandom();
    const tally: Tally = { read: 0, wrong: 0 };
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      if (random.chance(0.1)) {
        socket.resetAndDestroy();
        return;
      }
      check(socket, tally);
      if (random.chance(0.2)) {
        socket.pause();
        setImmediate(() => socket.resume());
      }
      if (random.chance(0.1)) setTimeout(() => socket.destroy(), random.between(0, 5));
    });
    const port = await portOf(server);
    for (let wave = 0; wave < 10; wave += 1) {
      const lives = Array.from({ length: 40 }, (_, at) =>
        live(random, port, (wave * 40 + at) & 0xff),
      );
      await Promise.all(lives);
    }
    await closed(server);
    expect(tally.wrong, random.replay).toBe(0);
    expect(tally.read, random.replay).toBeGreaterThan(0);
  },
  { timeoutMs: 60_000 },
);

faultsSuite.add('a peer that never reads holds the writer back, and can be left', async () => {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.pause();
  });
  const port = await portOf(server);
  const socket = net.connect(port, '127.0.0.1');
  const accepted = once(server, 'connection');
  const bytes = Buffer.alloc(1024 * 1024);
  const outcomes: unknown[] = [];
  for (let at = 0; at < 32; at += 1) {
    socket.write(bytes, (error) =>
      outcomes.push((error as { code?: string } | null)?.code ?? null),
    );
  }
  await next(socket, 'connect');
  for (let turns = 0; turns < 100; turns += 1) await nextTurn();
  expect(socket.writableNeedDrain).toBe(true);
  expect(socket.writableLength).toBeGreaterThan(8 * bytes.length);
  socket.destroy();
  await next(socket, 'close');
  expect(outcomes.length).toBe(32);
  const [peer] = (await accepted) as [net.Socket];
  peer.destroy();
  await closed(server);
});

faultsSuite.add('what a listener throws ends nothing else', async () => {
  const server = net.createServer((socket) => socket.pipe(socket));
  const port = await portOf(server);
  const socket = net.connect(port, '127.0.0.1');
  const said: string[] = [];
  await next(socket, 'connect');
  const thrown = await uncaughtErrors(async () => {
    socket.on('data', (chunk) => {
      said.push(String(chunk));
      if (said.length === 1) throw new Error('in data');
    });
    socket.write('a');
    while (said.length === 0) await nextTurn();
    socket.end('b');
    await next(socket, 'close');
  });
  expect(thrown.map((error) => (error as Error).message)).toEqual(['in data']);
  expect(said).toEqual(['a', 'b']);
  await closed(server);
});

faultsSuite.add(
  'few receive buffers slow sockets down and break none',
  async () => {
    const tally: Tally = { read: 0, wrong: 0 };
    const server = net.createServer((socket) => check(socket, tally));
    const port = await portOf(server);
    const length = 300_000;
    await Promise.all(
      Array.from({ length: 20 }, async (_, id) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.write(Buffer.from([id]));
        socket.end(piece(id, 0, length));
        await next(socket.resume(), 'close');
      }),
    );
    await closed(server);
    expect([tally.read, tally.wrong]).toEqual([20 * (length + 1), 0]);
  },
  { runtime: { receiveBuffers: 2, receiveBufferSize: 4096 } },
);
