/**
 * The scheduler and the loop that it lives under: how long a tick may sleep, when it stops for the
 * host's sake, what keeps the process alive, and when the loop is left alone.
 */

import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { IORING_OP_POLL_ADD } from '../../src/native/constants/io-uring.ts';
import { ignoreCompletion } from '../../src/runtime/operation.ts';
import { Timer } from '../../src/runtime/timer-heap.ts';
import { ringTest } from '../support/ring-test.ts';
import { heldOf, holdNops, nop, nopThen, openSim } from '../support/sim-engine.ts';
import type { Sim } from '../support/sim-engine.ts';
import type { SimWait } from '../support/sim-wait.ts';

/** Adds a timer that is due in `delayMs`. */
function addTimer(sim: Sim, delayMs: number, fire: () => void = () => {}): Timer {
  const timer = new Timer(sim.scheduler.nowMs() + delayMs, fire, null);
  sim.scheduler.addTimer(timer);
  return timer;
}

/** The waits that ticks made since the engine was opened. */
function waits(sim: Sim): SimWait[] {
  return sim.kernel.enters.flatMap(({ wait }) => (wait === null ? [] : [wait]));
}

function lastWaitMs(sim: Sim): number | undefined {
  return waits(sim).at(-1)?.timeoutMs;
}

/** An operation that the kernel completes in `delayMs`. */
function nopIn(sim: Sim, delayMs: number): Promise<number> {
  holdNops(sim);
  return new Promise((resolve) => {
    const operation = nopThen(sim, resolve);
    sim.kernel.at(delayMs, () => heldOf(sim, operation).complete(0));
  });
}

describe('Scheduler, how long a tick waits', () => {
  it.each([
    ['the host’s timeout, when it is nearer', 10, 25, 10],
    ['the next deadline, when that is nearer', 25, 10.5, 10.5],
    ['the next deadline, when the host would sleep for ever', -1, 7.25, 7.25],
  ])('waits for %s', async (_name, sleepMs, delayMs, waited) => {
    const sim = openSim();
    sim.loop.sleepMs = sleepMs;
    addTimer(sim, delayMs);
    await sim.loop.turn();
    expect(waits(sim)[0]?.timeoutMs).toBeCloseTo(waited, 5);
  });

  it('waits for ever when neither has anything', async () => {
    const sim = openSim();
    const done = nopIn(sim, 1e6);
    await sim.loop.turn();
    expect(await done).toBe(0);
    expect(waits(sim)[0]?.timeoutMs).toBe(Infinity);
  });

  it('does not sleep at all when the host has something to do', async () => {
    const sim = openSim();
    sim.loop.sleepMs = 0;
    const nowMs = sim.kernel.nowMs();
    addTimer(sim, 10);
    const done = nop(sim);
    await sim.loop.turn();
    expect(await done).toBe(0);
    expect([waits(sim), sim.kernel.nowMs()]).toEqual([[], nowMs]);
  });

  it('runs one tick a turn while the host has something to do', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    sim.loop.sleepMs = 0;
    let rounds = 0;
    const again = (): void => {
      rounds += 1;
      nopThen(sim, again);
    };
    nopThen(sim, again);
    for (let turns = 1; turns <= 5; turns += 1) {
      await sim.loop.turn();
      expect(rounds).toBe(turns);
    }
  });

  it('asks the host anew in each tick', async () => {
    const sim = openSim();
    const seen: (number | undefined)[] = [];
    addTimer(sim, 1, () => {
      seen.push(lastWaitMs(sim));
      sim.loop.sleepMs = 2;
    });
    addTimer(sim, 50);
    await sim.loop.turn();
    expect(seen).toEqual([1]);
    expect(waits(sim)[1]?.timeoutMs).toBe(2);
  });

  it('does not sleep when a deadline has passed already', async () => {
    const sim = openSim();
    let fired = 0;
    addTimer(sim, 5, () => (fired += 1));
    sim.kernel.advance(10);
    const nowMs = sim.kernel.nowMs();
    await sim.loop.turn();
    expect([fired, sim.kernel.nowMs()]).toEqual([1, nowMs]);
  });

  it('tells the host how late it is, after each wait', async () => {
    const sim = openSim();
    addTimer(sim, 5);
    await sim.loop.turn();
    expect(sim.loop.timeUpdates).toBeGreaterThan(0);
  });

  it('waits in two stages when it was asked to', async () => {
    const sim = openSim({ minWait: { count: 3, micros: 500 } });
    const done = Promise.all([nopIn(sim, 0.1), nopIn(sim, 0.2), nopIn(sim, 3)]);
    await sim.loop.turnUntilStopped();
    expect(await done).toEqual([0, 0, 0]);
    expect(waits(sim)[0]).toMatchObject({ minWaitMs: 0.5, timeoutMs: Infinity });
    expect(sim.kernel.enters.find(({ wait }) => wait !== null)?.minComplete).toBe(3);
  });

  it('counts waits and the time they took', async () => {
    const sim = openSim();
    const before = sim.engine.metrics.waits;
    addTimer(sim, 5);
    addTimer(sim, 12);
    await sim.loop.turnUntilStopped();
    expect(sim.engine.metrics.waits - before).toBe(2);
    expect(sim.engine.metrics.waitedMs).toBeCloseTo(12, 5);
  });

  it('loses nothing to a signal', async () => {
    const sim = openSim();
    const done = nopIn(sim, 20);
    sim.kernel.at(5, () => sim.kernel.interrupt());
    sim.kernel.at(10, () => sim.kernel.interrupt());
    await sim.loop.turnUntilStopped();
    expect(await done).toBe(0);
    expect(sim.failures).toEqual([]);
  });
});

