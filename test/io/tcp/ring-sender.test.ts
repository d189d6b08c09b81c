/**
 * Sends in order: pieces that are copied together, vectors, sends that come back short.
 */

import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { connectOnRing } from '../../../src/io/tcp/ring-connect.ts';
import type { RingConnection } from '../../../src/io/tcp/ring-connection.ts';
import { TcpListener } from '../../../src/io/tcp/tcp-listener.ts';
import type { TcpStream } from '../../../src/io/tcp/tcp-stream.ts';
import { SHUT_WR } from '../../../src/native/constants/sockets.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { ringTest } from '../../support/ring-test.ts';
import { SeededRandom } from '../../support/seeded-random.ts';

const empty = Buffer.alloc(0);

async function connected(runtime: Runtime): Promise<{ from: RingConnection; to: TcpStream }> {
  await using listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
  const { port } = listener.address();
  const from = await connectOnRing(runtime, '127.0.0.1', port, undefined);
  return { from, to: await listener.accept() };
}

async function digestOf(stream: TcpStream): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('hex');
}

/** A prompt send of a text; false where there is no room. */
function prompt(connection: RingConnection, text: string): boolean {
  return connection.sendPromptly(text, 'utf8') === Buffer.byteLength(text) && text !== '';
}

async function textOf(stream: TcpStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return String(Buffer.concat(chunks));
}

/** Characters of 1, 2, 3 and 4 bytes in UTF-8, and half of one, which becomes another. */
const ANY_TEXT = 'aé€😀\ud83d';

describe('RingSender, prompt', () => {
  ringTest('6.1', 'takes texts of any encoding and length', async ({ open }) => {
    const { from, to } = await connected(open());
    const expected: Buffer[] = [];
    for (const encoding of ['utf8', 'latin1', 'utf16le', 'base64', 'hex'] as const) {
      for (const length of [1, 100, 170, 171, 255, 256, 257, 300]) {
        const text = (encoding === 'hex' ? '00ff' : ANY_TEXT).repeat(length);
        const bytes = Buffer.from(text, encoding);
        if (bytes.byteLength === 0) continue;
        // One alone, and two that are joined.
        for (let count = 1; count <= 2; count += 1) {
          for (let at = 0; at < count; at += 1) {
            expect(from.sendPromptly(text, encoding)).toBe(bytes.byteLength);
            expected.push(bytes);
          }
          while (from.queuedBytes > 0) await nextTurn();
        }
      }
    }
    from.close();
    const received: Buffer[] = [];
    for await (const chunk of to) received.push(chunk);
    expect(Buffer.concat(received).equals(Buffer.concat(expected))).toBe(true);
    await to.close();
  });

  ringTest('6.1', 'joins what comes before the tick into one send', async ({ open }) => {
    const runtime = open();
    const { from, to } = await connected(runtime);
    const { operations } = runtime.requireEngine().scheduler;
    const begun = operations.begun;
    const texts = ['a', 'b'.repeat(300), 'c'.repeat(3000), 'é'];
    expect(texts.map((text) => prompt(from, text))).toEqual([true, true, true, true]);
    expect([operations.begun - begun, from.queuedBytes]).toEqual([1, 3303]);
    // They count as written, whatever the kernel will say.
    expect(from.bytesWritten).toBe(3303);
    // More than is worth a copy goes the other way, behind it.
    expect(prompt(from, 'd'.repeat(14_000))).toBe(false);
    from.send(Buffer.from('last'), null);
    expect(prompt(from, 'e')).toBe(false);
    from.close();
    expect(await textOf(to)).toBe(`${texts.join('')}last`);
    expect([from.queuedBytes, from.bytesWritten]).toEqual([0, 3307]);
    await to.close();
  });

  ringTest('6.1', 'adds nothing to what the kernel has', async ({ open }) => {
    const runtime = open();
    const { from, to } = await connected(runtime);
    expect(prompt(from, 'first')).toBe(true);
    runtime.requireEngine().scheduler.flush();
    expect(prompt(from, 'second')).toBe(false);
    expect([prompt(from, ''), from.queuedBytes]).toEqual([false, 5]);
    while (from.queuedBytes > 0) await new Promise(setImmediate);
    expect(prompt(from, 'third')).toBe(true);
    from.close();
    expect(await textOf(to)).toBe('firstthird');
    await to.close();
  });

  ringTest('6.1', 'comes before what destroys the connection', async ({ open }) => {
    const { from, to } = await connected(open());
    prompt(from, 'last ');
    prompt(from, 'words');
    from.destroy();
    expect(prompt(from, 'too late')).toBe(false);
    expect(await textOf(to)).toBe('last words');
    await to.close();
  });

  ringTest('6.1', 'gives its memory back', async ({ open }) => {
    const runtime = open();
    const { from, to } = await connected(runtime);
    const { pool } = runtime.requireEngine();
    const free = pool.take(256);
    pool.give(free);
    for (let round = 0; round < 3; round += 1) {
      prompt(from, 'small');
      expect(pool.take(256)).not.toBe(free);
      prompt(from, 'x'.repeat(400));
      while (from.queuedBytes > 0) await new Promise(setImmediate);
    }
    from.close();
    expect(await textOf(to)).toHaveLength(3 * 405);
    await to.close();
  });

  ringTest('6.1', 'leaves nothing behind when no request can be made', async ({ open }) => {
    const runtime = open();
    const { from, to } = await connected(runtime);
    const { scheduler } = runtime.requireEngine();
    const begin = scheduler.begin.bind(scheduler);
    scheduler.begin = () => {
      throw new Error('no memory for requests');
    };
    expect(() => prompt(from, 'a'.repeat(200))).toThrow('no memory for requests');
    scheduler.begin = begin;
    expect([from.queuedBytes, from.bytesWritten]).toEqual([0, 0]);
    expect(prompt(from, 'b'.repeat(200))).toBe(true);
    from.close();
    expect(await textOf(to)).toBe('b'.repeat(200));
    await to.close();
  });

  ringTest('6.1', 'tells its failure to the connection, and to what waits', async ({ open }) => {
    const runtime = open();
    const { from, to } = await connected(runtime);
    const said: string[] = [];
    const note = (who: string) => (error: NodeJS.ErrnoException | null) => {
      said.push(`${who} ${error?.code}`);
    };
    const closed = new Promise<void>((resolve) => {
      const onError = note('handler');
      from.setHandler({ onData() {}, onEnd() {}, onError, onDrain() {}, onClose: resolve });
    });
    // Behind the connection's back: the kernel refuses what is sent from here on.
    runtime.requireEngine().calls.shutdown(from.fd, SHUT_WR);
    prompt(from, 'x');
    from.send(Buffer.from('behind'), note('behind'));
    while (from.queuedBytes > 0) await new Promise(setImmediate);
    expect(said).toEqual(['handler EPIPE', 'behind EPIPE']);
    from.destroy();
    await closed;
    await to.destroy();
  });
});

