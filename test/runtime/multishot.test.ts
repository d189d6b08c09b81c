/**
 * One submission, many completions: order, re-arming, and every way in which it can end.
 */

import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import * as errno from '../../src/native/errno.ts';
import { prepNop, prepPollAdd } from '../../src/native/prep.ts';
import type { Sqe } from '../../src/native/layout/sqe.ts';
import { MultishotOperation } from '../../src/runtime/multishot.ts';
import type { SubmitOptions } from '../../src/runtime/submit.ts';
import { ringTest } from '../support/ring-test.ts';
import { closeSim, leftOvers, NOTHING_LEFT, nopThen, openSim } from '../support/sim-engine.ts';
import type { Sim } from '../support/sim-engine.ts';
import type { SimOperation } from '../support/sim-operation.ts';
import { rejectionOf } from '../support/rejections.ts';

const MORE = c.IORING_CQE_F_MORE;

function prepare(sqe: Sqe): void {
  prepPollAdd(sqe, 77, 1);
}

function arm(
  sim: Sim,
  options: SubmitOptions = {},
  fill: (sqe: Sqe) => void = prepare,
): MultishotOperation {
  return new MultishotOperation(sim.scheduler, sim.engine.metrics, fill, options);
}

/** The poll that the kernel holds for it. */
function held(sim: Sim): SimOperation {
  const found = sim.kernel.held(c.IORING_OP_POLL_ADD).find(({ fd }) => fd === 77);
  if (found === undefined) throw new Error('The kernel holds no such operation');
  return found;
}

/** Has completions come one after the other, a millisecond apart. */
function script(sim: Sim, ...completions: (readonly [result: number, flags: number])[]): void {
  for (const [i, [result, flags]] of completions.entries()) {
    sim.kernel.at(i + 1, () => held(sim).complete(result, flags));
  }
}

/** Makes the loop turn until the promise settles. */
async function settle<T>(sim: Sim, promise: Promise<T>): Promise<T> {
  const state = { isSettled: false };
  const note = (): void => {
    state.isSettled = true;
  };
  promise.then(note, note);
  while (!state.isSettled) await sim.loop.turn();
  return promise;
}

describe('MultishotOperation.next', () => {
  it('gives completions in order, whoever is ahead', async () => {
    const sim = openSim();
    const often = arm(sim);
    script(sim, [1, MORE], [2, MORE], [3, MORE], [4, MORE]);
    const asked = [often.next(), often.next()];
    sim.kernel.at(5, () => sim.loop.setReady(true));
    await sim.loop.turn();
    const later = [often.next(), often.next()];
    const values = await Promise.all([...asked, ...later]);
    expect(values.map(({ value }) => value?.result)).toEqual([1, 2, 3, 4]);
    expect(values.every(({ done }) => done === false)).toBe(true);
  });

  it('passes the flags', async () => {
    const sim = openSim();
    const often = arm(sim);
    const flags = MORE | c.IORING_CQE_F_BUFFER | (7 << c.IORING_CQE_BUFFER_SHIFT);
    script(sim, [9, flags]);
    expect(await settle(sim, often.next())).toEqual({ value: { result: 9, flags }, done: false });
  });

  it('is armed again when the kernel ended it for want of room', async () => {
    const sim = openSim();
    const often = arm(sim);
    script(sim, [1, MORE], [2, 0], [3, MORE]);
    const all = [often.next(), often.next(), often.next()];
    const values = await settle(sim, Promise.all(all));
    expect(values.map(({ value }) => value?.result)).toEqual([1, 2, 3]);
    expect(sim.engine.metrics.multishotRearms).toBe(1);
  });

  it('is armed again when there were no buffers, and gives nothing for it', async () => {
    const sim = openSim();
    const often = arm(sim);
    script(sim, [-errno.ENOBUFS, 0], [5, MORE]);
    expect((await settle(sim, often.next())).value?.result).toBe(5);
    expect(sim.engine.metrics.multishotRearms).toBe(1);
  });

  it('rejects once with an error of the kernel, and is over then', async () => {
    const sim = openSim();
    const often = arm(sim, { syscall: 'accept' });
    script(sim, [1, MORE], [-errno.EINVAL, 0]);
    expect((await settle(sim, often.next())).value?.result).toBe(1);
    const failing = often.next();
    const after = often.next();
    const outcome = rejectionOf(failing);
    await sim.loop.turnUntilStopped();
    expect(await outcome).toMatchObject({ code: 'EINVAL', syscall: 'accept' });
    expect(await after).toEqual({ value: undefined, done: true });
    expect(await often.next()).toEqual({ value: undefined, done: true });
  });

  it('gives what was posted before the error to whoever asks late', async () => {
    const sim = openSim();
    const often = arm(sim);
    script(sim, [1, MORE], [2, MORE], [-errno.EINVAL, 0]);
    await sim.loop.turnUntilStopped();
    expect((await often.next()).value?.result).toBe(1);
    expect((await often.next()).value?.result).toBe(2);
    await expect(often.next()).rejects.toMatchObject({ code: 'EINVAL' });
    expect((await often.next()).done).toBe(true);
  });
});