describe('Scheduler, spinning before it sleeps', () => {
  it('counts a hit and does not wait', async () => {
    const sim = openSim({ busyWaitMicros: 100 });
    await sim.loop.turnUntilStopped();
    const before = waits(sim).length;
    sim.kernel.clock.stepMs = 0.001;
    const done = nopIn(sim, 0.02);
    await sim.loop.turnUntilStopped();
    expect(await done).toBe(0);
    expect(waits(sim)).toHaveLength(before);
    expect(sim.engine.metrics.busyWaitHits).toBeGreaterThan(0);
  });

  it('does not fire a timer late by what it spun', async () => {
    const sim = openSim({ busyWaitMicros: 400 });
    await sim.loop.turnUntilStopped();
    sim.kernel.clock.stepMs = 0.001;
    const startMs = sim.kernel.clock.nowMs;
    let firedMs = 0;
    addTimer(sim, 0.5, () => (firedMs = sim.kernel.clock.nowMs - startMs));
    await sim.loop.turnUntilStopped();
    expect(firedMs).toBeGreaterThanOrEqual(0.5);
    expect(firedMs).toBeLessThan(0.6);
  });
});

describe('Scheduler, making way for the host', () => {
  it('ends the wait and the turn when the host becomes ready', async () => {
    const sim = openSim();
    const done = nopIn(sim, 50);
    sim.kernel.at(5, () => sim.loop.setReady(true));
    const startMs = sim.kernel.nowMs();
    await sim.loop.turn();
    expect(sim.kernel.nowMs() - startMs).toBe(5);
    expect([sim.scheduler.inFlight, sim.loop.isStarted, sim.loop.isPaused]).toEqual([
      1,
      true,
      false,
    ]);
    await sim.loop.turnUntilStopped();
    expect(await done).toBe(0);
  });

  it('looks at the level: a host that was ready before is noticed at once', async () => {
    const sim = openSim();
    void nopIn(sim, 50);
    sim.kernel.setReady(sim.loop.backendFd, true);
    // `turn()` itself takes the readiness away first, as the host's own poll does.
    const startMs = sim.kernel.nowMs();
    sim.kernel.at(0, () => sim.loop.setReady(true));
    await sim.loop.turn();
    expect(sim.kernel.nowMs()).toBe(startMs);
  });

  it('arms its poll once, and again only after it fired', async () => {
    const sim = openSim();
    const polls = (): number => sim.kernel.held(IORING_OP_POLL_ADD).length;
    void nopIn(sim, 10);
    void nopIn(sim, 20);
    sim.kernel.at(15, () => sim.loop.setReady(true));
    await sim.loop.turn();
    expect(polls()).toBe(0);
    await sim.loop.turnUntilStopped();
    expect(polls()).toBe(1);
    void nopIn(sim, 10);
    await sim.loop.turnUntilStopped();
    expect(polls()).toBe(1);
  });

  it('gives the host a turn however much there is to do', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    let rounds = 0;
    let isOver = false;
    const again = (): void => {
      rounds += 1;
      if (!isOver) nopThen(sim, again);
    };
    nopThen(sim, again);
    await sim.loop.turn();
    expect(rounds).toBeGreaterThan(1);
    expect(rounds).toBeLessThanOrEqual(64);
    isOver = true;
    await sim.loop.turnUntilStopped();
  });

  it('does not let a timer that is always due keep a tick from ending', async () => {
    const sim = openSim();
    let fired = 0;
    let isOver = false;
    const again = (timer: Timer): void => {
      fired += 1;
      if (fired > 1000 || isOver) return;
      timer.deadlineMs = sim.scheduler.nowMs();
      sim.scheduler.addTimer(timer);
    };
    sim.scheduler.addTimer(new Timer(sim.scheduler.nowMs(), again, null));
    await sim.loop.turn();
    expect(fired).toBeLessThanOrEqual(64);
    isOver = true;
    await sim.loop.turnUntilStopped();
  });
});

