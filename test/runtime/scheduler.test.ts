/**
 * One tick: what is collected before what is run, when microtasks are drained, what happens to
 * exceptions. The host's side of it is in `scheduler-host.test.ts`, pressure on the queues in
 * `scheduler-pressure.test.ts`.
 */

import { describe, expect, it } from 'vitest';
import { IORING_CQE_F_MORE } from '../../src/native/constants/io-uring.ts';
import { prepNop } from '../../src/native/prep.ts';
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
import { ringTest } from '../support/ring-test.ts';
import { uncaughtErrors } from '../support/uncaught-errors.ts';

/** Notes when a `nextTick` and a microtask that begin here are run. */
function noteDrain(log: string[], name: string): void {
  process.nextTick(() => log.push(`${name} tick`));
  void Promise.resolve().then(() => log.push(`${name} microtask`));
}

describe('Scheduler, one tick', () => {
  it('submits and reaps a batch with a single enter', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    const before = sim.kernel.enters.length;
    const promises = Array.from({ length: 5 }, () => nop(sim));
    await sim.loop.turn();
    expect(await Promise.all(promises)).toEqual([0, 0, 0, 0, 0]);
    expect(sim.kernel.enters.length - before).toBe(1);
  });

  it('runs completions in the order in which they were posted', async () => {
    const sim = openSim();
    holdNops(sim);
    const log: string[] = [];
    const operations = ['a', 'b', 'c'].map((name) => nopThen(sim, () => log.push(name)));
    sim.kernel.at(1, () => {
      for (const operation of operations.toReversed()) heldOf(sim, operation).complete(0);
    });
    await sim.loop.turn();
    expect(log).toEqual(['c', 'b', 'a']);
  });

  it('has collected the whole batch before it runs the first of it', async () => {
    const sim = openSim();
    const seen: number[][] = [];
    for (let i = 0; i < 3; i += 1) {
      nopThen(sim, () => seen.push([sim.scheduler.ring.completions.ready, sim.kernel.ring.posted]));
    }
    await sim.loop.turn();
    expect(seen).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  it('passes the result, the flags and the record', async () => {
    const sim = openSim();
    holdNops(sim);
    const seen: unknown[] = [];
    const operation = nopThen(sim, (...args) => seen.push(...args));
    sim.kernel.at(1, () => heldOf(sim, operation).complete(-5, 4));
    await sim.loop.turn();
    expect(seen).toEqual([-5, 4, operation]);
  });

  it('submits what a completion began in the next tick of the same turn', async () => {
    const sim = openSim();
    const results: number[] = [];
    let left = 20;
    const again = (result: number): void => {
      results.push(result);
      left -= 1;
      if (left > 0) nopThen(sim, again);
    };
    nopThen(sim, again);
    await sim.loop.turn();
    expect(results).toHaveLength(20);
  });

  it('lets a completion begin more than the submission queue holds', async () => {
    const sim = openSim();
    let count = 0;
    nopThen(sim, () => {
      for (let i = 0; i < 100; i += 1) nopThen(sim, () => (count += 1));
    });
    await sim.loop.turnUntil(() => count === 100);
    expect(sim.scheduler.inFlight).toBe(0);
  });

  it('counts ticks, completions and enters', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    const before = { ...sim.engine.metrics };
    void nop(sim);
    void nop(sim);
    await sim.loop.turn();
    const { metrics } = sim.engine;
    expect(metrics.turns - before.turns).toBe(1);
    expect(metrics.ticks - before.ticks).toBe(1);
    expect(metrics.completions - before.completions).toBe(2);
  });
});

describe('Scheduler, draining ticks and microtasks', () => {
  it('drains after each operation that ran user code', async () => {
    const sim = openSim();
    const log: string[] = [];
    for (const name of ['a', 'b']) {
      nopThen(
        sim,
        () => {
          log.push(name);
          noteDrain(log, name);
        },
        true,
      );
    }
    await sim.loop.turn();
    expect(log).toEqual(['a', 'a tick', 'a microtask', 'b', 'b tick', 'b microtask']);
  });

  it('drains once a batch after operations that only settle promises', async () => {
    const sim = openSim();
    const log: string[] = [];
    for (const name of ['a', 'b']) {
      nopThen(sim, () => {
        log.push(name);
        noteDrain(log, name);
      });
    }
    await sim.loop.turn();
    expect(log).toEqual(['a', 'b', 'a tick', 'b tick', 'a microtask', 'b microtask']);
  });

  it('drains after each timer', async () => {
    const sim = openSim();
    const log: string[] = [];
    const nowMs = sim.scheduler.nowMs();
    for (const name of ['a', 'b']) {
      const fire = (): void => {
        log.push(name);
        noteDrain(log, name);
      };
      sim.scheduler.addTimer(new Timer(nowMs + 1, fire, null));
    }
    await sim.loop.turn();
    expect(log).toEqual(['a', 'a tick', 'a microtask', 'b', 'b tick', 'b microtask']);
  });

  it('submits in the next tick what microtasks began', async () => {
    const sim = openSim();
    let rounds = 0;
    const loop = async (): Promise<void> => {
      for (; rounds < 10; rounds += 1) await nop(sim);
    };
    void loop();
    await sim.loop.turn();
    expect(rounds).toBe(10);
  });
});

