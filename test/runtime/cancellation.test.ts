/**
 * Aborts: the operation stays in flight until the kernel has let go; races between completion and
 * abort, in every order.
 */

import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import { ECANCELED, ENOENT } from '../../src/native/errno.ts';
import { prepNop, prepRead } from '../../src/native/prep.ts';
import { bindSignal, cancelOperation, unbindSignal } from '../../src/runtime/cancellation.ts';
import { promiseOf, settleWithResult } from '../../src/runtime/completion-promise.ts';
import { ignoreCompletion } from '../../src/runtime/operation.ts';
import type { Operation } from '../../src/runtime/operation.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import {
  closeSim,
  heldOf,
  holdNops,
  leftOvers,
  nopThen,
  NOTHING_LEFT,
  openSim,
} from '../support/sim-engine.ts';
import type { Sim } from '../support/sim-engine.ts';
import { uncaughtErrors } from '../support/uncaught-errors.ts';
import { rejectionOf } from '../support/rejections.ts';

const REASON = new Error('aborted by the test');

/** Begins a NOP that a signal can abort. */
function abortable(sim: Sim, signal: AbortSignal): { operation: Operation; done: Promise<number> } {
  const operation = sim.scheduler.begin(settleWithResult, 'nop');
  prepNop(sim.scheduler.sqe);
  const done = promiseOf<number>(operation);
  bindSignal(sim.scheduler, operation, signal);
  return { operation, done };
}

/** How many `abort` listeners a signal has. */
function listenerCount(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length;
}