describe('Scheduler, what keeps the process alive', () => {
  it('keeps it alive while a referenced operation is in flight, and not longer', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    expect(sim.loop.isReferenced).toBe(false);
    const done = nopIn(sim, 1);
    expect(sim.loop.isReferenced).toBe(true);
    await sim.loop.turnUntilStopped();
    await done;
    expect([sim.loop.isReferenced, sim.loop.isStarted]).toEqual([false, false]);
  });

  it('keeps it alive for a referenced timer', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    const timer = addTimer(sim, 10);
    expect(sim.loop.isReferenced).toBe(true);
    expect(sim.scheduler.removeTimer(timer)).toBe(true);
    expect([sim.loop.isReferenced, sim.loop.isStarted]).toEqual([false, false]);
    expect(sim.scheduler.removeTimer(timer)).toBe(false);
  });

  it('does not keep it alive for an unreferenced operation, and still runs it', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    sim.loop.hasOwnWork = true;
    holdNops(sim);
    const seen: number[] = [];
    const operation = nopThen(sim, (result) => seen.push(result));
    sim.scheduler.setReferenced(operation, false);
    expect([sim.loop.isReferenced, sim.loop.isStarted]).toEqual([false, true]);
    sim.kernel.at(1, () => heldOf(sim, operation).complete(3));
    await sim.loop.turnUntilStopped();
    expect(seen).toEqual([3]);
  });

  it('changes its mind with the operation', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    const operation = nopThen(sim, ignoreCompletion);
    for (const isReferenced of [false, true, false, true]) {
      sim.scheduler.setReferenced(operation, isReferenced);
      expect(sim.loop.isReferenced).toBe(isReferenced);
    }
  });

  it('changes its mind with the timer, in the heap and outside of it', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    const timer = addTimer(sim, 10);
    sim.scheduler.setTimerReferenced(timer, false);
    expect(sim.loop.isReferenced).toBe(false);
    sim.scheduler.setTimerReferenced(timer, true);
    expect(sim.loop.isReferenced).toBe(true);
    sim.scheduler.removeTimer(timer);
    sim.scheduler.setTimerReferenced(timer, false);
    sim.scheduler.setTimerReferenced(timer, true);
    expect(sim.loop.isReferenced).toBe(false);
  });

  it('does not sleep for what is unreferenced when the rest is over', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    holdNops(sim);
    sim.scheduler.setReferenced(nopThen(sim, ignoreCompletion), false);
    const unreferenced = new Timer(sim.scheduler.nowMs() + 10_000, () => {}, null);
    unreferenced.isReferenced = false;
    sim.scheduler.addTimer(unreferenced);
    const done = nopIn(sim, 5);
    const startMs = sim.kernel.nowMs();
    await sim.loop.turn();
    expect(await done).toBe(0);
    expect(sim.kernel.nowMs() - startMs).toBe(5);
    expect([sim.loop.isStarted, sim.loop.isReferenced]).toEqual([true, false]);
  });

  it('is kept alive by an operation that begins beside unreferenced ones', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    holdNops(sim);
    sim.scheduler.setReferenced(nopThen(sim, ignoreCompletion), false);
    expect(sim.loop.isReferenced).toBe(false);
    nopThen(sim, ignoreCompletion);
    expect(sim.loop.isReferenced).toBe(true);
  });

  it('is kept alive by a timer that is set while only unreferenced work is there', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    const unreferenced = new Timer(sim.scheduler.nowMs() + 100, () => {}, null);
    unreferenced.isReferenced = false;
    sim.scheduler.addTimer(unreferenced);
    expect(sim.loop.isReferenced).toBe(false);
    addTimer(sim, 10);
    expect(sim.loop.isReferenced).toBe(true);
  });

  it('leaves the loop alone when nothing is left, and comes back', async () => {
    const sim = openSim();
    for (let round = 0; round < 3; round += 1) {
      const done = nop(sim);
      expect(sim.loop.isStarted).toBe(true);
      await sim.loop.turnUntilStopped();
      expect(await done).toBe(0);
      const { turns } = sim.loop;
      await sim.loop.turn();
      expect(sim.loop.turns).toBe(turns);
    }
  });

  it('does not count what it began itself as in flight', async () => {
    const sim = openSim();
    await nopInTurns(sim);
    expect(sim.kernel.held(IORING_OP_POLL_ADD)).toHaveLength(1);
    expect(sim.scheduler.inFlight).toBe(0);
  });
});

async function nopInTurns(sim: Sim): Promise<void> {
  const done = nopIn(sim, 1);
  await sim.loop.turnUntilStopped();
  await done;
}

describe('Scheduler under Node’s own loop', () => {
  ringTest(
    '6.1',
    'lets timers, immediates and I/O of Node’s run while it is busy',
    async (test) => {
      const runtime = test.open();
      const load = { isOver: false, rounds: 0 };
      const busy = (async () => {
        for (; !load.isOver; load.rounds += 1) await runtime.nop();
      })();
      await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setImmediate(resolve));
      expect((await readFile('/proc/self/stat')).length).toBeGreaterThan(0);
      load.isOver = true;
      await busy;
      expect(load.rounds).toBeGreaterThan(0);
    },
  );

  ringTest('6.1', 'wakes up for a timer of Node’s while it sleeps', async (test) => {
    const runtime = test.open();
    const { scheduler } = runtime.requireEngine();
    const timer = new Timer(scheduler.nowMs() + 60_000, () => {}, null);
    scheduler.addTimer(timer);
    const startMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 30));
    const sleptMs = performance.now() - startMs;
    expect(sleptMs).toBeLessThan(2000);
    scheduler.removeTimer(timer);
    expect(runtime.metrics().waits).toBeGreaterThan(0);
  });
});
