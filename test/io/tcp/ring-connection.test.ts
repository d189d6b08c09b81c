/**
 * A connection on the ring, below its faces: receiving and stopping, sends that are gathered,
 * options, and descriptors that belong to somebody else by now.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { Connection, ConnectionHandler } from '../../../src/io/tcp/connection.ts';
import { toDuplex } from '../../../src/io/tcp/duplex.ts';
import { connectOnRing } from '../../../src/io/tcp/ring-connect.ts';
import type { RingConnection } from '../../../src/io/tcp/ring-connection.ts';
import { TcpListener } from '../../../src/io/tcp/tcp-listener.ts';
import type { TcpStream } from '../../../src/io/tcp/tcp-stream.ts';
import * as sockets from '../../../src/native/constants/sockets.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { openDescriptors, ringTest } from '../../support/ring-test.ts';
import { readExactly, tcpPair } from '../../support/tcp-pair.ts';
import { uncaughtErrors } from '../../support/uncaught-errors.ts';

/** Notes everything that a connection says, in order. */
class Listening implements ConnectionHandler {
  readonly said: string[] = [];
  readonly closed: Promise<void>;
  #resolveClosed = (): void => {};

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  onData(chunk: Buffer): void {
    this.said.push(`data ${String(chunk)}`);
  }

  onEnd(): void {
    this.said.push('end');
  }

  onError(error: Error): void {
    this.said.push(`error ${(error as Error & { code: string }).code}`);
  }

  onDrain(): void {
    this.said.push('drain');
  }

  onClose(): void {
    this.said.push('close');
    this.#resolveClosed();
  }

  /** Waits until it has said so much. */
  async until(count: number): Promise<void> {
    while (this.said.length < count) await nextTurn();
  }
}

interface Connected {
  readonly connection: RingConnection;
  readonly listening: Listening;
  readonly peer: TcpStream;
}

async function connected(runtime: Runtime): Promise<Connected> {
  await using listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
  const { port } = listener.address();
  const connection = await connectOnRing(runtime, '127.0.0.1', port, undefined);
  const listening = new Listening();
  connection.setHandler(listening);
  return { connection, listening, peer: await listener.accept() };
}

/** The value of an option that is an `int`, as the kernel has it. */
function optionOf(runtime: Runtime, fd: number, level: number, option: number): number {
  const { pool, host } = runtime.requireEngine();
  const block = pool.take(16);
  block.words[0] = -1;
  block.words[1] = 4;
  const { address } = block;
  const result = host.kernel.getsockopt(fd, level, option, address, address + 4);
  const value = result < 0 ? result : (block.words[0] ?? -1);
  pool.give(block);
  return value;
}

/** Descriptors of sockets, which have their number from the kernel. */
function socketDescriptors(): number[] {
  return [...openDescriptors()]
    .filter(([, target]) => target.startsWith('socket:'))
    .map(([fd]) => Number(fd));
}

describe('RingConnection, receiving', () => {
  ringTest('6.1', 'says data, end and close in this order', async ({ open }) => {
    const { connection, listening, peer } = await connected(open());
    connection.start();
    await peer.write('abc');
    await listening.until(1);
    await peer.close();
    await listening.until(2);
    connection.close();
    await listening.closed;
    expect(listening.said).toEqual(['data abc', 'end', 'close']);
  });

  ringTest('6.1', 'receives nothing before start() and after stop()', async ({ open }) => {
    const { connection, listening, peer } = await connected(open());
    await peer.write('1');
    for (let turns = 0; turns < 10; turns += 1) await nextTurn();
    expect(listening.said).toEqual([]);
    connection.start();
    await listening.until(1);
    connection.stop();
    for (let turns = 0; turns < 10; turns += 1) await nextTurn();
    await peer.write('2');
    for (let turns = 0; turns < 10; turns += 1) await nextTurn();
    expect(listening.said).toEqual(['data 1']);
    connection.start();
    await listening.until(2);
    expect(listening.said).toEqual(['data 1', 'data 2']);
    connection.close();
    await Promise.all([listening.closed, peer.close()]);
  });

  ringTest('6.1', 'survives start() and stop() in any order', async ({ open }) => {
    const { connection, listening, peer } = await connected(open());
    for (let i = 0; i < 50; i += 1) {
      connection.start();
      connection.stop();
      if (i % 3 === 0) connection.start();
      if (i % 5 === 0) await nextTurn();
      if (i % 7 === 0) connection.stop();
    }
    connection.start();
    await peer.write('there');
    await listening.until(1);
    expect(listening.said).toEqual(['data there']);
    connection.stop();
    connection.start();
    connection.destroy();
    await Promise.all([listening.closed, peer.close()]);
  });

  ringTest('6.1', 'gives chunks that nobody else writes to', async ({ open }) => {
    const runtime = open({ receiveBuffers: 1, receiveBufferSize: 64 });
    const { connection, listening, peer } = await connected(runtime);
    const chunks: Buffer[] = [];
    listening.onData = (chunk) => void chunks.push(chunk);
    connection.start();
    for (let i = 0; i < 10; i += 1) {
      await peer.write(Buffer.alloc(64, i));
      while (chunks.reduce((sum, { length }) => sum + length, 0) < 64 * (i + 1)) await nextTurn();
    }
    const all = Buffer.concat(chunks);
    expect([...all].map((byte, at) => byte === at >> 6).every(Boolean)).toBe(true);
    connection.close();
    await Promise.all([listening.closed, peer.close()]);
  });
});

