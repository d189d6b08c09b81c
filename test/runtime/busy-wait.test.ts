/**
 * Spinning on shared memory: what ends it, how long it lasts, and that it gives up when it is idle.
 *
 * Here reading the clock takes a microsecond, so that a spin is as long as its budget says.
 */

import { describe, expect, it } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import { prepNop } from '../../src/native/prep.ts';
import { BusyWait } from '../../src/runtime/busy-wait.ts';
import { Ring } from '../../src/runtime/ring.ts';
import { ringTest } from '../support/ring-test.ts';
import { SimKernel } from '../support/sim-kernel.ts';

const STEP_MS = 0.001;

interface Setup {
  readonly kernel: SimKernel;
  readonly ring: Ring;
  readonly busyWait: BusyWait;
}

function open(micros: number): Setup {
  const kernel = new SimKernel();
  const ring = Ring.create(kernel, { entries: 4, completionEntries: 8, usesOwnMemory: false });
  if (typeof ring === 'number') throw new Error(`set-up failed with ${ring}`);
  ring.enable();
  kernel.clock.stepMs = STEP_MS;
  return { kernel, ring, busyWait: new BusyWait(ring, micros) };
}

/** Spins for nothing, and returns how long that took in microseconds. */
function missMicros({ kernel, busyWait }: Setup, timeoutMs = Infinity): number {
  const startMs = kernel.clock.nowMs;
  expect(busyWait.spin(timeoutMs)).toBe(false);
  return (kernel.clock.nowMs - startMs) * 1000;
}

describe('BusyWait', () => {
  it('is off at 0 microseconds', () => {
    expect(open(0).busyWait.isEnabled).toBe(false);
    expect(open(1).busyWait.isEnabled).toBe(true);
  });
});

describe('BusyWait.spin', () => {
  it('ends at once when a completion is there', () => {
    const { kernel, ring, busyWait } = open(50);
    prepNop(ring.next());
    ring.enter(0, 0, 0, 0);
    const enters = kernel.enters.length;
    expect(busyWait.spin(Infinity)).toBe(true);
    expect(kernel.enters).toHaveLength(enters);
  });

  it('submits what is queued before it looks', () => {
    const { kernel, ring, busyWait } = open(50);
    prepNop(ring.next());
    expect(busyWait.spin(Infinity)).toBe(true);
    expect(kernel.enters.map(({ toSubmit, minComplete }) => [toSubmit, minComplete])).toEqual([
      [1, 0],
    ]);
  });

  it('ends when task work turns up', () => {
    const { kernel, ring, busyWait } = open(50);
    kernel.hold(c.IORING_OP_NOP);
    prepNop(ring.next());
    kernel.at(0.02, () => kernel.held()[0]?.complete(0));
    const startMs = kernel.clock.nowMs;
    expect(busyWait.spin(Infinity)).toBe(true);
    expect(kernel.clock.nowMs - startMs).toBeLessThan(0.03);
    expect(ring.completions.ready).toBe(0);
    ring.enter(0, 0, 0, 0);
    expect(ring.completions.ready).toBe(1);
  });

  it('lasts as long as the budget', () => {
    const micros = missMicros(open(50));
    expect(micros).toBeGreaterThanOrEqual(50);
    expect(micros).toBeLessThan(55);
  });

  it('lasts no longer than the wait itself may', () => {
    const micros = missMicros(open(50), 0.01);
    expect(micros).toBeGreaterThanOrEqual(10);
    expect(micros).toBeLessThan(15);
  });

  it('halves the budget after eight misses in a row, down to a sixteenth', () => {
    const setup = open(160);
    const rounds = Array.from({ length: 6 }, () => {
      const micros = Array.from({ length: 8 }, () => missMicros(setup));
      return Math.round(Math.max(...micros) / 10);
    });
    expect(rounds).toEqual([16, 8, 4, 2, 1, 1]);
  });

  it('has its whole budget back after one hit', () => {
    const setup = open(160);
    for (let i = 0; i < 32; i += 1) missMicros(setup);
    expect(missMicros(setup)).toBeLessThan(20);
    prepNop(setup.ring.next());
    expect(setup.busyWait.spin(Infinity)).toBe(true);
    setup.ring.completions.collect();
    expect(missMicros(setup)).toBeGreaterThanOrEqual(160);
  });

  it('is not fooled for ever by the flag that a resize leaves set', () => {
    const setup = open(50);
    expect(setup.ring.resize(16)).toBe(0);
    // Acting once on the flag is right: it could have been missed during the swap.
    setup.ring.enter(0, 0, 0, 0);
    expect(missMicros(setup)).toBeGreaterThanOrEqual(50);
  });
});

describe('BusyWait, on the real kernel', () => {
  ringTest('6.13', 'sleeps again after a resize', (test) => {
    const { ring } = test.open({ entries: 4, completionEntries: 8 }).requireEngine();
    const busyWait = new BusyWait(ring, 200);
    expect(busyWait.spin(1)).toBe(false);
    expect(ring.resize(16)).toBe(0);
    ring.enter(0, 0, 0, 0);
    expect(busyWait.spin(1)).toBe(false);
  });

  ringTest('6.1', 'answers a round trip without sleeping', async (test) => {
    const runtime = test.open({ busyWaitMicros: 1000 });
    for (let i = 0; i < 50; i += 1) expect(await runtime.nop()).toBe(0);
    expect(runtime.metrics().busyWaitHits).toBeGreaterThan(0);
  });
});