describe('cancelOperation', () => {
  it('submits a request that names the record and its generation', () => {
    const sim = openSim();
    holdNops(sim);
    const operation = nopThen(sim, ignoreCompletion);
    operation.generation = -7;
    const { words, base } = sim.scheduler.sqe;
    words[base + 9] = -7;
    sim.kernel.hold(c.IORING_OP_ASYNC_CANCEL);
    cancelOperation(sim.scheduler, operation);
    sim.scheduler.flush();
    const [request] = sim.kernel.held(c.IORING_OP_ASYNC_CANCEL);
    expect([...(request?.words.subarray(4, 6) ?? [])]).toEqual([operation.index, -7]);
    expect(request?.opFlags).toBe(0);
  });

  it('does nothing for an operation that is over', async () => {
    const sim = openSim();
    const operation = nopThen(sim, ignoreCompletion);
    await sim.loop.turnUntilStopped();
    const before = sim.scheduler.operations.inFlight;
    cancelOperation(sim.scheduler, operation);
    expect(sim.scheduler.operations.inFlight).toBe(before);
  });

  it('keeps nothing alive by itself', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    holdNops(sim);
    const operation = nopThen(sim, ignoreCompletion);
    sim.scheduler.setReferenced(operation, false);
    cancelOperation(sim.scheduler, operation);
    expect(sim.loop.isReferenced).toBe(false);
  });

  it('finds its target even when it has to make space for itself', async () => {
    const sim = openSim();
    holdNops(sim);
    const results: number[] = [];
    const operations = Array.from({ length: 8 }, () =>
      nopThen(sim, (result) => results.push(result)),
    );
    const [first] = operations;
    if (first === undefined) throw new Error('nothing was begun');
    cancelOperation(sim.scheduler, first);
    sim.kernel.at(5, () => {
      for (const operation of sim.kernel.held(c.IORING_OP_NOP)) operation.complete(0);
    });
    await sim.loop.turnUntilStopped();
    expect(results).toEqual([-125, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe('A linked operation', () => {
  it('is looked for again until it is started, and not for ever', async () => {
    const sim = openSim();
    holdNops(sim);
    const results: number[] = [];
    const operation = nopThen(sim, (result) => results.push(result));
    operation.isLinked = true;
    sim.scheduler.flush();
    const held = heldOf(sim, operation);
    let asked = 0;
    sim.kernel.behave(c.IORING_OP_ASYNC_CANCEL, (request) => {
      asked += 1;
      request.complete(asked < 5 ? -ENOENT : 0);
      if (asked === 5) held.complete(-ECANCELED);
    });
    cancelOperation(sim.scheduler, operation);
    await sim.loop.turnUntil(() => results.length > 0);
    expect([asked, results]).toEqual([5, [-ECANCELED]]);

    asked = 0;
    const stuck = nopThen(sim, (result) => results.push(result));
    stuck.isLinked = true;
    sim.scheduler.flush();
    sim.kernel.behave(c.IORING_OP_ASYNC_CANCEL, (request) => {
      asked += 1;
      request.complete(-ENOENT);
    });
    cancelOperation(sim.scheduler, stuck);
    sim.kernel.at(5000, () => heldOf(sim, stuck).complete(0));
    await sim.loop.turnUntilStopped();
    expect(asked).toBe(1000);
  });
});

describe('An operation with a signal', () => {
  it('rejects with the reason once the kernel has let go', async () => {
    const sim = openSim();
    holdNops(sim);
    const controller = new AbortController();
    const { done } = abortable(sim, controller.signal);
    const outcome = rejectionOf(done);
    controller.abort(REASON);
    await sim.loop.turnUntilStopped();
    expect(await outcome).toBe(REASON);
    expect(listenerCount(controller.signal)).toBe(0);
  });

  it('stays in flight, with its memory, until then', async () => {
    const sim = openSim();
    const controller = new AbortController();
    const memory = sim.kernel.allocate(4096);
    if (typeof memory === 'number') throw new Error('no memory');
    const operation = sim.scheduler.begin(settleWithResult, 'read');
    prepRead(sim.scheduler.sqe, 3, memory.address, 4096, 0);
    operation.keep = memory;
    const outcome = rejectionOf(promiseOf(operation));
    bindSignal(sim.scheduler, operation, controller.signal);
    sim.scheduler.flush();
    const held = heldOf(sim, operation);
    held.isCancelable = false;
    controller.abort(REASON);
    let isSettled = false;
    void outcome.then(() => (isSettled = true));
    sim.kernel.at(1, () => sim.loop.setReady(true));
    await sim.loop.turn();
    expect([operation.isInFlight, operation.keep, isSettled]).toEqual([true, memory, false]);
    sim.kernel.at(50, () => held.complete(4096));
    await sim.loop.turnUntilStopped();
    expect(await outcome).toBe(REASON);
    expect(operation.keep).toBeNull();
    memory.free();
  });

  it('resolves when it completed and ran before the abort', async () => {
    const sim = openSim();
    const controller = new AbortController();
    const { done } = abortable(sim, controller.signal);
    await sim.loop.turnUntilStopped();
    expect(await done).toBe(0);
    expect(listenerCount(controller.signal)).toBe(0);
    controller.abort(REASON);
    expect(sim.scheduler.operations.inFlight).toBeLessThanOrEqual(1);
  });

  it('rejects when the abort comes between the completion and its callback', async () => {
    const sim = openSim();
    const controller = new AbortController();
    nopThen(sim, () => controller.abort(REASON));
    const { done } = abortable(sim, controller.signal);
    const outcome = rejectionOf(done);
    await sim.loop.turnUntilStopped();
    expect(await outcome).toBe(REASON);
  });

  it('does not cancel the next user of its record', async () => {
    const sim = openSim();
    const controller = new AbortController();
    nopThen(sim, () => controller.abort(REASON));
    const first = abortable(sim, controller.signal);
    const outcome = rejectionOf(first.done);
    sim.scheduler.flush();
    holdNops(sim);
    // The cancel request is queued while the first operation is still in the batch.
    await sim.loop.turnUntil(() => !first.operation.isInFlight);
    expect(await outcome).toBe(REASON);
    const results: number[] = [];
    const second = nopThen(sim, (result) => results.push(result));
    sim.kernel.at(5, () => heldOf(sim, second).complete(9));
    await sim.loop.turnUntilStopped();
    expect(results).toEqual([9]);
  });

  it('aborts any number of operations', async () => {
    const sim = openSim();
    holdNops(sim);
    const controller = new AbortController();
    const all = Array.from({ length: 50 }, () => abortable(sim, controller.signal).done);
    const settled = Promise.allSettled(all);
    controller.abort(REASON);
    await sim.loop.turnUntilStopped();
    for (const outcome of await settled) {
      expect(outcome).toEqual({ status: 'rejected', reason: REASON });
    }
    await closeSim(sim);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });

  it('takes an abort after the ring has failed without another error', async () => {
    const sim = openSim();
    holdNops(sim);
    const controller = new AbortController();
    const { done } = abortable(sim, controller.signal);
    const failure = new Error('broken');
    const outcome = rejectionOf(done);
    sim.engine.abandon(failure);
    expect(await outcome).toBe(failure);
    expect(await uncaughtErrors(() => controller.abort(REASON))).toEqual([]);
  });
});

describe('unbindSignal', () => {
  it('says that nothing was aborted where there was no signal', () => {
    const sim = openSim();
    expect(unbindSignal(nopThen(sim, ignoreCompletion))).toBe(false);
  });
});

describe('Random aborts at random moments', () => {
  it('settle every promise once, and reach no reused record', async () => {
    const random = new SeededRandom();
    const sim = openSim({ entries: 64, completionEntries: 128 });
    holdNops(sim);
    sim.loop.hasOwnWork = true;
    let open = 0;
    const outcomes = new Map<number, string>();
    for (let round = 0; round < 400; round += 1) {
      for (let i = 0; i < 25; i += 1) {
        const name = round * 25 + i;
        const controller = new AbortController();
        const { done } = abortable(sim, controller.signal);
        open += 1;
        const settle = (outcome: string): void => {
          if (outcomes.has(name)) throw new Error('settled twice');
          outcomes.set(name, outcome);
          open -= 1;
        };
        void done.then(
          (result) => settle(`result ${result}`),
          (error: unknown) => settle(error === REASON ? 'aborted' : String(error)),
        );
        if (random.chance(0.5)) {
          sim.kernel.at(random.next() * 5, () => controller.abort(REASON));
        }
      }
      sim.kernel.at(random.next() * 5, () => {
        for (const held of random.shuffled(sim.kernel.held(c.IORING_OP_NOP))) {
          held.isCancelable = random.chance(0.8);
          if (random.chance(0.5)) held.complete(0);
        }
      });
      sim.kernel.at(6, () => sim.loop.setReady(true));
      await sim.loop.turn();
    }
    sim.kernel.at(1, () => {
      for (const held of sim.kernel.held(c.IORING_OP_NOP)) held.complete(0);
    });
    await sim.loop.turnUntil(() => open === 0);
    const seen = new Set(outcomes.values());
    expect(outcomes.size, random.replay).toBe(10_000);
    expect([...seen].toSorted(), random.replay).toEqual(['aborted', 'result 0']);
    expect(sim.engine.metrics.lateCompletions, random.replay).toBe(0);
    await closeSim(sim);
    expect(leftOvers(sim), random.replay).toEqual(NOTHING_LEFT);
  });
});
