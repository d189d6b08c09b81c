/**
 * Nothing is lost under pressure: full queues, overflow, refusals, resizing up and down, rings that
 * break; on the simulated kernel, and the main cases on the real one.
 */

import { describe, expect, it } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import * as errno from '../../src/native/errno.ts';
import { prepNop } from '../../src/native/prep.ts';
import type { ResizeEvent } from '../../src/runtime/pressure.ts';
import { RingLostError } from '../../src/runtime/ring.ts';
import { ignoreCompletion } from '../../src/runtime/operation.ts';
import { Timer } from '../../src/runtime/timer-heap.ts';
import { ringTest } from '../support/ring-test.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import {
  closeSim,
  heldOf,
  holdNops,
  leftOvers,
  nop,
  NOTHING_LEFT,
  nopThen,
  openSim,
} from '../support/sim-engine.ts';
import type { Sim } from '../support/sim-engine.ts';
import { uncaughtErrors } from '../support/uncaught-errors.ts';

/** Both queues as small as they get: a full submission fills the completion queue. */
const TIGHT = { entries: 8, completionEntries: 8 } as const;
const PRESSED = { resize: { pressedBatches: 2, quietMs: 500 } } as const;
const PRESSED_AT_ONCE = { ...TIGHT, resize: { pressedBatches: 1, quietMs: 500 } } as const;

/** Bursts of NOPs whose completions all come at once, later: each batch fills the queue. */
async function burst(sim: Sim, count: number): Promise<void> {
  holdNops(sim);
  const promises = Array.from({ length: count }, () => nop(sim));
  sim.kernel.at(1, () => {
    for (const operation of sim.kernel.held(c.IORING_OP_NOP)) operation.complete(0);
  });
  await sim.loop.turnUntil(() => sim.scheduler.inFlight === 0);
  expect(await Promise.all(promises)).toEqual(new Array(count).fill(0));
}

describe('Scheduler, a full submission queue', () => {
  it('submits early in the middle of a burst, in order', async () => {
    const sim = openSim();
    const results: number[] = [];
    for (let i = 0; i < 50; i += 1) {
      const operation = sim.scheduler.begin((result) => results.push(result), 'nop');
      expect(operation.isInFlight).toBe(true);
      const { sqe } = sim.scheduler;
      prepNop(sqe);
      sqe.words[sqe.base + 6] = i;
      sqe.words[sqe.base + 7] = c.IORING_NOP_INJECT_RESULT;
    }
    await sim.loop.turn();
    expect(results).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(sim.engine.metrics.fullSubmissionQueues).toBe(6);
  });

  it('runs no callback while it makes space', () => {
    const sim = openSim();
    let count = 0;
    for (let i = 0; i < 50; i += 1) nopThen(sim, () => (count += 1));
    expect(count).toBe(0);
  });

  it.each([errno.EAGAIN, errno.EBUSY, errno.EINTR])(
    'tries again after %d, and loses nothing',
    async (number) => {
      const sim = openSim();
      sim.kernel.failEnter(...new Array<number>(20).fill(-number));
      const promises = Array.from({ length: 30 }, () => nop(sim));
      await sim.loop.turnUntilStopped();
      expect(await Promise.all(promises)).toEqual(new Array(30).fill(0));
      expect(sim.engine.metrics.submitRetries).toBe(number === errno.EINTR ? 0 : 20);
      expect(sim.failures).toEqual([]);
    },
  );

  it('goes on after a short submission', async () => {
    const sim = openSim();
    const promises = Array.from({ length: 8 }, () => nop(sim));
    sim.kernel.submitMax = 3;
    await sim.loop.turnUntilStopped();
    expect(await Promise.all(promises)).toEqual(new Array(8).fill(0));
  });

  it('does not wait while completions that it took in to make space are not run yet', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    expect(sim.kernel.held(c.IORING_OP_POLL_ADD)).toEqual([]);
    const promises = Array.from({ length: 8 }, () => nop(sim));
    await sim.loop.turnUntilStopped();
    expect(await Promise.all(promises)).toEqual(new Array(8).fill(0));
    expect(sim.failures).toEqual([]);
  });

  it('gives up with EAGAIN when the kernel never takes anything, and can go on later', async () => {
    const sim = openSim();
    const queued = Array.from({ length: 8 }, () => nop(sim));
    sim.kernel.failEnter(...new Array<number>(5000).fill(-errno.EAGAIN));
    expect(() => nop(sim)).toThrow(expect.objectContaining({ code: 'EAGAIN' }));
    expect(sim.scheduler.inFlight).toBe(8);
    sim.kernel.faults.clear('enter');
    await sim.loop.turnUntilStopped();
    expect(await Promise.all(queued)).toEqual(new Array(8).fill(0));
    expect(sim.failures).toEqual([]);
  });
});

