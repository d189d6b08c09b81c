/**
 * Opening, closing and discarding an engine on the simulated kernel: every way in, every way out,
 * and that nothing is left behind or freed while the kernel still uses it.
 */

import { describe, expect, it } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import * as errno from '../../src/native/errno.ts';
import { prepAccept, prepRead } from '../../src/native/prep.ts';
import { settleWithResult, promiseOf } from '../../src/runtime/completion-promise.ts';
import { UringUnavailableError } from '../../src/runtime/errors.ts';
import { ignoreCompletion } from '../../src/runtime/operation.ts';
import { Timer } from '../../src/runtime/timer-heap.ts';
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
import { SimKernel } from '../support/sim-kernel.ts';
import { macrotask } from '../support/sim-loop.ts';
import { rejectionOf } from '../support/rejections.ts';

/** Opens an engine that must fail, and returns the error and what its kernel is left with. */
function openFailing(prepare: (kernel: SimKernel) => void): [UringUnavailableError, SimKernel] {
  let kernel = new SimKernel();
  try {
    openSim({}, (made) => {
      kernel = made;
      prepare(made);
    });
  } catch (error) {
    if (error instanceof UringUnavailableError) return [error, kernel];
    throw error;
  }
  throw new Error('The engine opened');
}

/** Begins a read into simulated memory, which the kernel holds. */
function beginRead(sim: Sim): { address: number; free: () => void; done: Promise<number> } {
  const memory = sim.kernel.allocate(4096);
  if (typeof memory === 'number') throw new Error('no memory');
  const operation = sim.scheduler.begin(settleWithResult, 'read');
  prepRead(sim.scheduler.sqe, 3, memory.address, 4096, 0);
  operation.keep = memory;
  return {
    address: memory.address,
    free: () => memory.free(),
    done: promiseOf<number>(operation),
  };
}

describe('Engine, opening', () => {
  it('proves that the ring is alive, and leaves the loop alone afterwards', async () => {
    const sim = openSim();
    expect(sim.scheduler.inFlight).toBe(0);
    await sim.loop.turnUntilStopped();
    expect([sim.loop.isStarted, sim.loop.isReferenced]).toEqual([false, false]);
    expect(sim.kernel.held()).toEqual([]);
  });

  it.each([
    ['a set-up that fails', (k: SimKernel) => k.failSetup(-errno.EINVAL), 'kernel'],
    ['no descriptors', (k: SimKernel) => k.failSetup(-errno.EMFILE), 'limits'],
    ['no memory for the ring', (k: SimKernel) => k.failSetup(-errno.ENOMEM), 'memlock'],
    ['no page at all', (k: SimKernel) => k.failAllocate(-errno.ENOMEM), 'memlock'],
    ['no wait region', (k: SimKernel) => k.failAllocate(-errno.ENOMEM, 1, 1), 'memlock'],
    ['no mapping', (k: SimKernel) => k.failMapRing(-errno.ENOMEM), 'memlock'],
    [
      'a ring that cannot be enabled',
      (k: SimKernel) => k.failRegister(c.IORING_REGISTER_ENABLE_RINGS, -errno.EINVAL),
      'kernel',
    ],
  ])('says why, and keeps nothing: %s', (_name, prepare, reason) => {
    const [error, kernel] = openFailing(prepare);
    expect(error).toMatchObject({ code: 'ERR_URING_UNAVAILABLE', reason });
    expect([kernel.memory.mapped, kernel.liveRings]).toEqual([0, 0]);
    expect([...kernel.closedOnExit]).toEqual([]);
  });

  it.each([
    ['never completes', (k: SimKernel) => k.hold(c.IORING_OP_NOP)],
    ['fails', (k: SimKernel) => k.behave(c.IORING_OP_NOP, (op) => op.complete(-errno.EINVAL))],
    ['is never taken', (k: SimKernel) => k.faults.add('enter', -errno.EAGAIN, Infinity)],
    ['cannot be submitted', (k: SimKernel) => k.faults.add('enter', -errno.EINVAL, Infinity)],
  ])('does not trust a ring whose first NOP %s', (_name, prepare) => {
    const [error, kernel] = openFailing((made) => {
      // Each call takes a while: an engine that polls in vain has to look at the clock.
      made.clock.stepMs = 0.1;
      prepare(made);
    });
    expect(error.reason).toBe('broken');
    expect(kernel.liveRings).toBe(0);
  });

  it('works without anything that is newer than 6.1', async () => {
    const sim = openSim({}, (kernel) => {
      kernel.setupFlags &= ~(c.IORING_SETUP_NO_SQARRAY | c.IORING_SETUP_NO_MMAP);
      kernel.features &= ~(c.IORING_FEAT_MIN_TIMEOUT | c.IORING_FEAT_NO_IOWAIT);
      kernel.failRegister(c.IORING_REGISTER_MEM_REGION, -errno.EINVAL);
      kernel.failRegister(c.IORING_REGISTER_RESIZE_RINGS, -errno.EINVAL);
    });
    const promises = Array.from({ length: 100 }, () => nop(sim));
    await sim.loop.turnUntilStopped();
    expect(await Promise.all(promises)).toEqual(new Array(100).fill(0));
    await closeSim(sim);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });
});