describe('Scheduler, exceptions of user code', () => {
  it('loses no completion, and rethrows every error in order', async () => {
    const sim = openSim();
    const log: number[] = [];
    for (let i = 0; i < 6; i += 1) {
      nopThen(sim, () => {
        log.push(i);
        if (i % 2 === 0) throw new Error(`callback ${i}`);
      });
    }
    const errors = await uncaughtErrors(() => sim.loop.turn());
    expect(log).toEqual([0, 1, 2, 3, 4, 5]);
    expect(errors.map(String)).toEqual([
      'Error: callback 0',
      'Error: callback 2',
      'Error: callback 4',
    ]);
    expect(sim.scheduler.inFlight).toBe(0);
  });

  it('goes on draining after a nextTick that throws', async () => {
    const sim = openSim();
    const log: string[] = [];
    nopThen(
      sim,
      () => {
        process.nextTick(() => {
          throw new Error('tick 1');
        });
        process.nextTick(() => log.push('tick 2'));
        process.nextTick(() => {
          throw new Error('tick 3');
        });
        void Promise.resolve().then(() => log.push('microtask'));
      },
      true,
    );
    nopThen(sim, () => log.push('next operation'), true);
    const errors = await uncaughtErrors(() => sim.loop.turn());
    expect(log).toEqual(['tick 2', 'microtask', 'next operation']);
    expect(errors.map(String)).toEqual(['Error: tick 1', 'Error: tick 3']);
  });

  it('fires the other timers when one throws', async () => {
    const sim = openSim();
    const log: string[] = [];
    const nowMs = sim.scheduler.nowMs();
    const fail = (): void => {
      throw new Error('timer');
    };
    sim.scheduler.addTimer(new Timer(nowMs + 1, fail, null));
    sim.scheduler.addTimer(new Timer(nowMs + 1, () => log.push('second'), null));
    const errors = await uncaughtErrors(() => sim.loop.turn());
    expect(log).toEqual(['second']);
    expect(errors.map(String)).toEqual(['Error: timer']);
    expect(sim.failures).toEqual([]);
  });

  it('rethrows what is no Error as it is', async () => {
    const sim = openSim();
    nopThen(sim, () => {
      throw undefined;
    });
    expect(await uncaughtErrors(() => sim.loop.turn())).toEqual([undefined]);
  });

  it('keeps the loop usable afterwards', async () => {
    const sim = openSim();
    nopThen(sim, () => {
      throw new Error('once');
    });
    await uncaughtErrors(() => sim.loop.turn());
    const after = nop(sim);
    await sim.loop.turn();
    expect(await after).toBe(0);
    await closeSim(sim);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });
});

describe('Scheduler, completions of operations that are over', () => {
  it('drops one of an older generation, and counts it', async () => {
    const sim = openSim();
    holdNops(sim);
    const first = nopThen(sim, ignoreCompletion);
    const { index, generation } = first;
    sim.kernel.at(1, () => heldOf(sim, first).complete(0));
    await sim.loop.turn();
    const seen: number[] = [];
    const second = nopThen(sim, (result) => seen.push(result));
    expect(second.index).toBe(index);
    sim.kernel.at(1, () => sim.kernel.ring.message(index, generation, 666, 0));
    sim.kernel.at(2, () => heldOf(sim, second).complete(7));
    await sim.loop.turnUntil(() => seen.length > 0);
    expect(seen).toEqual([7]);
    expect(sim.engine.metrics.lateCompletions).toBe(1);
  });

  it('drops one whose index was never used', async () => {
    const sim = openSim();
    sim.kernel.ring.message(0x7ffffffe, 0, 1, 0);
    sim.kernel.ring.message(-1, -1, 1, 0);
    const after = nop(sim);
    await sim.loop.turn();
    expect(await after).toBe(0);
    expect(sim.engine.metrics.lateCompletions).toBe(2);
  });

  it('keeps an operation in flight as long as more completions are to come', async () => {
    const sim = openSim();
    holdNops(sim);
    const seen: number[] = [];
    const operation = nopThen(sim, (result) => seen.push(result));
    for (const [delayMs, flags] of [
      [1, IORING_CQE_F_MORE],
      [2, IORING_CQE_F_MORE],
      [3, 0],
    ] as const) {
      sim.kernel.at(delayMs, () => heldOf(sim, operation).complete(delayMs, flags));
    }
    await sim.loop.turnUntilStopped();
    expect(seen).toEqual([1, 2, 3]);
    expect(operation.isInFlight).toBe(false);
  });
});

