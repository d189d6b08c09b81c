/**
 * Chains that write, in the simulated kernel: a promise that resolves means that all of the data
 * was written, and synced if that was asked for; whatever happens, nothing is left behind. What
 * users see is in `conformance/file-whole.ts`.
 */

import { describe, expect, it } from 'vitest';
import { ChainGate } from '../../../src/io/files/chain-gate.ts';
import { writeWholeFile } from '../../../src/io/files/whole-file.ts';
import type { WriteRequest } from '../../../src/io/files/write-chain.ts';
import * as c from '../../../src/native/constants/io-uring.ts';
import { EIO, ENOSPC } from '../../../src/native/errno.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { closeSim, leftOvers, NOTHING_LEFT } from '../../support/sim-engine.ts';
import { SimFiles } from '../../support/sim-files.ts';
import type { SimTroubles } from '../../support/sim-files.ts';
import { openSimRuntime } from '../../support/sim-runtime.ts';
import type { SimRuntime } from '../../support/sim-runtime.ts';

const REASON = new Error('aborted by the test');
const SIZES = [0, 1, 100, 65_536, 1_048_576, 1_048_577, 2_500_000];

interface Given extends SimRuntime {
  readonly files: SimFiles;
}

function given(random = new SeededRandom(1), troubles?: SimTroubles): Given {
  const opened = openSimRuntime();
  return { ...opened, files: new SimFiles(opened.sim.kernel, random, troubles) };
}

function write(
  { runtime }: SimRuntime,
  name: string,
  data: Buffer,
  more: Partial<WriteRequest> = {},
): Promise<void> {
  const path = Buffer.from(name);
  const request = { path, flags: 1, mode: 0o600, data, flush: false, signal: undefined };
  return writeWholeFile(runtime, { ...request, ...more });
}

/** The reason of each that was rejected, `null` for each that was not. */
async function failures({ sim }: SimRuntime, promises: Promise<void>[]): Promise<unknown[]> {
  const all = Promise.all(
    promises.map((one) =>
      one.then(
        () => null,
        (reason: unknown) => reason,
      ),
    ),
  );
  let isDone = false;
  void all.then(() => (isDone = true));
  await sim.loop.turnUntil(() => isDone);
  return await all;
}

async function expectNothingLeft({ sim, runtime, files }: Given): Promise<void> {
  await sim.loop.turnUntilStopped();
  expect(files.openFiles, 'files left open').toBe(0);
  expect(runtime.files.used, 'slots left').toBe(0);
  expect(ChainGate.of(runtime).running, 'chains left').toBe(0);
  await closeSim(sim);
  expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
}

describe('WriteChain', () => {
  it('is one submission, with a sync in it if that was asked for', async () => {
    const opened = given();
    const { begun } = opened.sim.scheduler;
    expect(await failures(opened, [write(opened, 'a', Buffer.from('content'))])).toEqual([null]);
    expect(opened.sim.scheduler.begun - begun).toBe(3);
    const flushed = write(opened, 'a', Buffer.from('more'), { flush: true });
    expect(await failures(opened, [flushed])).toEqual([null]);
    expect(opened.sim.scheduler.begun - begun).toBe(7);
    expect([opened.files.syncs, String(opened.files.content.get('a'))]).toEqual([1, 'more']);
    await expectNothingLeft(opened);
  });

  it('writes all or says why not, whatever goes wrong and whenever it is aborted', async () => {
    const random = new SeededRandom();
    for (let round = 0; round < 60; round += 1) {
      const troubles = { failures: random.next() / 5, shorts: random.next(), delays: 0.5 };
      const opened = given(random, troubles);
      const contents = SIZES.map((size) => Buffer.alloc(size, `${size}.`));
      const writes = contents.map((data, i) => {
        const controller = new AbortController();
        if (random.chance(0.3)) {
          opened.sim.kernel.at(random.below(12), () => controller.abort(REASON));
        }
        const { signal } = controller;
        return write(opened, `file-${i}`, data, { flush: random.chance(0.5), signal });
      });
      const outcomes = await failures(opened, writes);
      outcomes.forEach((outcome, i) => {
        if (outcome !== null) {
          expect(outcome === REASON || outcome instanceof Error, random.replay).toBe(true);
          return;
        }
        const written = opened.files.content.get(`file-${i}`);
        expect(written?.equals(contents[i] as Buffer), random.replay).toBe(true);
      });
      await expectNothingLeft(opened);
    }
  });

  it('is aborted at each of its steps', async () => {
    const data = Buffer.alloc(2_500_000, 'content.');
    const abortedAt = new Set<number>();
    let aborted = 0;
    for (const size of [100, data.length]) {
      let steps = 1;
      for (let step = 0; step < steps; step += 1) {
        for (const seed of [1, 2, 3, 4]) {
          const random = new SeededRandom(seed);
          const opened = given(random, { failures: 0, shorts: 0, delays: 1 });
          const { files, sim } = opened;
          const controller = new AbortController();
          let begun = 0;
          files.onBegin = (opcode) => {
            if (begun === step) {
              abortedAt.add(opcode);
              sim.kernel.at(1, () => controller.abort(REASON));
            }
            begun += 1;
          };
          const content = data.subarray(0, size);
          const more = { flush: true, signal: controller.signal };
          const [outcome] = await failures(opened, [write(opened, 'a', content, more)]);
          const where = `step ${step} of ${size} bytes, seed ${seed}`;
          expect(outcome === null || outcome === REASON, where).toBe(true);
          if (outcome === REASON) aborted += 1;
          else {
            expect(files.content.get('a')?.equals(content), where).toBe(true);
            expect(files.syncs, where).toBeGreaterThan(0);
          }
          await expectNothingLeft(opened);
          steps = Math.max(steps, begun);
        }
      }
      expect(steps).toBeGreaterThan(3);
    }
    expect(aborted).toBeGreaterThan(8);
    const opcodes = [c.IORING_OP_OPENAT, c.IORING_OP_WRITE, c.IORING_OP_FSYNC, c.IORING_OP_CLOSE];
    for (const opcode of opcodes) expect(abortedAt.has(opcode), `opcode ${opcode}`).toBe(true);
  });

  it('does not sync again what could not be synced', async () => {
    const opened = given();
    opened.files.syncResults.push(-EIO);
    const [failure] = await failures(opened, [
      write(opened, 'a', Buffer.from('content'), { flush: true }),
    ]);
    expect(failure).toMatchObject({ message: 'EIO: i/o error, fsync' });
    expect(opened.files.syncs).toBe(1);
    await expectNothingLeft(opened);
  });

  it('resumes where a full disk stopped it, and reports that', async () => {
    const opened = given();
    opened.files.sizeMax = 10;
    const [failure] = await failures(opened, [write(opened, 'a', Buffer.alloc(15, 'x'))]);
    expect(failure).toMatchObject({ errno: -ENOSPC, syscall: 'write' });
    expect(opened.files.content.get('a')).toHaveLength(10);
    await expectNothingLeft(opened);
  });

  it('goes on with a chain that the kernel had to cut', async () => {
    for (const submitMax of [1, 2, 3]) {
      const opened = given();
      const writing = write(opened, 'a', Buffer.from('content'), { flush: true });
      opened.sim.kernel.submitMax = submitMax;
      const [failure] = await failures(opened, [writing]);
      if (failure === null) expect(String(opened.files.content.get('a'))).toBe('content');
      else expect(failure).toMatchObject({ code: 'ENOMEM' });
      await expectNothingLeft(opened);
    }
  });
});