describe('Scheduler, an overflowing completion queue', () => {
  it('delivers everything without resizing, and counts it', async () => {
    const sim = openSim({ resize: false });
    await burst(sim, 500);
    expect(sim.engine.metrics.completionOverflows).toBeGreaterThan(0);
    expect([sim.resizes, sim.engine.ring.completions.entries]).toEqual([[], 16]);
  });

  it('delivers everything where the kernel cannot resize', async () => {
    const sim = openSim(PRESSED, (kernel) => {
      kernel.failRegister(c.IORING_REGISTER_RESIZE_RINGS, -errno.EINVAL);
    });
    await burst(sim, 500);
    expect(sim.engine.metrics.resizesFailed).toBe(1);
    expect(sim.failures).toEqual([]);
  });

  it('fails when the kernel had to drop completions: nobody knows whose', async () => {
    const sim = openSim({ resize: false });
    sim.kernel.ring.overflowMax = 4;
    holdNops(sim);
    const promises = Array.from({ length: 40 }, () => nop(sim));
    const settled = Promise.allSettled(promises);
    sim.kernel.at(1, () => {
      for (const operation of sim.kernel.held(c.IORING_OP_NOP)) operation.complete(0);
    });
    await sim.loop.turn();
    expect(sim.failures).toHaveLength(1);
    expect(sim.failures[0]).toMatchObject({ code: 'EBADR' });
    expect(sim.engine.metrics.lostCompletions).toBe(20);
    const rejected = (await settled).filter(({ status }) => status === 'rejected');
    expect(rejected.length).toBeGreaterThanOrEqual(20);
  });
});

describe('Scheduler, resizing', () => {
  it('grows under pressure, and shrinks after a quiet time', async () => {
    const sim = openSim(PRESSED);
    await burst(sim, 500);
    sim.loop.hasOwnWork = true;
    const grown = sim.engine.ring.completions.entries;
    expect(grown).toBeGreaterThan(16);
    expect(sim.resizes[0]).toEqual({ from: 16, to: 32, reason: 'pressure' });
    await sim.loop.turnUntilStopped();
    expect(sim.engine.ring.completions.entries).toBe(16);
    expect(sim.resizes.at(-1)).toEqual({ from: 32, to: 16, reason: 'quiet' });
    const { metrics } = sim.engine;
    expect(metrics.resizesGrown).toBe(metrics.resizesShrunk);
    await closeSim(sim);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });

  it('waits a whole quiet time before each step', async () => {
    const sim = openSim({ ...TIGHT, ...PRESSED });
    await burst(sim, 500);
    const calmMs = sim.kernel.nowMs();
    sim.loop.hasOwnWork = true;
    await sim.loop.turnUntilStopped();
    const shrunkMs = sim.resizedMs.filter((_, i) => sim.resizes[i]?.reason === 'quiet');
    expect(shrunkMs.length).toBeGreaterThan(1);
    for (const [i, timeMs] of shrunkMs.entries()) {
      expect(timeMs - (shrunkMs[i - 1] ?? calmMs - 500)).toBeGreaterThanOrEqual(500);
    }
  });

  it('does not keep the process alive to watch for quiet', async () => {
    const sim = openSim(PRESSED);
    await burst(sim, 500);
    expect([sim.loop.isStarted, sim.loop.isReferenced]).toEqual([true, false]);
  });

  it('does not shrink while the pressure lasts', async () => {
    const sim = openSim(PRESSED);
    for (let round = 0; round < 20; round += 1) {
      await burst(sim, 100);
      sim.kernel.advance(100);
    }
    expect(sim.resizes.filter(({ reason }) => reason === 'quiet')).toEqual([]);
  });

  it('delivers what is in flight over both', async () => {
    const sim = openSim({ ...PRESSED, ...TIGHT });
    sim.loop.hasOwnWork = true;
    holdNops(sim);
    const seen: number[] = [];
    const long = nopThen(sim, (result) => seen.push(result));
    sim.scheduler.flush();
    const held = heldOf(sim, long);
    sim.kernel.at(10_000, () => held.complete(42));
    sim.kernel.behave(c.IORING_OP_NOP, (operation) => operation.complete(0));
    const promises = Array.from({ length: 500 }, () => nop(sim));
    expect(sim.resizes.length).toBeGreaterThan(0);
    await sim.loop.turnUntilStopped();
    expect(seen).toEqual([42]);
    expect(await Promise.all(promises)).toEqual(new Array(500).fill(0));
    expect(sim.engine.ring.completions.entries).toBe(8);
  });

  it('resizes in the middle of a burst, while entries wait to be submitted', async () => {
    const sim = openSim(PRESSED_AT_ONCE);
    const promises = Array.from({ length: 300 }, () => nop(sim));
    expect(sim.resizes.length).toBeGreaterThan(0);
    await sim.loop.turnUntil(() => sim.scheduler.inFlight === 0);
    expect(await Promise.all(promises)).toEqual(new Array(300).fill(0));
  });

  it('does not show its own timer in the metrics', async () => {
    const sim = openSim(PRESSED);
    await burst(sim, 500);
    const { snapshotOf } = await import('../../src/runtime/metrics.ts');
    expect(snapshotOf('uring', sim.engine).timers).toBe(0);
  });
});