describe('MultishotOperation, with a consumer that is far behind', () => {
  /** Posts completions until the operation is no longer there; returns how many that took. */
  async function flood(sim: Sim): Promise<number> {
    let posted = 0;
    let isOver = false;
    const post = (): void => {
      const isArmed = sim.kernel.held(c.IORING_OP_POLL_ADD).some(({ fd }) => fd === 77);
      if (!isArmed || isOver) return;
      held(sim).complete(posted, MORE);
      posted += 1;
      sim.kernel.at(0.1, post);
    };
    sim.kernel.at(0.1, post);
    await sim.loop.turnUntilStopped();
    isOver = true;
    return posted;
  }

  it('pauses, and goes on when the list is empty', async () => {
    const sim = openSim({ completionEntries: 64 });
    const operation = arm(sim);
    const posted = await flood(sim);
    expect(posted).toBeGreaterThan(1000);
    expect(posted).toBeLessThan(1200);
    expect(sim.engine.metrics.multishotPauses).toBe(1);
    for (let i = 0; i < posted; i += 1) {
      expect(await operation.next()).toEqual({ value: { result: i, flags: MORE }, done: false });
    }
    script(sim, [7, MORE]);
    const last = operation.next().then(async (result) => {
      await operation.return();
      return result;
    });
    expect(await settle(sim, last)).toEqual({ value: { result: 7, flags: MORE }, done: false });
    await closeSim(sim);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });

  it('can be left while it pauses', async () => {
    const sim = openSim({ completionEntries: 64 });
    const operation = arm(sim);
    await flood(sim);
    expect(await operation.return()).toEqual({ value: undefined, done: true });
    expect(await operation.next()).toEqual({ value: undefined, done: true });
    await closeSim(sim);
  });

  it('ends with the reason of a signal while it pauses', async () => {
    const sim = openSim({ completionEntries: 64 });
    const controller = new AbortController();
    const operation = arm(sim, { signal: controller.signal });
    const posted = await flood(sim);
    const reason = new Error('enough');
    controller.abort(reason);
    for (let i = 0; i < posted; i += 1) await operation.next();
    expect(await rejectionOf(operation.next())).toBe(reason);
    await closeSim(sim);
  });
});

describe('MultishotOperation that makes descriptors', () => {
  it('closes those that nobody asked for', async () => {
    const sim = openSim();
    const operation = arm(sim, { makesDescriptor: true });
    const [first = 0, second = 0, third = 0] = [1, 2, 3].map(() => sim.kernel.openDescriptor());
    sim.kernel.at(1, () => {
      for (const fd of [first, second, third]) held(sim).complete(fd, MORE);
    });
    const left = operation.next().then(async ({ value }) => {
      await operation.return();
      return value?.result;
    });
    expect(await settle(sim, left)).toBe(first);
    expect([first, second, third].map((fd) => sim.kernel.isOpen(fd))).toEqual([true, false, false]);
    sim.kernel.close(first);
    await closeSim(sim);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });
});

describe('MultishotOperation.return', () => {
  it('cancels the operation and waits for the kernel', async () => {
    const sim = openSim();
    const often = arm(sim);
    sim.scheduler.flush();
    const waiting = often.next();
    expect(await settle(sim, often.return())).toEqual({ value: undefined, done: true });
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(sim.scheduler.inFlight).toBe(0);
    expect(await often.next()).toEqual({ value: undefined, done: true });
  });

  it('is what leaving a loop calls', async () => {
    const sim = openSim();
    const often = arm(sim);
    script(sim, [1, MORE], [2, MORE], [3, MORE]);
    const seen: number[] = [];
    const loop = (async () => {
      for await (const { result } of often) {
        seen.push(result);
        if (seen.length === 2) break;
      }
    })();
    await settle(sim, loop);
    expect(seen).toEqual([1, 2]);
    expect(sim.scheduler.inFlight).toBe(0);
  });

  it('can be called twice, and after the end', async () => {
    const sim = openSim();
    const often = arm(sim);
    sim.scheduler.flush();
    const both = Promise.all([often.return(), often.return()]);
    expect(await settle(sim, both)).toEqual([
      { value: undefined, done: true },
      { value: undefined, done: true },
    ]);
    expect(await often.return()).toEqual({ value: undefined, done: true });
  });

  it('is not armed again when it ends while it is leaving', async () => {
    const sim = openSim();
    const often = arm(sim);
    sim.scheduler.flush();
    const leaving = often.return();
    held(sim).complete(4, 0);
    await settle(sim, leaving);
    expect(sim.kernel.held(c.IORING_OP_POLL_ADD).filter(({ fd }) => fd === 77)).toEqual([]);
    expect(sim.engine.metrics.multishotRearms).toBe(0);
  });
});

