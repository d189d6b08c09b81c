/**
 * Channels with both ends in one thread, on both backends: what is sent arrives, once and in order,
 * and every way to end one ends it. Between threads: `test/workers/channels.test.ts`.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import { Channel } from '../../src/io/channel/channel.ts';
import { TcpListener } from '../../src/io/tcp/tcp-listener.ts';
import { TcpStream } from '../../src/io/tcp/tcp-stream.ts';
import { UnixListener } from '../../src/io/unix/unix-listener.ts';
import { UnixStream } from '../../src/io/unix/unix-stream.ts';
import { Suite } from '../support/conformance-suite.ts';
import { rejectionOf } from '../support/rejections.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { tempDirectory } from '../support/temp-directory.ts';

type Pair = readonly [one: Channel, other: Channel];

function pair(capacity?: number): Pair {
  const { channel, port } = Channel.create(capacity === undefined ? {} : { capacity });
  return [channel, Channel.open(port)];
}

async function close([one, other]: Pair): Promise<void> {
  await Promise.all([one.close(), other.close()]);
  // The doorbell is taken down in a tick of its own.
  await nextTurn();
}

export const channelSuite: Suite = new Suite();

channelSuite.add('carries values of every kind, both ways', async () => {
  const [one, other] = pair();
  const values = [
    1,
    'text',
    null,
    undefined,
    { a: [1, { b: new Date(1) }] },
    new Map([[1, new Set([2])]]),
    /x/g,
    12n,
    [new Float64Array([1.5])],
  ];
  for (const value of values) {
    await one.send(value);
    await other.send(value);
    expect([await one.receive(), await other.receive()]).toStrictEqual([value, value]);
  }
  await one.send(Buffer.from('bytes'));
  const bytes = await other.receive();
  expect([Buffer.isBuffer(bytes), String(bytes)]).toEqual([true, 'bytes']);
  await close([one, other]);
});

channelSuite.add('keeps identities within a message, and none between messages', async () => {
  const [one, other] = pair();
  const shared = { name: 'shared' };
  const cycle: Record<string, unknown> = { shared, again: shared };
  cycle['self'] = cycle;
  await one.send(cycle);
  await one.send(cycle);
  const [first, second] = [await other.receive(), await other.receive()] as [
    Record<string, unknown>,
    Record<string, unknown>,
  ];
  expect([first['self'] === first, first['shared'] === first['again']]).toEqual([true, true]);
  expect(first['shared'] === second['shared']).toBe(false);
  await close([one, other]);
});

channelSuite.add('posts without promises, and takes all that is there', async () => {
  const ends = pair(1024);
  const [one, other] = ends;
  const waiting = other.receiveAll();
  let count = 0;
  while (one.post({ count })) count += 1;
  expect(count).toBeGreaterThan(10);
  // The one that found no room is sent as well, and before what follows.
  const last = one.send('last');
  const received: unknown[] = [...(await waiting)];
  while (received.at(-1) !== 'last') {
    const more = await other.receiveAll();
    expect(more.length).toBeGreaterThan(0);
    received.push(...more);
  }
  await last;
  const expected = Array.from({ length: count + 1 }, (_, index) => ({ count: index }));
  expect(received).toEqual([...expected, 'last']);
  expect(one.post('again')).toBe(true);
  expect(await other.receiveAll()).toEqual(['again']);
  await close(ends);
});

channelSuite.add('lets those who wait for all wait their turn, and be aborted', async () => {
  const ends = pair();
  const [one, other] = ends;
  const controller = new AbortController();
  const waiting = [
    other.receiveAll({ signal: controller.signal }),
    other.receive(),
    other.receiveAll(),
  ];
  controller.abort(new Error('enough'));
  expect(await rejectionOf(waiting[0] as Promise<unknown>)).toMatchObject({ message: 'enough' });
  for (const message of [1, 2, 3]) one.post(message);
  expect(await Promise.all(waiting.slice(1))).toEqual([1, [2, 3]]);
  const bad = { signal: 1 } as unknown as { signal: AbortSignal };
  expect(await rejectionOf(other.receiveAll(bad))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  await close(ends);
});

channelSuite.add(
  'throws from post what send rejects with, and ends who waits for all',
  async () => {
    const ends = pair(1024);
    const [one, other] = ends;
    expect(() => one.post(() => 1)).toThrow(expect.objectContaining({ name: 'DataCloneError' }));
    while (one.post('x'.repeat(100)));
    const rest = await other.receiveAll();
    expect(rest.length).toBeGreaterThan(5);
    await one.close();
    expect(() => one.post(1)).toThrow(expect.objectContaining({ code: 'ERR_CHANNEL_CLOSED' }));
    const end = await rejectionOf(drain(other));
    expect(end).toMatchObject({ code: 'ERR_CHANNEL_CLOSED' });
    await close(ends);
  },
);

async function drain(channel: Channel): Promise<never> {
  for (;;) await channel.receiveAll();
}

channelSuite.add('copies when it sends', async () => {
  const [one, other] = pair(1024);
  const bytes = Buffer.alloc(600, 1);
  const value = { a: 1 };
  // The second and third wait for room.
  const sent = [one.send(bytes), one.send(bytes), one.send(value), one.send(bytes)];
  bytes.fill(2);
  value.a = 2;
  const first = await other.receive();
  expect(first).toEqual(Buffer.alloc(600, 1));
  expect(await other.receive()).toEqual(first);
  expect(await other.receive()).toEqual({ a: 1 });
  expect(await other.receive()).toEqual(first);
  await Promise.all(sent);
  await close([one, other]);
});

channelSuite.add('carries messages larger than itself', async () => {
  const [one, other] = pair(1024);
  const bytes = new SeededRandom().bytes(50_000);
  const text = 'x\u4e16'.repeat(30_000);
  const sent = [one.send(bytes), one.send({ text }), one.send(new Map([[1, text]])), one.send(1)];
  expect(await other.receive()).toEqual(bytes);
  expect(await other.receive()).toEqual({ text });
  expect(await other.receive()).toEqual(new Map([[1, text]]));
  expect(await other.receive()).toBe(1);
  await Promise.all(sent);
  await close([one, other]);
});

channelSuite.add('makes a sender wait when nobody receives', async () => {
  const [one, other] = pair(1024);
  let count = 0;
  let isWaiting = false;
  while (!isWaiting) {
    let isSent = false;
    const sent = one.send(new Uint8Array(100)).then(() => (isSent = true));
    await nextTurn();
    if (isSent) count += 1;
    isWaiting = !isSent;
    if (isWaiting) {
      for (let i = 0; i < 8; i += 1) await other.receive();
      await sent;
    }
  }
  expect(count).toBe(9);
  await close([one, other]);
});

channelSuite.add('loses and doubles nothing under random sizes and orders', async () => {
  const random = new SeededRandom();
  const ends = pair(4096);
  const run = async (from: Channel, to: Channel): Promise<void> => {
    const count = 3000;
    const sizes = Array.from({ length: count }, () => random.below(random.chance(0.1) ? 5000 : 60));
    const sending = (async () => {
      for (const [index, size] of sizes.entries()) {
        const sent = from.send({ index, fill: 'z'.repeat(size) });
        if (random.chance(0.7)) await sent;
        if (random.chance(0.02)) await nextTurn();
      }
    })();
    for (let index = 0; index < count; index += 1) {
      const message = (await to.receive()) as { index: number; fill: string };
      if (message.index !== index || message.fill.length !== sizes[index]) {
        expect.fail(`${message.index} instead of ${index}, ${random.replay}`);
      }
      if (random.chance(0.02)) await nextTurn();
    }
    await sending;
  };
  await Promise.all([run(...ends), run(ends[1], ends[0])]);
  await close(ends);
});

channelSuite.add('serves those who wait in their order, and leaves out who gave up', async () => {
  const ends = pair();
  const abort = new AbortController();
  const waiting = [
    ends[1].receive(),
    ends[1].receive({ signal: abort.signal }),
    ends[1].receive({ signal: new AbortController().signal }),
  ] as const;
  abort.abort(new Error('enough'));
  expect((await rejectionOf(waiting[1])).message).toBe('enough');
  expect((await rejectionOf(ends[1].receive({ signal: abort.signal }))).message).toBe('enough');
  await ends[0].send('a');
  await ends[0].send('b');
  expect(await Promise.all([waiting[0], waiting[2]])).toEqual(['a', 'b']);
  await close(ends);
});

channelSuite.add('lets what was sent before the end be received', async () => {
  const [one, other] = pair();
  for (let i = 0; i < 3; i += 1) await one.send(i);
  await one.close();
  expect([one.isClosed, other.isClosed]).toEqual([true, false]);
  const seen: unknown[] = [];
  for await (const message of other) seen.push(message);
  expect(seen).toEqual([0, 1, 2]);
  expect(other.isClosed).toBe(true);
  expect((await rejectionOf(other.receive())).message).toBe('The channel is closed');
  expect(await rejectionOf(other.send(1))).toMatchObject({ code: 'ERR_CHANNEL_CLOSED' });
  await close([one, other]);
});

channelSuite.add('ends those who wait when either end is closed', async () => {
  for (const closer of [0, 1] as const) {
    const ends = pair(1024);
    const [one, other] = ends;
    const large = one.send(new Uint8Array(5000));
    const failures = [rejectionOf(large), rejectionOf(one.receive())];
    const iterated = one[Symbol.asyncIterator]().next();
    await ends[closer].close();
    for (const failure of failures) {
      expect(await failure).toMatchObject({ code: 'ERR_CHANNEL_CLOSED' });
    }
    expect(await iterated).toEqual({ value: undefined, done: true });
    expect(await rejectionOf(ends[closer].receive())).toMatchObject({ code: 'ERR_CHANNEL_CLOSED' });
    await close([one, other]);
  }
});

channelSuite.add('closes with its loop and with its runtime', async ({ runtime }) => {
  const [one, other] = pair();
  await one.send(1);
  for await (const message of other) {
    expect(message).toBe(1);
    break;
  }
  expect(other.isClosed).toBe(true);
  await one.close();
  const [third, fourth] = pair();
  const failure = rejectionOf(third.receive());
  await runtime.close();
  expect(await failure).toMatchObject({ code: 'ERR_CHANNEL_CLOSED' });
  expect([third.isClosed, fourth.isClosed]).toEqual([true, true]);
});

channelSuite.add('gives the loop its turn, however fast both ends are', async () => {
  const [one, other] = pair();
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  for (let i = 0; i < 10_000; i += 1) {
    await one.send(i);
    await other.receive();
  }
  isDone = true;
  expect(turns).toBeGreaterThanOrEqual(9);
  await close([one, other]);
});

channelSuite.add(
  'hands connections over, and closes those that nobody takes',
  async () => {
    const [one, other] = pair();
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
    const connect = (): Promise<TcpStream> =>
      TcpStream.connect({ hostname: '127.0.0.1', port: listener.address().port });
    const client = await connect();
    await client.write('early');
    const accepted = await listener.accept();
    await one.send(accepted);
    expect(accepted.isClosed).toBe(true);
    await accepted.close();
    const stream = (await other.receive()) as TcpStream;
    expect([stream instanceof TcpStream, String(await stream.read())]).toEqual([true, 'early']);
    await stream.write('answer');
    expect(String(await client.read())).toBe('answer');
    expect((await rejectionOf(one.send(stream))).message).toMatch(/in use/);
    expect(await rejectionOf(one.send(accepted))).toMatchObject({ code: 'ERR_SOCKET_CLOSED' });
    // One is in shared memory when the receiver's end is closed, one comes too late.
    const [second, third] = [await connect(), await connect()];
    await one.send(await listener.accept());
    await other.close();
    expect(await second.read()).toBe(null);
    const kept = await listener.accept();
    expect(await rejectionOf(one.send(kept))).toMatchObject({ code: 'ERR_CHANNEL_CLOSED' });
    await kept.write('kept');
    expect(String(await third.read())).toBe('kept');
    await Promise.all([client, stream, second, third, kept].map((each) => each.close()));
    await listener.close();
    await close([one, other]);
  },
  { skip: ['libuv', 'Node lets go of no descriptor; see the next case'] },
);

channelSuite.add('says where connections cannot be handed over', async ({ backend }) => {
  const [one, other] = pair();
  const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
  const client = await TcpStream.connect({ port: listener.address().port, hostname: '127.0.0.1' });
  const accepted = await listener.accept();
  if (backend === 'libuv') {
    const refused = await rejectionOf(one.send(accepted));
    expect(refused).toMatchObject({ code: 'ERR_URING_UNAVAILABLE' });
    expect(accepted.isClosed).toBe(false);
  }
  await Promise.all([client.close(), accepted.close(), listener.close()]);
  await close([one, other]);
});

channelSuite.add('refuses streams that cannot change threads', async () => {
  const ends = pair();
  const path = join(tempDirectory(), 'socket');
  const listener = await UnixListener.listen({ path });
  const [client, accepted] = await Promise.all([UnixStream.connect({ path }), listener.accept()]);
  expect(await rejectionOf(ends[0].send(accepted))).toMatchObject({ name: 'DataCloneError' });
  await accepted.write('kept');
  expect(String(await client.read())).toBe('kept');
  await Promise.all([client.close(), accepted.close(), listener.close()]);
  await close(ends);
});