describe('Engine.close', () => {
  it('cancels what is in flight, waits for it, and leaves nothing', async () => {
    const sim = openSim();
    holdNops(sim);
    const settled = Promise.allSettled([nop(sim), nop(sim), nop(sim)]);
    await closeSim(sim);
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ECANCELED' } });
    }
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
    expect(sim.loop.isStarted).toBe(false);
  });

  it('waits for what cannot be canceled any more, without entering over and over', async () => {
    const sim = openSim();
    holdNops(sim);
    const pending = nop(sim);
    sim.scheduler.flush();
    const [held] = sim.kernel.held(c.IORING_OP_NOP);
    if (held === undefined) throw new Error('nothing is held');
    held.isCancelable = false;
    const before = sim.kernel.enters.length;
    sim.kernel.at(1000, () => held.complete(0));
    await closeSim(sim);
    expect(await pending).toBe(0);
    expect(sim.kernel.enters.length - before).toBeLessThan(50);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });

  it('closes a ring that was never used, and one with nothing in flight', async () => {
    const unused = openSim();
    await closeSim(unused);
    expect(leftOvers(unused)).toEqual(NOTHING_LEFT);
    const used = openSim();
    const done = nop(used);
    await used.loop.turnUntilStopped();
    await done;
    await closeSim(used);
    expect(leftOvers(used)).toEqual(NOTHING_LEFT);
  });

  it('also ends what was begun while it waited', async () => {
    const sim = openSim();
    holdNops(sim);
    const more = nop(sim).catch(() => rejectionOf(nop(sim)));
    await closeSim(sim);
    expect(await more).toMatchObject({ code: 'ECANCELED' });
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });

  it('leaves the loop alone when it ends in a tick with a grown queue', async () => {
    const sim = openSim({
      entries: 8,
      completionEntries: 8,
      resize: { pressedBatches: 1, quietMs: 10 },
    });
    for (let i = 0; i < 40; i += 1) nopThen(sim, ignoreCompletion);
    await sim.loop.turn();
    expect(sim.engine.ring.completions.entries).toBeGreaterThan(8);
    holdNops(sim);
    const settled = Promise.allSettled([nop(sim)]);
    await closeSim(sim);
    await settled;
    await macrotask(() => {});
    expect(sim.loop.isStarted).toBe(false);
    expect(sim.failures).toEqual([]);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });

  it('does not resize what it has closed in the same tick', async () => {
    const sim = openSim({
      entries: 8,
      completionEntries: 8,
      resize: { pressedBatches: 1, quietMs: 10 },
    });
    await sim.loop.turnUntilStopped();
    holdNops(sim);
    const settled = Promise.allSettled(Array.from({ length: 7 }, () => nop(sim)));
    await closeSim(sim);
    expect((await settled).map(({ status }) => status)).toEqual(new Array(7).fill('rejected'));
    expect([sim.failures, sim.loop.isStarted]).toEqual([[], false]);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });

  it('rejects with what broke the ring while it was closing', async () => {
    const sim = openSim();
    holdNops(sim);
    const settled = Promise.allSettled([nop(sim)]);
    const closing = sim.engine.close();
    const outcome = rejectionOf(closing);
    sim.kernel.failEnter(-errno.EFAULT);
    await sim.loop.turn();
    expect(await outcome).toMatchObject({ code: 'EFAULT' });
    expect(await settled).toMatchObject([{ status: 'rejected', reason: { code: 'EFAULT' } }]);
  });
});