describe('RingSender', () => {
  ringTest('6.1', 'sends pieces of any size and number in order', async ({ open }) => {
    const { from, to } = await connected(open());
    const random = new SeededRandom();
    const hash = createHash('sha256');
    const received = digestOf(to);
    let told = 0;
    let expected = 0;
    for (let round = 0; round < 200; round += 1) {
      const count = random.between(1, 300);
      const sizeMax = random.between(1, 4) === 1 ? 40_000 : 100;
      const pieces = Array.from({ length: count }, () =>
        Buffer.alloc(random.between(0, sizeMax), round + count),
      );
      const text = 'prompt'.repeat(random.between(1, 100));
      if (prompt(from, text)) hash.update(text);
      for (const piece of pieces) hash.update(piece);
      if (round % 2 === 0) {
        expected += 1;
        from.sendAll(pieces, () => (told += 1));
      } else {
        expected += count;
        for (const piece of pieces) from.send(piece, () => (told += 1));
      }
      if (from.queuedBytes > 1e6)
        await new Promise<void>((resolve) => from.send(empty, () => resolve()));
    }
    from.close();
    expect(await received, random.replay).toBe(hash.digest('hex'));
    expect([told, from.queuedBytes]).toEqual([expected, 0]);
    await to.close();
  });

  ringTest('6.1', 'shows how far a large send is while nobody reads', async ({ open }) => {
    const { from, to } = await connected(open());
    const bytes = Buffer.alloc(32 * 1024 * 1024, 7);
    const sent = new Promise<Error | null>((resolve) => from.send(bytes, resolve));
    while (from.unsentBytes === bytes.length) await new Promise(setImmediate);
    expect(from.queuedBytes).toBe(bytes.length);
    const received = digestOf(to);
    expect(await sent).toBeNull();
    expect([from.unsentBytes, from.queuedBytes]).toEqual([0, 0]);
    from.close();
    expect(await received).toBe(createHash('sha256').update(bytes).digest('hex'));
    await to.close();
  });

  ringTest(
    '6.1',
    'fails a vector in flight and all behind it when it is destroyed',
    async ({ open }) => {
      const { from, to } = await connected(open());
      const pieces = Array.from({ length: 64 }, () => Buffer.alloc(1024 * 1024));
      const outcomes: (string | undefined)[] = [];
      const note = (error: Error | null): void => {
        outcomes.push(error?.message);
      };
      from.sendAll(pieces, note);
      from.send(Buffer.from('behind'), note);
      while (from.unsentBytes === from.queuedBytes) await new Promise(setImmediate);
      const closed = new Promise<void>((resolve) => {
        from.setHandler({ onData() {}, onEnd() {}, onError() {}, onDrain() {}, onClose: resolve });
      });
      from.destroy();
      await closed;
      expect(outcomes).toEqual(['The socket is closed', 'The socket is closed']);
      expect(from.queuedBytes).toBe(0);
      await to.destroy();
    },
  );
});
