/**
 * Splicing on the ring itself: that no bytes pass through this process, that waiting costs no
 * thread, and what is left when descriptors run out.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';
import { digestAll, readExactly, tcpPair } from '../../support/tcp-pair.ts';

/** Nothing moves any more when nothing has for so long. */
const STILL_MS = 300;

/** Kernel workers of this process. */
function workers(): number {
  const names = readdirSync('/proc/self/task').map((task) =>
    readFileSync(`/proc/self/task/${task}/comm`, 'utf8'),
  );
  return names.filter((name) => name.startsWith('iou-wrk')).length;
}

ringTest(
  '6.1',
  'waits for many sources, and slow targets, with no thread each',
  async ({ open }) => {
    const runtime = open();
    const COUNT = 24;
    const before = workers();
    const pairs = await Promise.all(
      Array.from({ length: COUNT }, async () => [await tcpPair(), await tcpPair()] as const),
    );
    const moving = pairs.map(async ([front, back]) => await front.server.splice(back.client));
    // Full pipes and sockets: their targets read nothing.
    const written = pairs.map(async ([front]) => {
      await front.client.write(Buffer.alloc(16 * 1024 * 1024));
      await front.client.shutdown();
    });
    for (const [, back] of pairs) await readExactly(back.server, 1);
    // Until everything stands still: pipes and sockets are full.
    const moved = (): number => pairs.reduce((sum, [front]) => sum + front.server.bytesRead, 0);
    let [last, changedMs] = [moved(), performance.now()];
    while (performance.now() - changedMs < STILL_MS) {
      if (moved() !== last) [last, changedMs] = [moved(), performance.now()];
      await nextTurn();
    }
    expect(workers() - before).toBeLessThan(COUNT / 2);
    const { buffersExhausted, leased } = runtime.metrics();
    expect([buffersExhausted, leased]).toEqual([0, 0]);
    await Promise.all([
      ...moving,
      ...written,
      ...pairs.map(async ([, back]) => await digestAll(back.server)),
    ]);
    await Promise.all(pairs.flat().map((pair) => pair.destroy()));
  },
);

ringTest('6.1', 'moves bytes without receiving them', async ({ open }) => {
  const runtime = open();
  const [front, back] = [await tcpPair(), await tcpPair()];
  const moved = front.server.splice(back.client);
  const SIZE = 8 * 1024 * 1024;
  const sink = digestAll(back.server);
  const { chunkBuffers, bulkBuffers } = runtime.requireEngine();
  let taken = 0;
  for (const buffers of [chunkBuffers, bulkBuffers]) {
    const take = buffers.take.bind(buffers);
    buffers.take = (id, length) => {
      taken += length;
      return take(id, length);
    };
  }
  await front.client.write(Buffer.alloc(SIZE));
  await front.client.shutdown();
  expect([await moved, (await sink).size]).toEqual([SIZE, SIZE]);
  expect(front.server.bytesRead).toBe(SIZE);
  // The sink received each byte, and nobody else did.
  expect(taken).toBe(SIZE);
  await Promise.all([front.destroy(), back.destroy()]);
});

ringTest('6.1', 'says so when there is no descriptor for a pipe', async ({ open }) => {
  const { engine } = open();
  const [front, back] = [await tcpPair(), await tcpPair()];
  if (engine === null) throw new Error('A ring');
  const pipe = engine.calls.pipe.bind(engine.calls);
  engine.calls.pipe = () => -24;
  const failure = await rejectionOf(front.server.splice(back.client));
  engine.calls.pipe = pipe;
  expect([failure.code, failure.syscall]).toEqual(['EMFILE', 'pipe']);
  expect([front.server.isClosed, back.client.isClosed]).toEqual([true, true]);
  await Promise.all([front.destroy(), back.destroy()]);
});
