/**
 * More completions than a small completion queue holds: nothing is lost or doubled, and kernels
 * that can resize it do.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diagnose, prep, Runtime } from 'onering';
import type { ResizeEvent } from 'onering';
import { runChecks, skip } from './checks.ts';

const COUNT = 500;

interface Pipe {
  readonly fd: number;
  /** Makes it readable. */
  fill(): void;
  /** Makes it empty. */
  drain(): void;
  close(): void;
}

/** Both ends of a pipe as one descriptor. */
function openPipe(): Pipe {
  const path = join(tmpdir(), `onering-pipe-${process.pid}`);
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  const fd = openSync(path, 'r+');
  rmSync(path);
  return {
    fd,
    fill: () => void writeSync(fd, 'x'),
    drain: () => void readSync(fd, Buffer.alloc(1)),
    close: () => closeSync(fd),
  };
}

/** Has many polls complete at the same moment: many times what the queue holds. */
async function flood(ring: Runtime, pipe: Pipe): Promise<void> {
  const before = ring.metrics().inFlight;
  const polls = Array.from({ length: COUNT }, async (_, i) => {
    const events = await ring.submit((sqe) => prep.prepPollAdd(sqe, pipe.fd, prep.POLLIN));
    assert.equal(events & prep.POLLIN, prep.POLLIN);
    return i;
  });
  await ring.nop();
  pipe.fill();
  assert.equal(new Set(await Promise.all(polls)).size, COUNT);
  pipe.drain();
  const { inFlight, lostCompletions, lateCompletions } = ring.metrics();
  assert.deepEqual([inFlight, lostCompletions, lateCompletions], [before, 0, 0]);
}
const small = { backend: 'uring', entries: 8, completionEntries: 16 } as const;
const canResize = diagnose().features.ringResize.available;

await runChecks({
  'overflows without resizing, and loses nothing': async () => {
    await using ring = new Runtime({ ...small, resize: false });
    const pipe = openPipe();
    await flood(ring, pipe);
    const { completionEntries, completionOverflows } = ring.metrics();
    assert.equal(completionEntries, 16);
    assert.ok(completionOverflows > 0);
    pipe.close();
  },

  'multishot operations survive it': async () => {
    await using ring = new Runtime({ ...small, resize: false });
    const pipe = openPipe();
    const other = openPipe();
    const polls = ring.multishot((sqe) => prep.prepPollMultishot(sqe, other.fd, prep.POLLIN));
    for (let round = 0; round < 5; round += 1) {
      const flooding = flood(ring, pipe);
      other.fill();
      assert.equal((await polls.next()).done, false);
      other.drain();
      await flooding;
    }
    await polls.return();
    pipe.close();
    other.close();
  },

  'grows where it can': async () => {
    await using ring = new Runtime({
      ...small,
      completionEntriesMax: 1024,
      resize: { pressedBatches: 2 },
    });
    const events: ResizeEvent[] = [];
    ring.on('resize', (event) => events.push(event));
    const pipe = openPipe();
    for (let round = 0; round < 10; round += 1) await flood(ring, pipe);
    pipe.close();
    const { resizesGrown, resizesFailed, completionEntries } = ring.metrics();
    if (!canResize) skip('this kernel cannot resize a ring');
    assert.equal(resizesFailed, 0);
    assert.ok(resizesGrown > 0 && completionEntries > 16, `${resizesGrown} ${completionEntries}`);
    assert.equal(events.length, resizesGrown);
  },

  'gives up resizing quietly where it cannot': async () => {
    if (canResize) skip('this kernel can resize a ring');
    await using ring = new Runtime({ ...small, resize: { pressedBatches: 1 } });
    const pipe = openPipe();
    for (let round = 0; round < 5; round += 1) await flood(ring, pipe);
    pipe.close();
    const { resizesGrown, resizesFailed } = ring.metrics();
    assert.deepEqual([resizesGrown, resizesFailed], [0, 1]);
    assert.equal(ring.metrics().completionEntries, 16);
  },
});
