/**
 * Sleeps and intervals on the simulated kernel's clock: nothing here waits for real time, except
 * where Node's own timers stand in for those of a closed runtime.
 */

import { describe, expect, it, vi } from 'vitest';
import type { Timer } from '../../src/runtime/timer-heap.ts';
import { Interval, Sleep } from '../../src/runtime/timers.ts';
import { openSim } from '../support/sim-engine.ts';
import type { Sim } from '../support/sim-engine.ts';

const OPEN = { isClosed: false };
const CLOSED = { isClosed: true };

/** Runs `test` on a simulated engine, and expects that no timer is left behind. */
async function onSim(test: (sim: Sim) => Promise<void>): Promise<void> {
  const sim = openSim();
  // The NOP that proves the ring was the last thing that the loop was kept alive for.
  await sim.loop.turnUntilStopped();
  await test(sim);
  expect(sim.scheduler.timers.size).toBe(0);
  expect(sim.failures).toEqual([]);
}

/** Takes the next timer out of the heap, as a runtime that closes does. */
function takeOver(sim: Sim): Timer {
  const { scheduler } = sim;
  const timer = scheduler.timers.takeDue(Infinity, Infinity);
  if (timer === undefined) throw new Error('There is a timer to take over');
  return timer;
}

describe('Sleep', () => {
  it('resolves with its value at its deadline', () =>
    onSim(async (sim) => {
      const startMs = sim.kernel.clock.nowMs;
      const sleep = new Sleep(sim.scheduler, 0.25, 'value', true);
      await sim.loop.turnUntilStopped();
      expect(await sleep.promise).toBe('value');
      expect(sim.kernel.clock.nowMs).toBeCloseTo(startMs + 0.25, 5);
    }));

  it('is no operation', () =>
    onSim(async (sim) => {
      const sleeps = Array.from({ length: 100 }, (_, i) => new Sleep(sim.scheduler, i, i, true));
      expect(sim.scheduler.inFlight).toBe(0);
      expect(sim.scheduler.timers.size).toBe(100);
      await sim.loop.turnUntilStopped();
      expect(await Promise.all(sleeps.map(({ promise }) => promise))).toHaveLength(100);
    }));

  it('ends in the order of deadlines, and of insertion where they are equal', () =>
    onSim(async (sim) => {
      const order: string[] = [];
      const sleep = (delayMs: number, name: string): void => {
        void new Sleep(sim.scheduler, delayMs, name, true).promise.then((ended) =>
          order.push(ended),
        );
      };
      sleep(5, 'e');
      sleep(1, 'a');
      sleep(2.5, 'c');
      sleep(2.25, 'b');
      sleep(2.5, 'd');
      await sim.loop.turnUntilStopped();
      expect(order).toEqual(['a', 'b', 'c', 'd', 'e']);
    }));

  it('runs microtasks and ticks before the next one', () =>
    onSim(async (sim) => {
      const order: string[] = [];
      const sleep = (name: string): void => {
        void new Sleep(sim.scheduler, 1, name, true).promise.then((ended) => {
          order.push(ended);
          queueMicrotask(() => order.push(`${ended} microtask`));
          process.nextTick(() => order.push(`${ended} tick`));
        });
      };
      sleep('a');
      sleep('b');
      await sim.loop.turnUntilStopped();
      expect(order).toEqual(['a', 'a microtask', 'a tick', 'b', 'b microtask', 'b tick']);
    }));

  it('keeps the loop alive unless it is unreferenced', () =>
    onSim(async (sim) => {
      const unreferenced = new Sleep(sim.scheduler, 2, 1, false);
      expect(sim.loop.isStarted).toBe(true);
      expect(sim.loop.isReferenced).toBe(false);
      const referenced = new Sleep(sim.scheduler, 1, 2, true);
      expect(sim.loop.isReferenced).toBe(true);
      sim.loop.hasOwnWork = true;
      await sim.loop.turnUntilStopped();
      expect(await Promise.all([unreferenced.promise, referenced.promise])).toEqual([1, 2]);
      expect(sim.loop.isReferenced).toBe(false);
    }));
});

describe('Sleep.end', () => {
  it('ends it early with something else', () =>
    onSim(async (sim) => {
      const sleep = new Sleep<string>(sim.scheduler, 60_000, 'value', true);
      const reason = new Error('Enough');
      sleep.end(Promise.reject(reason));
      expect(sim.scheduler.timers.size).toBe(0);
      expect(sim.loop.isStarted).toBe(false);
      await expect(sleep.promise).rejects.toBe(reason);
    }));

  it('does nothing once it is over', () =>
    onSim(async (sim) => {
      const sleep = new Sleep(sim.scheduler, 1, 'value', true);
      await sim.loop.turnUntilStopped();
      sleep.end('other');
      expect(await sleep.promise).toBe('value');
    }));

  it('holds when the timer fires all the same, after it was taken over', () =>
    onSim(async (sim) => {
      const sleep = new Sleep(sim.scheduler, 1, 'value', false);
      const timer = takeOver(sim);
      sleep.end('other');
      timer.fire(timer);
      expect(await sleep.promise).toBe('other');
    }));
});

