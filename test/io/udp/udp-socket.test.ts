/**
 * Datagram sockets on every backend: both families, connected or not, the three forms, options,
 * queues that fill, aborts, ends; errors held against `node:dgram`.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect } from 'vitest';
import { UdpSocket } from '../../../src/io/udp/udp-socket.ts';
import type { Datagram, UdpBindOptions } from '../../../src/io/udp/udp-arguments.ts';
import { backends, Suite } from '../../support/conformance-suite.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { fieldsOf, rejectionOf } from '../../support/rejections.ts';
import type { NodeError } from '../../support/rejections.ts';
import { uncaughtErrors } from '../../support/uncaught-errors.ts';

const suite = new Suite();
const HERE = { hostname: '127.0.0.1' };
const MULTICAST = '239.255.42.99';

async function pair(
  options: UdpBindOptions = HERE,
): Promise<{ a: UdpSocket; b: UdpSocket; close(): Promise<void> }> {
  const [a, b] = [await UdpSocket.bind(options), await UdpSocket.bind(options)];
  return { a, b, close: async () => void (await Promise.all([a.close(), b.close()])) };
}

async function received(socket: UdpSocket): Promise<Datagram> {
  const datagram = await socket.receive();
  if (datagram === null) throw new Error('The socket is closed');
  return datagram;
}

/** Waits until something has arrived, or enough turns have passed. */
async function until(isDone: () => boolean): Promise<void> {
  for (let turns = 0; turns < 2000 && !isDone(); turns += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

for (const hostname of ['127.0.0.1', '::1']) {
  suite.add(`sends and receives over ${hostname}, with the sender's address`, async () => {
    const { a, b, close } = await pair({ hostname });
    await a.send('hello', b.address());
    const { data, sender, size, isTruncated } = await received(b);
    expect([String(data), size, isTruncated]).toEqual(['hello', 5, false]);
    expect(sender).toEqual(a.address());
    await b.send(Buffer.alloc(0), sender);
    expect((await received(a)).data).toHaveLength(0);
    await close();
  });
}

suite.add('talks to node:dgram', async () => {
  const socket = await UdpSocket.bind(HERE);
  const peer = createSocket('udp4');
  peer.bind(0, '127.0.0.1');
  await once(peer, 'listening');
  const { address, port } = peer.address();
  const message = once(peer, 'message') as Promise<[Buffer]>;
  await socket.send('to node', { address, port });
  expect(String((await message)[0])).toBe('to node');
  peer.send('from node', socket.address().port, '127.0.0.1');
  const { data, sender } = await received(socket);
  expect([String(data), sender.port]).toEqual(['from node', port]);
  peer.close();
  await socket.close();
});

suite.add('carries the largest datagram, and refuses a larger one as Node does', async () => {
  const { a, b, close } = await pair();
  const data = new SeededRandom(5).bytes(65_507);
  await a.send(data, b.address());
  expect((await received(b)).data.equals(data)).toBe(true);
  const ours = await rejectionOf(a.send(Buffer.alloc(65_508), b.address()));
  const { port } = b.address();
  const nodes = await new Promise<NodeError>((resolve) => {
    const socket = createSocket('udp4');
    socket.send(Buffer.alloc(65_508), port, '127.0.0.1', (error) => {
      socket.close();
      resolve(error as NodeError);
    });
  });
  expect(fieldsOf(ours)).toEqual(fieldsOf(nodes));
  await close();
});

suite.add('connects: one peer only, its refusals are heard, and taken back', async () => {
  const { a, b, close } = await pair();
  const stranger = await UdpSocket.bind(HERE);
  await a.connect(b.address());
  expect(a.remoteAddress).toEqual(b.address());
  await a.send('connected');
  const { sender } = await received(b);
  await stranger.send('not for you', a.address());
  await b.send('for you', sender);
  expect(String((await received(a)).data)).toBe('for you');
  await b.close();
  const refused = rejectionOf(a.receive());
  await a.send('anybody?');
  expect((await refused).code).toBe('ECONNREFUSED');
  await a.disconnect();
  expect(a.remoteAddress).toBeNull();
  await a.send('now', stranger.address());
  expect(String((await received(stranger)).data)).toBe('now');
  await Promise.all([close(), stranger.close()]);
});

suite.add('goes on receiving when callbacks throw', async () => {
  const gone = await UdpSocket.bind(HERE);
  const seen: unknown[] = [];
  const socket = await UdpSocket.bind({
    ...HERE,
    socket: {
      message(_socket, data) {
        seen.push(String(data));
        throw new Error('from message');
      },
      error(_socket, error) {
        seen.push((error as NodeError).code);
        throw new Error('from error');
      },
    },
  });
  const errors = await uncaughtErrors(async () => {
    const there = gone.address();
    await socket.connect(there);
    await gone.close();
    await socket.send('anybody?');
    await until(() => seen.length > 0);
    const back = await UdpSocket.bind({ ...HERE, port: there.port });
    await back.send('first', socket.address());
    await until(() => seen.length > 1);
    await back.send('second', socket.address());
    await until(() => seen.length > 2);
    await back.close();
  });
  expect(seen).toEqual(['ECONNREFUSED', 'first', 'second']);
  expect(errors.map((error) => (error as Error).message)).toEqual([
    'from error',
    'from message',
    'from message',
  ]);
  await socket.close();
});

suite.add('refuses an address on a connected socket, as Node does', async () => {
  const { a, b, close } = await pair();
  await a.connect(b.address());
  const nodes = await new Promise<NodeError>((resolve) => {
    const socket = createSocket('udp4');
    const { address, port } = b.address();
    socket.connect(port, address, () => {
      try {
        socket.send('x', port, address, () => {});
      } catch (error) {
        socket.close();
        resolve(error as NodeError);
      }
    });
  });
  expect(nodes.code).toBe('ERR_SOCKET_DGRAM_IS_CONNECTED');
  expect(fieldsOf(await rejectionOf(a.send('x', b.address())))).toEqual(fieldsOf(nodes));
  expect(() => a.post('x', b.address())).toThrow(expect.objectContaining({ code: nodes.code }));
  a.post('only this');
  expect([String((await received(b)).data), a.queuedBytes]).toEqual(['only this', 0]);
  await a.disconnect();
  await a.send('anybody', b.address());
  expect(String((await received(b)).data)).toBe('anybody');
  await close();
});

suite.add('fails to send without a target, and to bind twice, as Node does', async () => {
  const { a, close } = await pair();
  const nowhere = { code: 'ERR_SOCKET_DGRAM_NOT_CONNECTED', message: 'Not connected' };
  expect(await rejectionOf(a.send('nowhere'))).toMatchObject(nowhere);
  expect(() => a.post('nowhere')).toThrow(expect.objectContaining(nowhere));
  const { port } = a.address();
  const ours = await rejectionOf(UdpSocket.bind({ ...HERE, port }));
  const nodes = await new Promise<NodeError>((resolve) => {
    const socket = createSocket('udp4');
    socket.on('error', (error) => {
      socket.close();
      resolve(error);
    });
    socket.bind({ port, address: '127.0.0.1', exclusive: true });
  });
  expect(fieldsOf(ours)).toEqual(fieldsOf(nodes));
  await close();
});

suite.add('bounds what waits, and counts what it drops', async () => {
  const a = await UdpSocket.bind(HERE);
  const b = await UdpSocket.bind({ ...HERE, queueMax: 4 });
  for (let i = 0; i < 10; i += 1) await a.send(String(i), b.address());
  await until(() => b.pending + b.dropped === 10);
  expect([b.pending, b.dropped]).toEqual([4, 6]);
  const kept: string[] = [];
  for (let i = 0; i < 4; i += 1) kept.push(String((await received(b)).data));
  expect(kept).toEqual(['0', '1', '2', '3']);
  await Promise.all([a.close(), b.close()]);
});

suite.add('iterates until it is closed, and closes with the loop', async () => {
  const { a, b } = await pair();
  const seen: string[] = [];
  const looping = (async () => {
    for await (const { data } of b) seen.push(String(data));
  })();
  await a.send('1', b.address());
  await until(() => seen.length === 1);
  await b.close();
  await looping;
  expect([seen, await b.receive()]).toEqual([['1'], null]);
  await a.send('x', a.address());
  for await (const { data } of a) {
    expect(String(data)).toBe('x');
    break;
  }
  expect(a.isClosed).toBe(true);
});

suite.add('calls back, and posts without promises', async () => {
  const events: string[] = [];
  const server = await UdpSocket.bind({
    ...HERE,
    socket: {
      message: (socket, data, sender) => void socket.post(data, sender),
      close: () => void events.push('close'),
    },
  });
  const client = await UdpSocket.bind({
    ...HERE,
    socket: {
      message: (_socket, data) => void events.push(String(data)),
      error: (_socket, error) => void events.push((error as NodeError).code ?? ''),
    },
  });
  expect(client.post('echo', server.address())).toBe(true);
  await until(() => events.length === 1);
  expect((await rejectionOf(client.receive())).code).toBe('ERR_SOCKET_CALLBACKS');
  client.post(Buffer.alloc(70_000), server.address());
  await until(() => events.length === 2);
  await server.close();
  expect(events).toEqual(['echo', 'EMSGSIZE', 'close']);
  await client.close();
});

suite.add(
  'cuts data into datagrams, and receives them one by one with GRO as without',
  async () => {
    for (const gro of [false, true]) {
      const { a, b, close } = await pair({ ...HERE, gro });
      b.setReceiveBufferSize(4 * 1024 * 1024);
      const data = new SeededRandom(7).bytes(150_123);
      await a.send(data, { ...b.address(), segmentSize: 1200 });
      const pieces: Buffer[] = [];
      for (let size = 0; size < data.length;) {
        const { data: piece } = await received(b);
        expect(piece.length).toBeLessThanOrEqual(1200);
        size += piece.length;
        pieces.push(piece);
      }
      expect(Buffer.concat(pieces).equals(data)).toBe(true);
      expect(pieces).toHaveLength(Math.ceil(data.length / 1200));
      await close();
    }
  },
);

suite.add('joins groups, with loopback and hops of its own', async () => {
  const receiver = await UdpSocket.bind({ hostname: '0.0.0.0', reuseAddress: true });
  const sender = await UdpSocket.bind(HERE);
  receiver.addMembership(MULTICAST, '127.0.0.1');
  sender.setMulticastInterface('127.0.0.1').setMulticastTtl(1).setMulticastLoopback(true);
  const { port } = receiver.address();
  await sender.send('to all', { address: MULTICAST, port });
  expect(String((await received(receiver)).data)).toBe('to all');
  expect(() => receiver.addMembership(MULTICAST, '127.0.0.1')).toThrow(/EADDRINUSE/);
  receiver.dropMembership(MULTICAST, '127.0.0.1');
  expect(() => receiver.dropMembership(MULTICAST, '127.0.0.1')).toThrow(/EADDRNOTAVAIL/);
  expect(() => receiver.addMembership('not an address')).toThrow(/EINVAL/);
  await Promise.all([receiver.close(), sender.close()]);
});

suite.add('sets options, and refuses bad ones', async () => {
  const { a, b, close } = await pair();
  const broadcast = { address: '255.255.255.255', port: 9 };
  expect((await rejectionOf(a.send('x', broadcast))).code).toBe('EACCES');
  expect(a.setBroadcast(true).setTtl(7).setSendBufferSize(65_536)).toBe(a);
  expect(() => a.setTtl(0)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  expect(() => a.setTtl('7' as never)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
  );
  expect(() => a.addMembership(5 as never)).toThrow(/group/);
  await close();
  expect(() => b.setTtl(7)).toThrow(expect.objectContaining({ code: 'ERR_SOCKET_CLOSED' }));
  expect((await rejectionOf(b.send('x', broadcast))).code).toBe('ERR_SOCKET_CLOSED');
});

suite.add('takes a waiting receive out of the line when it is aborted', async () => {
  const { a, b, close } = await pair();
  const controller = new AbortController();
  const aborted = rejectionOf(b.receive({ signal: controller.signal }));
  const next = received(b);
  await until(() => true);
  controller.abort();
  await a.send('for the next', b.address());
  expect((await aborted).name).toBe('AbortError');
  expect(String((await next).data)).toBe('for the next');
  await close();
});

suite.add('closes with its signal, and with its runtime', async ({ runtime }) => {
  const controller = new AbortController();
  const one = await UdpSocket.bind({ ...HERE, signal: controller.signal });
  const waiting = one.receive();
  controller.abort();
  expect([await waiting, one.isClosed]).toEqual([null, true]);
  const two = await UdpSocket.bind(HERE);
  const last = two.receive();
  await runtime.close();
  expect([await last, two.isClosed]).toEqual([null, true]);
});

suite.add('loses nothing of its own in a flood, and starves nobody', async ({ runtime }) => {
  const COUNT = 2000;
  const { a, b, close } = await pair({ ...HERE, queueMax: COUNT });
  b.setReceiveBufferSize(8 * 1024 * 1024);
  const sends: Promise<void>[] = [];
  for (let i = 0; i < COUNT; i += 1) sends.push(a.send(`${i}`, b.address()));
  await Promise.all(sends);
  await until(() => b.pending + b.dropped === COUNT);
  // What the kernel had no room for is not ours to lose.
  expect(b.dropped).toBe(0);
  expect(b.pending).toBeGreaterThan(COUNT / 20);
  const seen = new Set<string>();
  while (b.pending > 0) seen.add(String((await received(b)).data));
  expect(seen.size).toBeGreaterThan(COUNT / 20);
  expect(runtime.metrics().lostCompletions).toBe(0);
  await close();
});

suite.add('refuses bad arguments', async () => {
  const { a, close } = await pair();
  const target = a.address();
  const calls: (() => Promise<unknown>)[] = [
    () => UdpSocket.bind(null as never),
    () => UdpSocket.bind({ prt: 1 } as never),
    () => UdpSocket.bind({ port: 65_536 }),
    () => UdpSocket.bind({ family: 'IPv5' as never }),
    () => UdpSocket.bind({ socket: {} as never }),
    () => a.send(5 as never, target),
    () => a.send('x', { port: 0 }),
    () => a.send('x', { address: 'localhost', port: 1 }),
    () => a.send('x', { ...target, segmentSize: 0 }),
    () => a.connect(undefined as never),
  ];
  const codes: unknown[] = [];
  for (const call of calls) codes.push((await rejectionOf(call())).code);
  const [type, value, range] = [
    'ERR_INVALID_ARG_TYPE',
    'ERR_INVALID_ARG_VALUE',
    'ERR_OUT_OF_RANGE',
  ];
  expect(codes).toEqual([type, value, range, value, type, type, range, value, range, type]);
  await close();
});

describe.each(backends)('UdpSocket on %s', (backend) => {
  suite.define(backend);
});