describe('Scheduler.flush and Scheduler.drain', () => {
  it('submits and collects at once, and runs in the next tick', async () => {
    const sim = openSim();
    const log: string[] = [];
    nopThen(sim, () => log.push('done'));
    sim.scheduler.flush();
    expect([sim.kernel.ring.posted, log]).toEqual([0, []]);
    await sim.loop.turn();
    expect(log).toEqual(['done']);
  });

  it('can be flushed from within a completion: each runs once', async () => {
    const sim = openSim();
    const log: string[] = [];
    nopThen(sim, () => {
      log.push('outer');
      nopThen(sim, () => log.push('begun inside'));
      sim.scheduler.flush();
    });
    nopThen(sim, () => log.push('second'));
    await sim.loop.turn();
    expect(log).toEqual(['outer', 'second', 'begun inside']);
  });

  it('gives up when the time is up', () => {
    const sim = openSim();
    holdNops(sim);
    nopThen(sim, ignoreCompletion);
    const startMs = sim.kernel.nowMs();
    expect(sim.scheduler.drain(50)).toBe(false);
    expect(sim.kernel.nowMs() - startMs).toBe(50);
  });
});

describe('Scheduler.reserve', () => {
  /** Begins a chain of `count` linked NOPs, the first of which fails. */
  function beginChain(sim: Sim, count: number): number[] {
    const results: number[] = [];
    sim.scheduler.reserve(count);
    for (let i = 0; i < count; i += 1) {
      sim.scheduler.begin((result) => results.push(result), 'nop');
      const { sqe } = sim.scheduler;
      prepNop(sqe);
      if (i < count - 1) sqe.words[sqe.base] = (sqe.words[sqe.base] ?? 0) | (4 << 8);
      if (i === 0) {
        sqe.words[sqe.base + 6] = -5;
        sqe.words[sqe.base + 7] = 1;
      }
    }
    return results;
  }

  it('keeps a chain together that would not fit behind what is queued', async () => {
    const sim = openSim({ entries: 8, completionEntries: 16 });
    for (let i = 0; i < 6; i += 1) void nop(sim);
    const results = beginChain(sim, 4);
    await sim.loop.turnUntilStopped();
    expect(results).toEqual([-5, -125, -125, -125]);
  });

  it('submits nothing early when there is room', () => {
    const sim = openSim();
    const before = sim.kernel.enters.length;
    beginChain(sim, 8);
    expect(sim.kernel.enters.length).toBe(before);
  });

  it('asserts that a chain fits at all', () => {
    const sim = openSim();
    expect(() => sim.scheduler.reserve(9)).toThrow('A chain fits into the submission queue');
  });
});

describe('Scheduler, on the real kernel', () => {
  ringTest('6.1', 'drains between two operations, ticks before microtasks', async (test) => {
    const { scheduler } = test.open().requireEngine();
    const log: string[] = [];
    await new Promise<void>((resolve) => {
      for (const name of ['a', 'b', 'c']) {
        const operation = scheduler.begin(() => {
          log.push(name);
          noteDrain(log, name);
          if (name === 'c') resolve();
        }, 'nop');
        operation.runsUserCode = true;
        prepNop(scheduler.sqe);
      }
    });
    expect(log.slice(0, 8)).toEqual([
      'a',
      'a tick',
      'a microtask',
      'b',
      'b tick',
      'b microtask',
      'c',
      'c tick',
    ]);
  });

  ringTest('6.1', 'loses nothing when callbacks throw', async (test) => {
    const runtime = test.open();
    const done = { count: 0 };
    const errors = await uncaughtErrors(async () => {
      for (let i = 0; i < 100; i += 1) {
        runtime.nop(() => {
          done.count += 1;
          if (i % 10 === 0) throw new Error(`callback ${i}`);
        });
      }
      while (done.count < 100) await runtime.nop();
      // Each error takes an immediate of its own.
      for (let i = 0; i < 10; i += 1) await new Promise((resolve) => setImmediate(resolve));
    });
    expect(done.count).toBe(100);
    expect(errors).toHaveLength(10);
  });
});