describe('MultishotOperation, with a signal', () => {
  it('rejects with the reason after the kernel has let go', async () => {
    const sim = openSim();
    const controller = new AbortController();
    const reason = new Error('enough');
    const often = arm(sim, { signal: controller.signal });
    sim.scheduler.flush();
    const waiting = often.next();
    const outcome = rejectionOf(waiting);
    controller.abort(reason);
    await sim.loop.turnUntilStopped();
    expect(await outcome).toBe(reason);
    expect((await often.next()).done).toBe(true);
    expect(sim.scheduler.inFlight).toBe(0);
  });

  it('does not listen any more when it is over', async () => {
    const sim = openSim();
    const controller = new AbortController();
    const often = arm(sim, { signal: controller.signal });
    sim.scheduler.flush();
    await settle(sim, often.return());
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });
});

describe('MultishotOperation, a prepare function that throws', () => {
  it('submits nothing of what the slot held before', async () => {
    const sim = openSim();
    // Eight entries that would do harm if they were submitted again.
    for (let i = 0; i < 8; i += 1) {
      nopThen(sim, () => {});
      prepPollAdd(sim.scheduler.sqe, 666, 1);
    }
    sim.scheduler.flush();
    for (const poll of sim.kernel.held(c.IORING_OP_POLL_ADD)) poll.complete(0);
    await sim.loop.turnUntilStopped();
    const fail = (): never => {
      throw new Error('prepare');
    };
    expect(() => arm(sim, {}, fail)).toThrow('prepare');
    sim.scheduler.flush();
    const opcodes = sim.kernel.held().map(({ fd }) => fd);
    expect(opcodes).not.toContain(666);
    await sim.loop.turn();
    expect(sim.scheduler.inFlight).toBe(0);
  });

  it('ends the iteration with the error when it throws while arming again', async () => {
    const sim = openSim();
    let calls = 0;
    const often = arm(sim, {}, (sqe) => {
      calls += 1;
      if (calls > 1) throw new Error('prepare');
      prepare(sqe);
    });
    script(sim, [1, 0]);
    expect((await settle(sim, often.next())).value?.result).toBe(1);
    await expect(settle(sim, often.next())).rejects.toThrow('prepare');
    expect((await often.next()).done).toBe(true);
    await sim.loop.turnUntilStopped();
    expect(sim.scheduler.inFlight).toBe(0);
  });
});

describe('MultishotOperation, when the ring goes', () => {
  it('tells whoever waits that the ring broke', async () => {
    const sim = openSim();
    const often = arm(sim);
    const failure = new Error('broken');
    const outcome = rejectionOf(often.next());
    sim.engine.abandon(failure);
    expect(await outcome).toBe(failure);
    expect((await often.next()).done).toBe(true);
  });

  it('ends with the runtime: canceled, and over', async () => {
    const sim = openSim();
    const often = arm(sim);
    const waiting = often.next();
    const outcome = rejectionOf(waiting);
    await closeSim(sim);
    expect(await outcome).toMatchObject({ code: 'ECANCELED' });
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });

  it('does not keep the process alive when it was told not to', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    sim.loop.hasOwnWork = true;
    const often = arm(sim, { ref: false });
    expect(sim.loop.isReferenced).toBe(false);
    script(sim, [1, 0], [2, MORE]);
    sim.kernel.at(3, () => sim.loop.setReady(true));
    await sim.loop.turn();
    expect((await often.next()).value?.result).toBe(1);
    expect(sim.loop.isReferenced).toBe(false);
  });
});

describe('MultishotOperation, on the real kernel', () => {
  ringTest('6.1', 'iterates over operations that complete once, armed again', async (test) => {
    const runtime = test.open();
    const seen: number[] = [];
    for await (const { result } of runtime.multishot((sqe) => prepNop(sqe))) {
      seen.push(result);
      if (seen.length === 100) break;
    }
    expect(seen).toEqual(new Array(100).fill(0));
    expect(runtime.metrics().inFlight).toBe(0);
  });
});