describe('Scheduler, a ring that is lost', () => {
  it('fails when it cannot map what it grew to, in the middle of a burst', async () => {
    const sim = openSim(PRESSED_AT_ONCE);
    sim.kernel.failMapRing(-errno.ENOMEM);
    const promises: Promise<number>[] = [];
    expect(() => {
      for (let i = 0; i < 300; i += 1) promises.push(nop(sim));
    }).toThrow(RingLostError);
    const settled = await Promise.allSettled(promises);
    expect(sim.failures).toHaveLength(1);
    expect(sim.failures[0]).toBeInstanceOf(RingLostError);
    expect(settled.some(({ status }) => status === 'rejected')).toBe(true);
    expect(sim.loop.isStarted).toBe(false);
  });

  it('fails when it cannot map what it shrank to', async () => {
    const sim = openSim(PRESSED);
    await burst(sim, 500);
    sim.kernel.failMapRing(-errno.ENOMEM);
    const pending = nopThen(sim, ignoreCompletion);
    const reasons: unknown[] = [];
    pending.reject = (reason) => reasons.push(reason);
    const errors = await uncaughtErrors(() => sim.loop.turnUntilStopped());
    expect(errors).toEqual([]);
    expect(sim.failures).toHaveLength(1);
    expect(sim.failures[0]).toBeInstanceOf(RingLostError);
    expect(reasons).toEqual(sim.failures);
  });

  it.each([errno.EBADF, errno.EFAULT, errno.ENXIO, errno.EINVAL])(
    'fails once when enter ends with %d, and enters no more',
    async (number) => {
      const sim = openSim();
      await sim.loop.turnUntilStopped();
      const pending = nop(sim);
      sim.kernel.failEnter(-number);
      const before = sim.kernel.enters.length;
      await sim.loop.turn();
      await expect(pending).rejects.toMatchObject({ errno: -number });
      expect(sim.failures).toHaveLength(1);
      expect(sim.kernel.enters.length - before).toBe(1);
      expect(sim.loop.isStarted).toBe(false);
    },
  );

  it('enters no more when it breaks while it makes space', async () => {
    const sim = openSim();
    const queued = Array.from({ length: 8 }, () => nop(sim));
    const settled = Promise.allSettled(queued);
    sim.kernel.faults.add('enter', -errno.EFAULT, Infinity);
    const before = sim.kernel.enters.length;
    expect(() => nop(sim)).toThrow(/^EFAULT: /);
    expect(sim.failures).toHaveLength(1);
    expect(sim.kernel.enters.length - before).toBe(1);
    expect((await settled).every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('notices lost completions although it was resized in between', async () => {
    const sim = openSim(PRESSED_AT_ONCE);
    holdNops(sim);
    const pending = Promise.allSettled(Array.from({ length: 40 }, () => nop(sim)));
    sim.kernel.ring.overflowMax = 0;
    sim.kernel.at(0.5, () => {
      for (const operation of sim.kernel.held(c.IORING_OP_NOP)) operation.complete(0);
    });
    await sim.loop.turn();
    expect(sim.failures).toMatchObject([{ code: 'EBADR' }]);
    expect(sim.loop.isStarted).toBe(false);
    const rejected = (await pending).filter(({ status }) => status === 'rejected');
    expect(rejected).toHaveLength(32);
  });
});

describe('Scheduler, 100,000 operations through a small completion queue', () => {
  it.each([
    ['with resizing', { resize: { pressedBatches: 4, quietMs: 50 } }],
    ['without resizing', { resize: false }],
  ] as const)('%s', async (_name, options) => {
    const random = new SeededRandom();
    const sim = openSim({ entries: 64, completionEntries: 64, ...options });
    sim.loop.hasOwnWork = true;
    holdNops(sim);
    let begun = 0;
    let done = 0;
    const isDone = new Uint8Array(100_000);
    while (begun < 100_000) {
      for (let left = random.between(1, 5000); left > 0 && begun < 100_000; left -= 1) {
        const name = begun;
        begun += 1;
        nopThen(sim, () => {
          isDone[name] = (isDone[name] ?? 0) + 1;
          done += 1;
        });
      }
      sim.kernel.at(random.next() * 5, () => {
        const held = random.shuffled(sim.kernel.held(c.IORING_OP_NOP));
        for (const operation of held) if (random.chance(0.8)) operation.complete(0);
      });
      sim.kernel.at(6, () => sim.loop.setReady(true));
      if (random.chance(0.2)) sim.kernel.failEnter(-errno.EAGAIN, -errno.EBUSY, -errno.EINTR);
      if (random.chance(0.2)) sim.kernel.submitMax = random.below(64);
      await sim.loop.turn();
    }
    sim.kernel.behave(c.IORING_OP_NOP, (operation) => operation.complete(0));
    sim.kernel.at(1, () => {
      for (const operation of sim.kernel.held(c.IORING_OP_NOP)) operation.complete(0);
    });
    await sim.loop.turnUntil(() => done >= 100_000);
    expect(
      isDone.every((times) => times === 1),
      random.replay,
    ).toBe(true);
    expect(sim.failures, random.replay).toEqual([]);
    await sim.loop.turnUntilStopped();
    expect(sim.engine.ring.completions.entries).toBe(64);
    await closeSim(sim);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });

  ringTest('6.13', 'on the real kernel, growing and shrinking', async (test) => {
    const runtime = test.open({
      entries: 64,
      completionEntries: 64,
      resize: { pressedBatches: 4, quietMs: 20 },
    });
    const resizes: ResizeEvent[] = [];
    runtime.on('resize', (event) => resizes.push(event));
    await pressReal(() => runtime.nop());
    expect(resizes[0]).toEqual({ from: 64, to: 128, reason: 'pressure' });
    expect(runtime.metrics().resizesGrown).toBeGreaterThan(0);
    expect(runtime.metrics().completionEntries).toBeGreaterThan(64);
    const { scheduler } = runtime.requireEngine();
    for (let waits = 0; runtime.metrics().completionEntries > 64 && waits < 100; waits += 1) {
      await new Promise<void>((resolve) => {
        scheduler.addTimer(new Timer(scheduler.nowMs() + 20, () => resolve(), null));
      });
    }
    expect(runtime.metrics().completionEntries).toBe(64);
    expect(runtime.metrics().resizesShrunk).toBe(runtime.metrics().resizesGrown);
    expect(resizes.at(-1)).toEqual({ from: 128, to: 64, reason: 'quiet' });
    expect(await runtime.nop()).toBe(0);
  });

  ringTest('6.1', 'on the real kernel, as many as the submission queue holds', async (test) => {
    const runtime = test.open({ entries: 8 });
    const promises = Array.from({ length: 8 }, () => runtime.nop());
    expect(await Promise.all(promises)).toEqual(new Array(8).fill(0));
  });

  ringTest('6.1', 'on the real kernel, without resizing', async (test) => {
    const runtime = test.open({ entries: 64, completionEntries: 64, resize: false });
    await pressReal(() => runtime.nop());
    expect(runtime.metrics()).toMatchObject({ resizesGrown: 0, completionEntries: 64 });
  });
});

async function pressReal(nopOnce: () => Promise<number>): Promise<void> {
  let sum = 0;
  for (let burstCount = 0; burstCount < 10; burstCount += 1) {
    const results = await Promise.all(Array.from({ length: 10_000 }, nopOnce));
    sum += results.filter((result) => result === 0).length;
  }
  expect(sum).toBe(100_000);
}