describe('RingConnection, sending', () => {
  ringTest('6.1', 'gathers what is queued behind a send', async ({ open }) => {
    const runtime = open();
    const { connection, listening, peer } = await connected(runtime);
    const outcomes: (Error | null)[] = [];
    const before = runtime.metrics().operations;
    for (let i = 0; i < 1000; i += 1) connection.send(Buffer.from('x'), (e) => outcomes.push(e));
    expect(connection.queuedBytes).toBe(1000);
    expect((await readExactly(peer, 1000)).length).toBe(1000);
    await listening.until(1);
    // One for the first, one for all the others, and those of the peer's receiving.
    expect(runtime.metrics().operations - before).toBeLessThan(20);
    expect(outcomes).toEqual(Array.from({ length: 1000 }, () => null));
    expect(listening.said).toEqual(['drain']);
    expect([connection.queuedBytes, connection.bytesWritten]).toEqual([0, 1000]);
    connection.close();
    await Promise.all([listening.closed, peer.close()]);
  });

  ringTest('6.1', 'says drain only when nothing is queued', async ({ open }) => {
    const { connection, listening, peer } = await connected(open());
    const queued: number[] = [];
    listening.onDrain = () => void queued.push(connection.queuedBytes);
    let left = 5;
    const again = (): void => {
      left -= 1;
      if (left > 0) connection.send(Buffer.from('x'), again);
    };
    connection.send(Buffer.from('x'), again);
    await readExactly(peer, 5);
    while (queued.length === 0) await nextTurn();
    expect(queued).toEqual([0]);
    connection.close();
    await Promise.all([listening.closed, peer.close()]);
  });

  ringTest('6.1', 'goes on when a callback of a send throws', async ({ open }) => {
    const { connection, listening, peer } = await connected(open());
    const failure = new Error('thrown in done');
    const outcomes: string[] = [];
    const errors = await uncaughtErrors(async () => {
      connection.send(Buffer.from('1'), null);
      connection.send(Buffer.from('2'), () => {
        throw failure;
      });
      connection.send(Buffer.from('3'), () => void outcomes.push('3'));
      await readExactly(peer, 3);
      connection.send(Buffer.from('4'), () => void outcomes.push('4'));
      connection.close();
      await listening.closed;
    });
    expect([errors, outcomes]).toEqual([[failure], ['3', '4']]);
    expect(String(await readExactly(peer, 1))).toBe('4');
    await peer.close();
  });
});

