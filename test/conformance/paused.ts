/**
 * Sockets that are paused for good while their peers send as much as they can: what they hold is
 * bounded, the peers are held back by the kernel, and others are served meanwhile.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import * as net from '../../src/io/net/net.ts';
import { TcpListener } from '../../src/io/tcp/tcp-listener.ts';
import type { TcpSocket } from '../../src/io/tcp/tcp-socket.ts';
import type { TcpStream } from '../../src/io/tcp/tcp-stream.ts';
import { UdpSocket } from '../../src/io/udp/udp-socket.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { Suite } from '../support/conformance-suite.ts';

export const pausedSuite: Suite = new Suite();

const LOOPBACK = '127.0.0.1';
const SOCKETS = 12;
/** More than the kernel holds for a connection, at both ends together. */
const SENT_MAX = 48 * 1024 * 1024;
/**
 * What a socket may have taken. The kernel fills up to 33 buffers of 16 KiB before it looks whether
 * the receive was canceled, and may do so a few times before a cancellation finds it between two.
 */
const HELD_MAX = 5 * 33 * 16 * 1024;
const PIECE = Buffer.alloc(256 * 1024, 'x');
/** So many turns without room are long enough: the peer is blocked. */
const BLOCKED_TURNS = 300;
const DATAGRAMS = 20_000;
const MIB = 2 ** 20;

/** Sends until the kernel takes no more; how many bytes it took, and the socket. */
async function fill(port: number): Promise<Socket> {
  const socket = connect(port, LOOPBACK);
  socket.on('error', () => {});
  await once(socket, 'connect');
  while (socket.bytesWritten < SENT_MAX) {
    if (socket.write(PIECE)) continue;
    for (let turns = 0; turns < BLOCKED_TURNS && socket.writableNeedDrain; turns += 1) {
      await nextTurn();
    }
    if (socket.writableNeedDrain) return socket;
  }
  throw new Error(`The peer was never blocked: it has sent ${socket.bytesWritten} bytes`);
}

/** Memory that holds data: of JavaScript's buffers, and of the process. */
function memory(): { buffers: number; rss: number } {
  const { arrayBuffers, rss } = process.memoryUsage();
  return { buffers: arrayBuffers, rss };
}

/** Everything at once: peers that are blocked, what is held, and a socket that is not paused. */
async function holds(
  port: number,
  held: () => readonly number[],
  isServed: () => Promise<void>,
  runtime: Runtime,
): Promise<Socket[]> {
  const before = memory();
  const peers = await Promise.all(Array.from({ length: SOCKETS }, () => fill(port)));
  const after = memory();
  expect(held()).toHaveLength(SOCKETS);
  expect(Math.max(...held())).toBeLessThan(HELD_MAX);
  // Nothing trickles in afterwards.
  const [first] = [held()];
  for (let turns = 0; turns < 50; turns += 1) await nextTurn();
  expect(held()).toEqual(first);
  expect(after.buffers - before.buffers).toBeLessThan(SOCKETS * HELD_MAX + 8 * MIB);
  expect(after.rss - before.rss).toBeLessThan(SOCKETS * HELD_MAX + 64 * MIB);
  expect(runtime.metrics().leased).toBe(0);
  // Their buffers are back with the kernel: there are enough for another one.
  const exhausted = runtime.metrics().buffersExhausted;
  await isServed();
  expect(runtime.metrics().buffersExhausted).toBe(exhausted);
  return peers;
}

/** A socket on the same ring that is read from. */
async function anotherIsServed(): Promise<void> {
  const listener = await TcpListener.listen({ hostname: LOOPBACK, port: 0 });
  const peer = connect(listener.address().port, LOOPBACK);
  const stream = await listener.accept();
  peer.end(PIECE);
  let size = 0;
  for await (const chunk of stream) size += chunk.length;
  expect(size).toBe(PIECE.length);
  peer.destroy();
  await Promise.all([stream.close(), listener.close()]);
}

async function gone(peers: readonly Socket[]): Promise<void> {
  await Promise.all(
    peers.map(async (peer) => {
      if (peer.closed) return;
      const end = once(peer, 'close');
      peer.destroy();
      await end;
    }),
  );
}

pausedSuite.add('net.Socket: paused, or never read', async ({ runtime }) => {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
    // One kind never flows, the other one is stopped while it does.
    if (sockets.length % 2 === 0) socket.on('data', () => socket.pause());
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const held = (): number[] => sockets.map(({ bytesRead }) => bytesRead);
  const peers = await holds(port, held, anotherIsServed, runtime);
  for (const socket of sockets) socket.destroy();
  await gone(peers);
  await new Promise((resolve) => server.close(resolve));
});

pausedSuite.add('TcpStream: one read, and no more', async ({ runtime }) => {
  const streams: TcpStream[] = [];
  const listener = await TcpListener.listen({ hostname: LOOPBACK, port: 0 });
  const accepting = (async () => {
    for await (const stream of listener) {
      streams.push(stream);
      await stream.read();
    }
  })();
  const held = (): number[] => streams.map(({ bytesRead }) => bytesRead);
  const peers = await holds(listener.address().port, held, anotherIsServed, runtime);
  await Promise.all(streams.map((stream) => stream.destroy()));
  await gone(peers);
  await listener.close();
  await accepting;
});

pausedSuite.add('TcpSocket: paused by its callback', async ({ runtime }) => {
  const sockets: TcpSocket[] = [];
  let closed = 0;
  const listener = await TcpListener.listen({
    hostname: LOOPBACK,
    port: 0,
    socket: {
      open: (socket) => void sockets.push(socket),
      data: (socket) => socket.pause(),
      close: () => void (closed += 1),
      error: () => {},
    },
  });
  const held = (): number[] => sockets.map(({ bytesRead }) => bytesRead);
  const peers = await holds(listener.address().port, held, anotherIsServed, runtime);
  for (const socket of sockets) socket.destroy();
  await gone(peers);
  const isOver = (): boolean => closed === SOCKETS;
  for (let turns = 0; turns < 1000 && !isOver(); turns += 1) await nextTurn();
  expect(isOver()).toBe(true);
  await listener.close();
});

pausedSuite.add('UdpSocket: datagrams that nobody takes', async ({ runtime }) => {
  const queueMax = 256;
  const receiver = await UdpSocket.bind({ hostname: LOOPBACK, queueMax });
  const sender = await UdpSocket.bind({ hostname: LOOPBACK });
  await sender.connect(receiver.address());
  const datagram = Buffer.alloc(8000, 'd');
  const before = memory();
  for (let sent = 0; sent < DATAGRAMS; sent += 50) {
    await Promise.all(Array.from({ length: 50 }, () => sender.send(datagram)));
    await nextTurn();
  }
  const after = memory();
  expect(receiver.pending).toBe(queueMax);
  expect(receiver.dropped).toBeGreaterThan(queueMax);
  expect(after.buffers - before.buffers).toBeLessThan(queueMax * 64 * 1024 + 32 * MIB);
  expect(after.rss - before.rss).toBeLessThan(queueMax * 64 * 1024 + 96 * MIB);
  await anotherIsServed();
  expect(runtime.metrics().leased).toBe(0);
  await Promise.all([receiver.close(), sender.close()]);
});
