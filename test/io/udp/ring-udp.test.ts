/**
 * Datagram sockets on the ring: one call to the kernel for all sends of a tick, buffers that run
 * out, descriptors that run out, and nothing left behind.
 */

import { expect } from 'vitest';
import { UdpSocket } from '../../../src/io/udp/udp-socket.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';

const HERE = { hostname: '127.0.0.1' };

async function until(isDone: () => boolean): Promise<void> {
  for (let turns = 0; turns < 2000 && !isDone(); turns += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

ringTest('6.1', 'sends a batch with one call', async ({ open }) => {
  const runtime = open();
  const [a, b] = [await UdpSocket.bind(HERE), await UdpSocket.bind(HERE)];
  const to = b.address();
  await a.send('warm', to);
  await b.receive();
  const COUNT = 100;
  const before = runtime.metrics();
  for (let i = 0; i < COUNT; i += 1) a.post(`${i}`, to);
  await until(() => b.pending === COUNT);
  const after = runtime.metrics();
  expect(b.pending).toBe(COUNT);
  expect(after.operations - before.operations).toBeGreaterThanOrEqual(COUNT);
  expect(after.enters - before.enters).toBeLessThan(COUNT / 4);
  await Promise.all([a.close(), b.close()]);
});

ringTest('6.1', 'goes on when buffers run out', async ({ open }) => {
  const runtime = open();
  const engine = runtime.requireEngine();
  const [a, b] = [await UdpSocket.bind(HERE), await UdpSocket.bind(HERE)];
  b.setReceiveBufferSize(4 * 1024 * 1024);
  const { messageBuffers } = engine;
  const provide = messageBuffers.provide.bind(messageBuffers);
  const kept: number[] = [];
  messageBuffers.provide = (id) => void kept.push(id);
  // More than there are buffers: none comes back.
  const COUNT = messageBuffers.count + 20;
  for (let i = 0; i < COUNT; i += 1) await a.send(`${i}`, b.address());
  await until(() => runtime.metrics().buffersExhausted > 0);
  expect(b.pending).toBe(messageBuffers.count);
  messageBuffers.provide = provide;
  for (const id of kept) provide(id);
  await until(() => b.pending === COUNT);
  expect(b.pending).toBe(COUNT);
  expect(runtime.metrics().buffersExhausted).toBeGreaterThan(0);
  await Promise.all([a.close(), b.close()]);
});

ringTest('6.1', 'says so when there is no descriptor', async ({ open }) => {
  const { calls } = open().requireEngine();
  calls.socket = () => -24;
  const { code, syscall } = await rejectionOf(UdpSocket.bind(HERE));
  expect([code, syscall]).toEqual(['EMFILE', 'bind']);
});

ringTest('6.1', 'rejects sends that a close overtakes, and gives its memory back', async (test) => {
  const runtime = test.open();
  const a = await UdpSocket.bind(HERE);
  const sends = Array.from({ length: 50 }, () =>
    a.send('x', { ...a.address() }).catch((error: { code: string }) => error.code),
  );
  const closing = a.close();
  const outcomes = new Set(await Promise.all(sends));
  await closing;
  for (const outcome of outcomes) expect([undefined, 'ERR_SOCKET_CLOSED']).toContain(outcome);
  expect([runtime.metrics().inFlight, a.queuedBytes]).toEqual([0, 0]);
});
