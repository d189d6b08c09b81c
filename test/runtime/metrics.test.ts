/**
 * Counters and the snapshot of them: plain numbers, present state, and nothing of our own in them.
 */

import { describe, expect, it } from 'vitest';
import { IORING_OP_NOP } from '../../src/native/constants/io-uring.ts';
import { bindSignal } from '../../src/runtime/cancellation.ts';
import { Metrics, snapshotOf } from '../../src/runtime/metrics.ts';
import { ignoreCompletion } from '../../src/runtime/operation.ts';
import { Timer } from '../../src/runtime/timer-heap.ts';
import { rejectionOf } from '../support/rejections.ts';
import { ringTest } from '../support/ring-test.ts';
import { closeSim, heldOf, holdNops, nop, nopThen, openSim } from '../support/sim-engine.ts';

describe('Metrics', () => {
  it('begin at zero', () => {
    expect(Object.values(new Metrics()).every((value) => value === 0)).toBe(true);
  });
});

describe('snapshotOf', () => {
  it('is all zero without a ring', () => {
    const { backend, ...numbers } = snapshotOf('libuv', null);
    expect(backend).toBe('libuv');
    expect(Object.values(numbers).every((value) => value === 0)).toBe(true);
  });

  it('has the same fields with and without a ring', () => {
    const sim = openSim();
    expect(Object.keys(snapshotOf('uring', sim.engine)).toSorted()).toEqual(
      Object.keys(snapshotOf('libuv', null)).toSorted(),
    );
  });

  it('is a copy: it does not change afterwards', async () => {
    const sim = openSim();
    const before = snapshotOf('uring', sim.engine);
    const { completions } = before;
    void nop(sim);
    await sim.loop.turnUntilStopped();
    expect(before.completions).toBe(completions);
    expect(snapshotOf('uring', sim.engine).completions).toBe(completions + 1);
  });

  it('tells what is there now: queues, operations, timers', async () => {
    const sim = openSim({ entries: 8, completionEntries: 32 });
    holdNops(sim);
    const first = nopThen(sim, ignoreCompletion);
    nopThen(sim, ignoreCompletion);
    sim.scheduler.addTimer(new Timer(sim.scheduler.nowMs() + 5, () => {}, null));
    expect(snapshotOf('uring', sim.engine)).toMatchObject({
      backend: 'uring',
      inFlight: 2,
      timers: 1,
      entries: 8,
      completionEntries: 32,
    });
    sim.kernel.at(1, () => heldOf(sim, first).complete(0));
    sim.kernel.at(10, () => sim.loop.setReady(true));
    await sim.loop.turn();
    expect(snapshotOf('uring', sim.engine)).toMatchObject({
      inFlight: 1,
      timers: 0,
      timersFired: 1,
    });
  });

  it('counts operations, but not those of the scheduler itself', async () => {
    const sim = openSim();
    const before = snapshotOf('uring', sim.engine).operations;
    sim.scheduler.addTimer(new Timer(sim.scheduler.nowMs() + 5, () => {}, null));
    void nop(sim);
    await sim.loop.turnUntilStopped();
    expect(snapshotOf('uring', sim.engine).operations - before).toBe(1);
  });

  it('counts aborts', async () => {
    const sim = openSim();
    holdNops(sim);
    const controller = new AbortController();
    for (let i = 0; i < 3; i += 1) {
      bindSignal(sim.scheduler, nopThen(sim, ignoreCompletion), controller.signal);
    }
    controller.abort();
    await sim.loop.turnUntilStopped();
    expect(snapshotOf('uring', sim.engine).aborts).toBe(3);
  });

  it('knows the share of time in which the loop did not wait', async () => {
    const sim = openSim();
    await sim.loop.turnUntilStopped();
    sim.kernel.advance(25);
    sim.scheduler.addTimer(new Timer(sim.scheduler.nowMs() + 75, () => {}, null));
    await sim.loop.turnUntilStopped();
    expect(snapshotOf('uring', sim.engine).utilization).toBeCloseTo(0.25, 5);
  });

  it('can still be read when the engine is closed', async () => {
    const sim = openSim();
    sim.kernel.hold(IORING_OP_NOP);
    const pending = rejectionOf(nop(sim));
    await closeSim(sim);
    expect((await pending).code).toBe('ECANCELED');
    expect(snapshotOf('uring', sim.engine)).toMatchObject({ inFlight: 0, entries: 8 });
  });

  ringTest('6.1', 'counts about one enter a tick', async (test) => {
    const runtime = test.open();
    await runtime.nop();
    const before = runtime.metrics();
    for (let i = 0; i < 100; i += 1) await runtime.nop();
    const after = runtime.metrics();
    const enters = after.enters - before.enters;
    expect(after.operations - before.operations).toBe(100);
    expect(enters / (after.ticks - before.ticks)).toBeLessThanOrEqual(1.1);
    expect(enters).toBeLessThanOrEqual(110);
  });
});