describe('Engine.discard', () => {
  it('cancels, collects and releases at once', () => {
    const sim = openSim();
    holdNops(sim);
    nopThen(sim, ignoreCompletion);
    const startMs = sim.kernel.nowMs();
    sim.engine.discard();
    expect(sim.kernel.nowMs()).toBe(startMs);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });

  it('takes no time while its own poll is armed', async () => {
    const sim = openSim();
    holdNops(sim);
    const done = nopThen(sim, ignoreCompletion);
    sim.kernel.at(1, () => heldOf(sim, done).complete(0));
    await sim.loop.turnUntilStopped();
    expect(sim.kernel.held(c.IORING_OP_POLL_ADD)).toHaveLength(1);
    const startMs = sim.kernel.nowMs();
    sim.engine.discard();
    expect(sim.kernel.nowMs()).toBe(startMs);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });

  it('leaks the memory of what the kernel does not let go of, and closes the ring', async () => {
    const sim = openSim();
    const armed = nopThen(sim, ignoreCompletion);
    await sim.loop.turnUntilStopped();
    expect(armed.isInFlight).toBe(false);
    const timer = new Timer(sim.scheduler.nowMs() + 1, () => {}, null);
    sim.scheduler.addTimer(timer);
    await sim.loop.turnUntilStopped();
    const read = beginRead(sim);
    void read.done;
    sim.scheduler.flush();
    const [held] = sim.kernel.held(c.IORING_OP_READ);
    if (held === undefined) throw new Error('nothing is held');
    held.isCancelable = false;
    const { mapped } = sim.kernel.memory;
    sim.engine.discard();
    expect(sim.kernel.isOpen(sim.engine.ring.fd)).toBe(false);
    expect(sim.kernel.memory.mapped).toBe(mapped);
    expect(sim.loop.isStarted).toBe(false);
  });

  it('closes descriptors that were being made', () => {
    const sim = openSim();
    const operation = sim.scheduler.begin(ignoreCompletion, 'accept');
    prepAccept(sim.scheduler.sqe, 3, 0, 0, 0);
    operation.makesDescriptor = true;
    sim.scheduler.flush();
    const accepted = sim.kernel.openDescriptor();
    sim.kernel.held(c.IORING_OP_ACCEPT)[0]?.complete(accepted);
    sim.engine.discard();
    expect(sim.kernel.isOpen(accepted)).toBe(false);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });

  it('tells nobody: no callback of the program runs any more', () => {
    const sim = openSim();
    let calls = 0;
    nopThen(sim, () => (calls += 1));
    sim.engine.discard();
    expect(calls).toBe(0);
  });

  it('does not hang on a ring that breaks meanwhile, and closes it once', () => {
    const sim = openSim();
    holdNops(sim);
    nopThen(sim, ignoreCompletion);
    sim.kernel.faults.add('enter', -errno.EFAULT, Infinity);
    sim.kernel.clock.stepMs = 0.1;
    const before = sim.kernel.enters.length;
    sim.engine.discard();
    expect(sim.kernel.enters.length - before).toBeLessThan(10);
    expect([sim.kernel.liveRings, sim.loop.isStarted]).toEqual([0, false]);
  });

  it('works in the middle of a completion, where a program may exit', async () => {
    const sim = openSim();
    const log: string[] = [];
    let tookMs = -1;
    nopThen(
      sim,
      () => {
        const startMs = sim.kernel.nowMs();
        sim.engine.discard();
        tookMs = sim.kernel.nowMs() - startMs;
      },
      true,
    );
    nopThen(sim, () => log.push('after the exit'));
    await sim.loop.turn();
    expect([tookMs, log]).toEqual([0, []]);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
    expect([sim.failures, sim.loop.isStarted]).toEqual([[], false]);
  });

  it('works in a timer, where a program may exit as well', async () => {
    const sim = openSim();
    let tookMs = -1;
    const fire = (): void => {
      const startMs = sim.kernel.nowMs();
      sim.engine.discard();
      tookMs = sim.kernel.nowMs() - startMs;
    };
    sim.scheduler.addTimer(new Timer(sim.scheduler.nowMs() + 1, fire, null));
    await sim.loop.turn();
    expect(tookMs).toBe(0);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
    expect([sim.failures, sim.loop.isStarted]).toEqual([[], false]);
  });
});

describe('Engine.abandon', () => {
  it('tells every operation, closes the ring and keeps all memory', async () => {
    const sim = openSim();
    const read = beginRead(sim);
    const results: number[] = [];
    nopThen(sim, (result) => results.push(result));
    sim.scheduler.flush();
    const { mapped } = sim.kernel.memory;
    const failure = new Error('broken');
    sim.engine.abandon(failure);
    await expect(read.done).rejects.toBe(failure);
    expect(sim.kernel.memory.mapped).toBe(mapped);
    expect([sim.kernel.liveRings, sim.loop.isStarted]).toEqual([0, false]);
  });
});

describe('The simulated kernel', () => {
  it('notices memory that is freed under an operation', () => {
    const sim = openSim();
    const read = beginRead(sim);
    void read.done;
    sim.scheduler.flush();
    expect(() => read.free()).toThrow('Memory outlives the operations that use it');
  });
});
