/**
 * The receiving half: which memory bytes arrive in, and that it is the program's own. What stops
 * and ends it is tested with the connection.
 */

import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { ConnectionHandler } from '../../../src/io/tcp/connection.ts';
import { connectOnRing } from '../../../src/io/tcp/ring-connect.ts';
import type { RingConnection } from '../../../src/io/tcp/ring-connection.ts';
import { TcpListener } from '../../../src/io/tcp/tcp-listener.ts';
import type { TcpStream } from '../../../src/io/tcp/tcp-stream.ts';
import type { Lease } from '../../../src/runtime/lease.ts';
import type { RuntimeOptions } from '../../../src/runtime/options.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { ringTest } from '../../support/ring-test.ts';
import { SeededRandom } from '../../support/seeded-random.ts';

const CHUNK = 16_384;
const BULK = 65_536;

/** Keeps every chunk, so that one that somebody else writes to shows in the end. */
class Keeping implements ConnectionHandler {
  readonly chunks: Buffer[] = [];
  readonly leases: Lease[] = [];
  bytes = 0;
  hasEnded = false;
  readonly closed: Promise<void>;
  #resolveClosed = (): void => {};

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  onData(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
  }

  onLease(lease: Lease): void {
    this.leases.push(lease);
    this.bytes += lease.length;
  }

  onEnd(): void {
    this.hasEnded = true;
  }

  onError(error: Error): void {
    throw error;
  }

  onDrain(): void {}

  onClose(): void {
    this.#resolveClosed();
  }

  async until(bytes: number): Promise<void> {
    while (this.bytes < bytes) await nextTurn();
  }

  get largest(): number {
    return Math.max(0, ...this.chunks.map(({ length }) => length));
  }
}

interface Connected {
  readonly to: RingConnection;
  readonly from: TcpStream;
  readonly keeping: Keeping;
  close(): Promise<void>;
}

async function connected(runtime: Runtime): Promise<Connected> {
  await using listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
  const to = await connectOnRing(runtime, '127.0.0.1', listener.address().port, undefined);
  const from = await listener.accept();
  const keeping = new Keeping();
  to.setHandler(keeping);
  const close = async (): Promise<void> => {
    to.destroy();
    await Promise.all([keeping.closed, from.destroy()]);
  };
  return { to, from, keeping, close };
}

/** Bytes that differ from those of every other call. */
function patterned(random: SeededRandom, size: number): Buffer {
  return Buffer.from(random.bytes(size));
}

/** The sizes of the buffers that chunks come from, from now on. */
function takenSizes({ engine }: RingConnection): number[] {
  const taken: number[] = [];
  for (const buffers of [engine.chunkBuffers, engine.bulkBuffers]) {
    const take = buffers.take.bind(buffers);
    buffers.take = (id, length) => {
      taken.push(buffers.size);
      return take(id, length);
    };
  }
  return taken;
}

