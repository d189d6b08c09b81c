/**
 * The polled rings of a thread: made once for each way of polling, refused once where the kernel
 * has none, and told of every registered buffer.
 */

// oxlint-disable vitest/no-standalone-expect -- each test ends with nothing left.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import { EINVAL } from '../../src/native/errno.ts';
import { closeSim, leftOvers, NOTHING_LEFT, openSim } from '../support/sim-engine.ts';
import type { Sim } from '../support/sim-engine.ts';
import { ringTest } from '../support/ring-test.ts';

let sim: Sim;

beforeEach(() => {
  sim = openSim();
});

afterEach(async () => {
  await closeSim(sim);
  expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
});

describe('PolledRings.of', () => {
  it('makes a ring for each way of polling, once', () => {
    const { polled } = sim.scheduler;
    const hybrid = polled.of('hybrid');
    const busy = polled.of('busy');
    expect(polled.of('hybrid')).toBe(hybrid);
    expect(polled.of('busy')).toBe(busy);
    expect(sim.kernel.liveRings).toBe(3);
    expect(polled.isBusy).toBe(false);
  });

  it('asks a kernel that refuses only once', () => {
    sim.kernel.setupFlags &= ~c.IORING_SETUP_HYBRID_IOPOLL;
    const { polled } = sim.scheduler;
    expect(polled.of('hybrid')).toBe(-EINVAL);
    const { length } = sim.kernel.setups;
    expect(polled.of('hybrid')).toBe(-EINVAL);
    expect(sim.kernel.setups).toHaveLength(length);
    expect(typeof polled.of('busy')).toBe('object');
  });

  it('counts the enters of all', () => {
    const { polled } = sim.scheduler;
    polled.of('busy');
    const before = polled.enterCount;
    polled.drop();
    expect(polled.enterCount).toBe(before);
  });
});

describe('registered buffers', () => {
  ringTest('6.13', 'are known to polled rings, whichever was first', ({ open }) => {
    const runtime = open();
    const engine = runtime.requireEngine();
    const early = runtime.buffers.allocate(4096);
    const polled = engine.scheduler.polled.of('busy');
    if (typeof polled === 'number') throw new Error(`No polled ring: ${polled}`);
    const late = runtime.buffers.allocate(4096);
    expect(runtime.buffers.isShared(polled.ring)).toBe(true);
    early.release();
    late.release();
  });
});