describe('RingConnection, its descriptor', () => {
  ringTest('6.1', 'sets options that the kernel sees', async ({ open }) => {
    const runtime = open();
    const before = socketDescriptors();
    const { client, destroy } = await tcpPair();
    const fds = socketDescriptors().filter((fd) => !before.includes(fd));
    const connection = client.takeConnection();
    const read = (option: number): number[] =>
      fds.map((fd) => optionOf(runtime, fd, sockets.IPPROTO_TCP, option));
    expect(read(sockets.TCP_NODELAY)).toEqual([1, 1]);
    connection.setNoDelay(false);
    expect(read(sockets.TCP_NODELAY).toSorted((a, b) => a - b)).toEqual([0, 1]);
    connection.setNoDelay(true);
    connection.setKeepAlive(true, 7000);
    expect(read(sockets.TCP_KEEPIDLE)).toContain(7);
    const keepsAlive = (): number[] =>
      fds.map((fd) => optionOf(runtime, fd, sockets.SOL_SOCKET, sockets.SO_KEEPALIVE));
    expect(keepsAlive().toSorted((a, b) => a - b)).toEqual([0, 1]);
    connection.setKeepAlive(false, 0);
    expect(keepsAlive()).toEqual([0, 0]);
    await destroy();
  });

  ringTest('6.1', 'leaves the descriptor alone once it is closed', async ({ open }) => {
    const runtime = open();
    const first = await tcpPair();
    const old = [first.client, first.server].map((stream) => stream.takeConnection());
    await first.destroy();
    // The kernel gives the lowest numbers out first: these sockets have those of the old ones.
    const before = socketDescriptors();
    const second = await tcpPair();
    const fds = socketDescriptors().filter((fd) => !before.includes(fd));
    for (const connection of old) {
      connection.setNoDelay(false);
      connection.setKeepAlive(true, 1000);
      expect([connection.localAddress, connection.remoteAddress]).toEqual([null, null]);
    }
    for (const fd of fds) {
      expect(optionOf(runtime, fd, sockets.IPPROTO_TCP, sockets.TCP_NODELAY)).toBe(1);
      expect(optionOf(runtime, fd, sockets.SOL_SOCKET, sockets.SO_KEEPALIVE)).toBe(0);
    }
    await second.destroy();
  });

  ringTest('6.1', 'knows an address that was asked for, after it is closed', async ({ open }) => {
    open();
    const { client, server, destroy } = await tcpPair();
    const { localAddress, remoteAddress } = client;
    await destroy();
    expect(client.localAddress).toEqual(localAddress);
    expect(client.remoteAddress).toEqual(remoteAddress);
    expect(server.isClosed).toBe(true);
  });

  ringTest('6.1', 'is closed once, however often it is asked for', async ({ open }) => {
    const { connection, listening, peer } = await connected(open());
    connection.start();
    connection.close();
    connection.destroy();
    connection.close();
    await listening.closed;
    connection.destroy();
    connection.close();
    connection.start();
    connection.stop();
    await nextTurn();
    expect(listening.said).toEqual(['close']);
    await peer.close();
  });

  ringTest('6.1', 'takes options after the end of a Duplex without a fuss', async ({ open }) => {
    open();
    const { client, server } = await tcpPair();
    const duplex = toDuplex(client);
    duplex.destroy();
    await new Promise((resolve) => duplex.once('close', resolve));
    expect(duplex.setNoDelay().setKeepAlive(true).ref().unref()).toBe(duplex);
    await server.close();
  });

  ringTest('6.1', 'ends behind the last send in the same tick', async ({ open }) => {
    const runtime = open();
    const { client, server, destroy } = await tcpPair();
    const connection = client.takeConnection();
    const { scheduler } = runtime.requireEngine();
    const { begun } = scheduler;
    const order: string[] = [];
    connection.send(Buffer.from('last'), () => order.push('sent'));
    connection.shutdown(() => order.push('ended'));
    expect(order).toEqual([]);
    while (order.length < 2) await nextTurn();
    expect([order, scheduler.begun - begun]).toEqual([['sent', 'ended'], 1]);
    expect([String(await server.read()), await server.read()]).toEqual(['last', null]);
    await destroy();
  });

  ringTest('6.1', 'formats no stack when streams that nobody reads close', async ({ open }) => {
    open();
    const pairs = await Promise.all(Array.from({ length: 8 }, async () => await tcpPair()));
    const { prepareStackTrace } = Error;
    let formatted = 0;
    Error.prepareStackTrace = (error) => {
      formatted += 1;
      return String(error);
    };
    try {
      await Promise.all(pairs.map(({ client }) => client.shutdown()));
      await Promise.all(pairs.flatMap(({ client, server }) => [server.close(), client.destroy()]));
      expect(formatted).toBe(0);
    } finally {
      Error.prepareStackTrace = prepareStackTrace;
    }
  });

  ringTest('6.1', 'counts as in flight only while it receives or sends', async ({ open }) => {
    const runtime = open();
    const { client, server, destroy } = await tcpPair();
    const connections: Connection[] = [client, server].map((stream) => stream.takeConnection());
    const inFlight = async (): Promise<number> => {
      for (let turns = 0; turns < 10; turns += 1) await nextTurn();
      return runtime.metrics().inFlight;
    };
    expect(await inFlight()).toBe(0);
    for (const connection of connections) connection.start();
    expect(await inFlight()).toBe(2);
    for (const connection of connections) connection.stop();
    expect(await inFlight()).toBe(0);
    await destroy();
  });
});