function digest(parts: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

describe('RingReceiver', () => {
  ringTest('6.1', 'goes over to bulk buffers, and back', async ({ open }) => {
    const { to, from, keeping, close } = await connected(open());
    // What waits in the socket before the first receive makes its buffers full.
    const all = [patterned(new SeededRandom(1), 1024 * 1024)];
    const sent = from.write(all[0] as Buffer);
    to.start();
    await sent;
    await keeping.until(1024 * 1024);
    expect(keeping.largest).toBeGreaterThan(CHUNK);
    expect(keeping.largest).toBeLessThanOrEqual(BULK);
    const taken = takenSizes(to);
    for (let i = 0; i < 40; i += 1) {
      const piece = patterned(new SeededRandom(i), 100);
      all.push(piece);
      await from.write(piece);
      await keeping.until(1024 * 1024 + 100 * (i + 1));
    }
    expect(taken.at(0)).toBe(BULK);
    expect(taken.at(-1)).toBe(CHUNK);
    expect(digest(keeping.chunks)).toBe(digest(all));
    await close();
  });

  ringTest('6.1', 'stays with small buffers for messages that fill one each', async ({ open }) => {
    const { to, from, keeping, close } = await connected(open());
    const taken = takenSizes(to);
    to.start();
    const message = Buffer.alloc(CHUNK, 5);
    for (let i = 1; i <= 40; i += 1) {
      await from.write(message);
      await keeping.until(i * CHUNK);
    }
    expect(new Set(taken)).toEqual(new Set([CHUNK]));
    await close();
  });

  ringTest('6.1', 'gives memory that may be transferred', async ({ open }) => {
    const { to, from, keeping, close } = await connected(open({ receiveBuffers: 1 }));
    const random = new SeededRandom();
    const bytes = patterned(random, 4 * 1024 * 1024);
    const parts: Buffer[] = [];
    let transferred = 0;
    keeping.onData = (chunk) => {
      keeping.bytes += chunk.length;
      const { buffer, byteOffset, length } = chunk;
      // Of Node's pool a chunk never has half, however large the pool is.
      if (byteOffset > 0 || 2 * length < buffer.byteLength) {
        parts.push(chunk);
        return;
      }
      const owned = buffer as ArrayBuffer;
      parts.push(Buffer.from(structuredClone(owned, { transfer: [owned] }), 0, length));
      transferred += 1;
    };
    to.start();
    await from.write(bytes);
    await keeping.until(bytes.length);
    expect(digest(parts), random.replay).toBe(digest([bytes]));
    expect(transferred).toBeGreaterThan(0);
    await close();
  });

  ringTest('6.1', 'lends from the moment on that it is asked to', async ({ open }) => {
    const { to, from, keeping, close } = await connected(open());
    to.start();
    await from.write('a chunk');
    await keeping.until(7);
    to.setLending(true);
    for (let i = 0; keeping.leases.length === 0; i += 1) {
      await from.write('x');
      await keeping.until(8 + i);
    }
    expect(keeping.leases.map(({ isZeroCopy }) => isZeroCopy)).toEqual([true]);
    to.setLending(false);
    await from.write('copied');
    const before = keeping.bytes;
    await keeping.until(before + 1);
    expect(String(keeping.chunks.at(-1))).toBe('copied');
    for (const lease of keeping.leases) lease.release();
    await close();
  });

  ringTest('6.1', 'stays armed through pauses that are over with a send', async ({ open }) => {
    const { to, from, keeping, close } = await connected(open());
    const { scheduler } = to.engine;
    const { onData } = Keeping.prototype;
    keeping.onData = (chunk) => {
      onData.call(keeping, chunk);
      to.stop();
      to.send(chunk, () => to.start());
    };
    to.start();
    const begun: string[] = [];
    const begin = scheduler.begin.bind(scheduler);
    scheduler.begin = (complete, syscall) => {
      begun.push(syscall);
      return begin(complete, syscall);
    };
    for (let i = 0; i < 50; i += 1) {
      await from.write('x');
      await from.read();
    }
    // The stream at the other end has begun its one receive; nobody has canceled anything.
    expect(begun.filter((name) => name !== 'write' && name !== 'nop' && name !== 'poll')).toEqual([
      'read',
    ]);
    await close();
  });

  ringTest('6.1', 'stops within two ticks when nobody goes on', async ({ open }) => {
    const { to, from, keeping, close } = await connected(open());
    to.start();
    await from.write('x');
    await keeping.until(1);
    to.stop();
    for (let turns = 0; turns < 20; turns += 1) await nextTurn();
    await from.write('y');
    for (let turns = 0; turns < 20; turns += 1) await nextTurn();
    expect(keeping.bytes).toBe(1);
    to.start();
    await keeping.until(2);
    await close();
  });

  for (const options of [
    {},
    { receiveBuffers: 1, receiveBufferSize: 4096 },
    { receiveBuffers: 16, receiveBufferSize: 65_536 },
    { receiveBuffers: 64, receiveBufferSize: 700 },
  ] satisfies RuntimeOptions[]) {
    ringTest('6.1', `gets every byte with ${JSON.stringify(options)}`, async ({ open }) => {
      const { to, from, keeping, close } = await connected(open(options));
      const random = new SeededRandom();
      const all: Buffer[] = [];
      const stopping = setInterval(() => {
        to.stop();
        setImmediate(() => to.start());
      }, 1);
      to.start();
      for (let round = 0; round < 60; round += 1) {
        const isLarge = round % 20 < 10;
        const piece = patterned(random, random.between(1, isLarge ? 300_000 : 500));
        all.push(piece);
        await from.write(piece);
        if (!isLarge) await nextTurn();
      }
      await from.shutdown();
      while (!keeping.hasEnded) await nextTurn();
      clearInterval(stopping);
      expect(digest(keeping.chunks), random.replay).toBe(digest(all));
      await close();
    });
  }
});