describe('a Sleep that is taken over', () => {
  it('resolves when its timer fires outside of a turn', () =>
    onSim(async (sim) => {
      const sleep = new Sleep(sim.scheduler, 1, 'value', false);
      const timer = takeOver(sim);
      timer.fire(timer);
      expect(await sleep.promise).toBe('value');
    }));
});

describe('Interval', () => {
  it('counts ticks until they are taken', () =>
    onSim(async (sim) => {
      const startMs = sim.kernel.clock.nowMs;
      const interval = new Interval(OPEN, sim.scheduler, 0.5, true);
      await sim.loop.turnUntil(() => interval.ticks >= 4);
      interval.stop();
      const elapsedMs = sim.kernel.clock.nowMs - startMs;
      expect(interval.ticks).toBe(Math.round(elapsedMs / 0.5));
    }));

  it('makes one tick after a long time, and the next a whole delay later', () =>
    onSim(async (sim) => {
      const interval = new Interval(OPEN, sim.scheduler, 10, true);
      sim.kernel.clock.advance(95);
      const seen = interval.nextTick().then(() => {
        const leftMs = sim.scheduler.timers.nextDeadlineMs - sim.kernel.clock.nowMs;
        interval.stop();
        return leftMs;
      });
      await sim.loop.turnUntilStopped();
      expect(await seen).toBeCloseTo(10, 5);
      expect(interval.ticks).toBe(1);
    }));

  it('wakes who waits for the next tick', () =>
    onSim(async (sim) => {
      const interval = new Interval(OPEN, sim.scheduler, 3, true);
      const waiting = interval.nextTick().then(() => interval.stop());
      await sim.loop.turnUntilStopped();
      await waiting;
      expect(interval.ticks).toBe(1);
    }));

  it('keeps the loop alive unless it is unreferenced', () =>
    onSim(async (sim) => {
      sim.loop.hasOwnWork = true;
      const interval = new Interval(OPEN, sim.scheduler, 1, false);
      await sim.loop.turnUntil(() => interval.ticks > 1);
      expect(sim.loop.isReferenced).toBe(false);
      interval.stop();
      const other = new Interval(OPEN, sim.scheduler, 1, true);
      await sim.loop.turnUntil(() => other.ticks > 1);
      expect(sim.loop.isReferenced).toBe(true);
      other.stop();
      expect(sim.loop.isReferenced).toBe(false);
    }));
});

describe('Interval.stop', () => {
  it('wakes who waits, leaves ticks to take, and makes no more', () =>
    onSim(async (sim) => {
      const interval = new Interval(OPEN, sim.scheduler, 1, true);
      await sim.loop.turnUntil(() => interval.ticks > 0);
      const { ticks } = interval;
      const waiting = interval.nextTick();
      interval.stop();
      await waiting;
      interval.stop();
      await interval.nextTick();
      expect(interval.isStopped).toBe(true);
      expect(interval.ticks).toBe(ticks);
      expect(sim.loop.isStarted).toBe(false);
    }));

  it('holds when the timer fires all the same, after it was taken over', () =>
    onSim(async (sim) => {
      const interval = new Interval(CLOSED, sim.scheduler, 1, false);
      const timer = takeOver(sim);
      interval.stop();
      timer.fire(timer);
      expect(interval.ticks).toBe(0);
      expect(sim.scheduler.timers.size).toBe(0);
    }));
});

describe('an Interval that is taken over', () => {
  /** Node's timers that `run` sets. */
  function timeoutsOf(run: () => void): NodeJS.Timeout[] {
    const spy = vi.spyOn(globalThis, 'setTimeout');
    run();
    const timeouts = spy.mock.results.map(({ value }) => value as NodeJS.Timeout);
    spy.mockRestore();
    return timeouts;
  }

  it('goes on with timers of Node', () =>
    onSim(async (sim) => {
      const interval = new Interval(CLOSED, sim.scheduler, 1, true);
      const timer = takeOver(sim);
      const timeouts = timeoutsOf(() => timer.fire(timer));
      expect(timeouts.map((timeout) => timeout.hasRef())).toEqual([true]);
      while (interval.ticks < 3) await interval.nextTick();
      expect(sim.scheduler.timers.size).toBe(0);
      interval.stop();
    }));

  it('makes no more ticks once it is stopped', () =>
    onSim(async (sim) => {
      const interval = new Interval(CLOSED, sim.scheduler, 1, true);
      const timer = takeOver(sim);
      const timeouts = timeoutsOf(() => timer.fire(timer));
      const spy = vi.spyOn(globalThis, 'clearTimeout');
      interval.stop();
      expect(spy.mock.calls).toEqual([timeouts]);
      spy.mockRestore();
      expect(interval.ticks).toBe(1);
    }));

  it('does not keep the process alive if it did not before', () =>
    onSim(async (sim) => {
      const interval = new Interval(CLOSED, sim.scheduler, 60_000, false);
      const timer = takeOver(sim);
      const timeouts = timeoutsOf(() => timer.fire(timer));
      expect(timeouts.map((timeout) => timeout.hasRef())).toEqual([false]);
      interval.stop();
    }));
});
