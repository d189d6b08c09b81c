/**
 * The runtime on this kernel: round trips, timers, aborts, registered resources, and the guests of
 * the loop beside it. Also on the libuv backend, where the ring's own checks are skipped.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { setTimeout as nodeSleep } from 'node:timers/promises';
import { diagnose, prep, runtime } from 'onering';
import { setInterval, setTimeout } from 'onering/timers/promises';
import { runChecks, skip } from './checks.ts';

const ring = runtime();
const hasRing = ring.backend === 'uring';
/** Node's own timers count in whole milliseconds, from the beginning of one. */
const slackMs = hasRing ? 0 : 1;

/** Whether the running kernel is this version or a later one. */
function isSince(major: number, minor: number): boolean {
  const [runningMajor = 0, runningMinor = 0] = release().split('.').map(Number);
  return runningMajor > major || (runningMajor === major && runningMinor >= minor);
}

await runChecks({
  'runs on the backend that was asked for': () => {
    assert.equal(ring.backend, process.env['ONERING_BACKEND']);
  },

  'uses what this kernel has': () => {
    if (!hasRing) skip('no ring');
    const { features } = diagnose();
    assert.equal(features.registeredWaits.inUse, isSince(6, 13));
    assert.equal(features.ringResize.inUse, isSince(6, 13));
    assert.equal(features.noIowait.inUse, isSince(6, 15));
    assert.equal(features.registeredRingDescriptor.inUse, true);
  },

  '10 000 NOPs, 100 at a time': async () => {
    for (let round = 0; round < 100; round += 1) {
      const results = await Promise.all(Array.from({ length: 100 }, () => ring.nop()));
      assert.ok(results.every((result) => result === 0));
    }
  },

  'more NOPs at once than there are entries': async () => {
    const COUNT = 5000;
    let called = 0;
    await new Promise<void>((resolve) => {
      for (let i = 0; i < COUNT; i += 1) {
        ring.nop(() => {
          called += 1;
          if (called === COUNT) resolve();
        });
      }
    });
    assert.equal(ring.metrics().inFlight, 0);
  },

  'timers fire in order and not early': async () => {
    await setTimeout(1);
    const startedMs = performance.now();
    const order: number[] = [];
    // An emulated processor may need milliseconds to set one.
    const delays = [60, 0.5, 180, 1.25, 120];
    await Promise.all(
      delays.map(async (delay) => {
        await setTimeout(delay);
        assert.ok(performance.now() - startedMs >= delay - slackMs);
        order.push(delay);
      }),
    );
    assert.deepEqual(
      order,
      delays.toSorted((a, b) => a - b),
    );
    let ticks = 0;
    for await (const _ of setInterval(2)) {
      ticks += 1;
      if (ticks === 5) break;
    }
  },

  'aborts a timer': async () => {
    const controller = new AbortController();
    const sleeping = setTimeout(60_000, undefined, { signal: controller.signal });
    controller.abort();
    await assert.rejects(sleeping, { name: 'AbortError' });
  },

  'aborts an operation in the kernel': async () => {
    if (!hasRing) skip('no ring');
    const { POLLIN } = prep;
    const child = spawn('sleep', ['60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const { fd } = (child.stdout as unknown as { _handle: { fd: number } })._handle;
    const controller = new AbortController();
    const reason = new Error('enough');
    const polling = ring.submit((sqe) => prep.prepPollAdd(sqe, fd, POLLIN), {
      signal: controller.signal,
    });
    await ring.nop();
    controller.abort(reason);
    await assert.rejects(polling, (error) => error === reason);
    child.kill();
    await once(child, 'close');
    assert.equal(ring.metrics().inFlight, 0);
  },

  'registered buffers and files': async () => {
    if (!hasRing) skip('no ring');
    const { files, buffers } = ring;
    const buffer = buffers.allocate(4096);
    const { open } = await import('node:fs/promises');
    const handle = await open('package.json');
    const slot = files.register(handle.fd);
    const count = await ring.submit((sqe) => {
      prep.prepReadFixed(sqe, slot, buffer.address, 4096, 0, buffer.index);
      prep.setSqeFlags(sqe, prep.IOSQE_FIXED_FILE);
    });
    assert.equal(buffer.bytes.toString('utf8', 0, 1), '{');
    assert.ok(count > 1);
    files.unregister(slot);
    buffer.release();
    await handle.close();
  },

  "leaves Node's own work running": async () => {
    const idle = setTimeout(30_000, undefined, { ref: false });
    const child = spawn('echo', ['guest']);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const [[code], text, { address }] = await Promise.all([
      once(child, 'close'),
      readFile('package.json', 'utf8'),
      lookup('localhost', { family: 4 }),
      nodeSleep(5),
    ]);
    assert.deepEqual([code, String(Buffer.concat(chunks))], [0, 'guest\n']);
    assert.equal(JSON.parse(text).name, 'onering');
    assert.equal(address, '127.0.0.1');
    await new Promise((resolve) => setImmediate(resolve));
    const signaled = once(process, 'SIGUSR2');
    process.kill(process.pid, 'SIGUSR2');
    await signaled;
    void idle;
  },

  closes: async () => {
    await ring.close();
    assert.ok(ring.isClosed);
  },
});
