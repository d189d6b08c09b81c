/**
 * Chains that read, in the simulated kernel: whatever is delayed, short, failing or aborted at any
 * step, a promise settles with the whole content or an error, and nothing is left behind. What
 * users see is in `conformance/file-whole.ts`.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { ChainGate } from '../../../src/io/files/chain-gate.ts';
import { readErrorOf } from '../../../src/io/files/read-error.ts';
import { ReadChain } from '../../../src/io/files/read-chain.ts';
import { readWholeFile } from '../../../src/io/files/whole-file.ts';
import * as c from '../../../src/native/constants/io-uring.ts';
import { EISDIR, ENXIO } from '../../../src/native/errno.ts';
import { systemError } from '../../../src/runtime/index.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { closeSim, leftOvers, NOTHING_LEFT } from '../../support/sim-engine.ts';
import { NO_TROUBLES, SimFiles } from '../../support/sim-files.ts';
import { openSimRuntime } from '../../support/sim-runtime.ts';
import type { SimRuntime } from '../../support/sim-runtime.ts';
import { rejectionOf } from '../../support/rejections.ts';

const REASON = new Error('aborted by the test');
const SIZES = [0, 1, 100, 57_343, 57_344, 57_345, 61_440, 61_441, 200_000, 1_100_000];

function bytesOf(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i += 1) bytes[i] = (i * 7 + (i >> 8)) & 0xff;
  return bytes;
}

async function settled<T>({ sim }: SimRuntime, promises: Promise<T>[]): Promise<unknown[]> {
  const all = Promise.allSettled(promises);
  let outcomes: PromiseSettledResult<T>[] | null = null;
  void all.then((value) => (outcomes = value));
  await sim.loop.turnUntil(() => outcomes !== null);
  return (await all).map((one) => (one.status === 'fulfilled' ? one.value : one.reason));
}

async function expectNothingLeft(opened: SimRuntime, files: SimFiles): Promise<void> {
  const { sim, runtime } = opened;
  await sim.loop.turnUntilStopped();
  expect(files.openFiles, 'files left open').toBe(0);
  expect(runtime.files.used, 'slots left').toBe(0);
  expect(ChainGate.of(runtime).running, 'chains left').toBe(0);
  await closeSim(sim);
  expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
}

// Node is asked once what its errors look like, which a loop of virtual time cannot wait for.
beforeAll(async () => void (await readErrorOf(systemError(-EISDIR, 'read'), Buffer.from('/'))));

describe('ReadChain', () => {
  it('is one submission of three entries, and a close', async () => {
    const opened = openSimRuntime();
    const files = new SimFiles(opened.sim.kernel, new SeededRandom(1));
    files.content.set('file', Buffer.from('content'));
    const { begun } = opened.sim.scheduler;
    const [content] = await settled(opened, [
      readWholeFile(opened.runtime, Buffer.from('file'), 0),
    ]);
    expect(String(content)).toBe('content');
    expect(opened.sim.scheduler.begun - begun).toBe(4);
    const [first] = opened.sim.kernel.enters.filter(({ toSubmit }) => toSubmit >= 3);
    expect(first?.result).toBeGreaterThanOrEqual(3);
    await expectNothingLeft(opened, files);
  });

  it('gives the whole or an error, whatever goes wrong and whenever it is aborted', async () => {
    const random = new SeededRandom();
    const expected = SIZES.map((size) => bytesOf(size));
    for (let round = 0; round < 40; round += 1) {
      const opened = openSimRuntime();
      const troubles = { failures: random.next() / 5, shorts: random.next(), delays: 0.5 };
      const files = new SimFiles(opened.sim.kernel, random, troubles);
      expected.forEach((content, i) => files.content.set(`file-${i}`, content));
      const reads = SIZES.map((_, i) => {
        const controller = new AbortController();
        if (random.chance(0.3)) {
          opened.sim.kernel.at(random.below(12), () => controller.abort(REASON));
        }
        return readWholeFile(opened.runtime, Buffer.from(`file-${i}`), 0, controller.signal);
      });
      const outcomes = await settled(opened, reads);
      outcomes.forEach((outcome, i) => {
        if (outcome instanceof Error) {
          expect(outcome === REASON || 'errno' in outcome, random.replay).toBe(true);
          return;
        }
        expect((outcome as Buffer).equals(expected[i] as Buffer), random.replay).toBe(true);
      });
      await expectNothingLeft(opened, files);
    }
  });

  it('is aborted at each of its steps', async () => {
    const content = bytesOf(1_100_000);
    const abortedAt = new Set<number>();
    let aborted = 0;
    let steps = 1;
    for (let step = 0; step < steps; step += 1) {
      for (const seed of [1, 2, 3, 4]) {
        const opened = openSimRuntime();
        const random = new SeededRandom(seed);
        const files = new SimFiles(opened.sim.kernel, random, { ...NO_TROUBLES, delays: 1 });
        files.content.set('file', content);
        const controller = new AbortController();
        let begun = 0;
        files.onBegin = (opcode) => {
          if (begun === step) {
            abortedAt.add(opcode);
            opened.sim.kernel.at(1, () => controller.abort(REASON));
          }
          begun += 1;
        };
        const reading = readWholeFile(opened.runtime, Buffer.from('file'), 0, controller.signal);
        const [outcome] = await settled(opened, [reading]);
        const where = `step ${step}, seed ${seed}`;
        if (outcome === REASON) aborted += 1;
        expect(outcome === REASON || (outcome as Buffer).equals(content), where).toBe(true);
        await expectNothingLeft(opened, files);
        // One that comes too late is not heard: then these were all.
        steps = Math.max(steps, begun);
      }
    }
    expect(steps).toBeGreaterThan(4);
    expect(aborted).toBeGreaterThan(steps);
    const opcodes = [c.IORING_OP_OPENAT, c.IORING_OP_READ, c.IORING_OP_STATX, c.IORING_OP_CLOSE];
    for (const opcode of opcodes) expect(abortedAt.has(opcode), `opcode ${opcode}`).toBe(true);
  });

  it('says why the file could not be opened, and keeps its slot', async () => {
    const opened = openSimRuntime();
    const files = new SimFiles(opened.sim.kernel, new SeededRandom(1));
    const reading = rejectionOf(readWholeFile(opened.runtime, Buffer.from('none'), 0));
    await opened.sim.loop.turnUntilStopped();
    expect(await reading).toMatchObject({
      message: "ENOENT: no such file or directory, open 'none'",
      path: 'none',
    });
    await expectNothingLeft(opened, files);
  });

  it('empties a slot itself when the close did not', async () => {
    const opened = openSimRuntime();
    const files = new SimFiles(opened.sim.kernel, new SeededRandom(1));
    files.content.set('file', Buffer.from('content'));
    opened.sim.kernel.behave(c.IORING_OP_CLOSE, (operation) => operation.complete(-ENXIO));
    expect(opened.runtime.files.used).toBe(0);
    const before = opened.sim.kernel.registers.length;
    await settled(opened, [readWholeFile(opened.runtime, Buffer.from('file'), 0)]);
    const [update] = opened.sim.kernel.registers.slice(before);
    expect(update?.opcode).toBe(c.IORING_REGISTER_FILES_UPDATE2);
    expect(opened.runtime.files.used).toBe(0);
    await closeSim(opened.sim);
  });

  it('ends with the ring when that breaks', async () => {
    const opened = openSimRuntime();
    const { kernel, engine } = opened.sim;
    const files = new SimFiles(kernel, new SeededRandom(1), { ...NO_TROUBLES, delays: 1 });
    files.content.set('file', Buffer.from('content'));
    const reads = Array.from({ length: 70 }, () =>
      rejectionOf(readWholeFile(opened.runtime, Buffer.from('file'), 0)),
    );
    engine.scheduler.flush();
    const broken = new Error('broken');
    opened.close();
    engine.abandon(broken);
    const errors = await Promise.all(reads);
    // Those that waited at the gate are told that the runtime is closed.
    expect(errors.filter((error) => error.code !== 'ERR_RUNTIME_CLOSED')).toHaveLength(64);
  });

  it('is told about a chain that the kernel had to cut', async () => {
    const opened = openSimRuntime();
    const files = new SimFiles(opened.sim.kernel, new SeededRandom(1));
    files.content.set('file', Buffer.from('content'));
    const chain = new ReadChain(opened.runtime, ChainGate.of(opened.runtime), {
      path: Buffer.from('file'),
      flags: 0,
      signal: undefined,
      encoding: undefined,
    });
    ChainGate.of(opened.runtime).enter(chain);
    opened.sim.kernel.submitMax = 1;
    const [outcome] = await settled(opened, [chain.promise]);
    expect(String(outcome)).toBe('content');
    await expectNothingLeft(opened, files);
  });
});
