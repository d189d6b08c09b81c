/**
 * When the completion queue grows and shrinks: batches are told to `observe`, so that each case is
 * exact; the scheduler's tests show the same end to end.
 */

import { describe, expect, it } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import * as errno from '../../src/native/errno.ts';
import { prepNop } from '../../src/native/prep.ts';
import { Metrics } from '../../src/runtime/metrics.ts';
import { Pressure } from '../../src/runtime/pressure.ts';
import type { PressurePolicy, ResizeEvent } from '../../src/runtime/pressure.ts';
import { Ring } from '../../src/runtime/ring.ts';
import { SimKernel } from '../support/sim-kernel.ts';

const POLICY: PressurePolicy = {
  isEnabled: true,
  entriesMin: 16,
  entriesMax: 128,
  pressedBatches: 3,
  quietMs: 1000,
};

interface Setup {
  readonly kernel: SimKernel;
  readonly ring: Ring;
  readonly metrics: Metrics;
  readonly pressure: Pressure;
  readonly events: ResizeEvent[];
}

function open(policy: Partial<PressurePolicy> = {}): Setup {
  const kernel = new SimKernel();
  const ring = Ring.create(kernel, { entries: 8, completionEntries: 16, usesOwnMemory: false });
  if (typeof ring === 'number') throw new Error(`set-up failed with ${ring}`);
  ring.enable();
  const metrics = new Metrics();
  const events: ResizeEvent[] = [];
  const pressure = new Pressure(ring, { ...POLICY, ...policy }, metrics, (event) => {
    events.push(event);
  });
  return { kernel, ring, metrics, pressure, events };
}

/** Batches that fill this share of the queue, one after the other. */
function batches({ pressure, ring }: Setup, ...shares: number[]): void {
  for (const share of shares) {
    pressure.observe(share * ring.completions.entries, false);
    pressure.relieve();
  }
}

function resizes({ kernel }: Setup): number {
  const isResize = ({ opcode }: { opcode: number }): boolean =>
    opcode === c.IORING_REGISTER_RESIZE_RINGS;
  return kernel.registers.filter(isResize).length;
}

describe('Pressure.relieve', () => {
  it('doubles the queue after so many pressed batches, and not before', () => {
    const setup = open();
    batches(setup, 1, 0.75);
    expect(setup.events).toEqual([]);
    batches(setup, 1);
    expect(setup.events).toEqual([{ from: 16, to: 32, reason: 'pressure' }]);
    expect(setup.ring.completions.entries).toBe(32);
    expect(setup.metrics.resizesGrown).toBe(1);
  });

  it('needs the same number again before the next time', () => {
    const setup = open();
    batches(setup, 1, 1, 1, 1, 1);
    expect(setup.events).toHaveLength(1);
    batches(setup, 1);
    expect(setup.ring.completions.entries).toBe(64);
  });

  it('takes an overflow for pressure, however small the batch', () => {
    const setup = open();
    for (let i = 0; i < 3; i += 1) {
      setup.pressure.observe(1, true);
      setup.pressure.relieve();
    }
    expect(setup.events).toHaveLength(1);
    expect(setup.metrics.completionOverflows).toBe(3);
  });

  it('begins to count again after a calm batch', () => {
    const setup = open();
    batches(setup, 1, 1, 0.0625, 1, 1);
    expect(setup.events).toEqual([]);
  });

  it('does not take a tick without completions for a calm batch', () => {
    const setup = open();
    batches(setup, 1, 0, 1, 0, 1);
    expect(setup.events).toHaveLength(1);
  });

  it('goes on counting after a batch that is neither pressed nor calm', () => {
    const setup = open();
    batches(setup, 1, 0.5, 1, 0.74, 1);
    expect(setup.events).toHaveLength(1);
  });

  it('stops at the limit', () => {
    const setup = open({ pressedBatches: 1 });
    batches(setup, 1, 1, 1, 1, 1, 1);
    expect(setup.events.map(({ to }) => to)).toEqual([32, 64, 128]);
    expect(resizes(setup)).toBe(3);
  });

  it('goes no further than a limit that is not twice the size', () => {
    const setup = open({ pressedBatches: 1, entriesMax: 16 });
    batches(setup, 1, 1, 1);
    expect(resizes(setup)).toBe(0);
  });

  it('never resizes when it is switched off, and still counts overflows', () => {
    const setup = open({ isEnabled: false, pressedBatches: 1 });
    setup.pressure.observe(16, true);
    setup.pressure.relieve();
    setup.pressure.settle();
    expect([resizes(setup), setup.metrics.completionOverflows]).toEqual([0, 1]);
    expect(setup.pressure.isGrown).toBe(false);
  });

  it('carries on with the old size when the kernel refuses, and does not ask again', () => {
    const setup = open({ pressedBatches: 1 });
    setup.kernel.failRegister(c.IORING_REGISTER_RESIZE_RINGS, -errno.EINVAL);
    batches(setup, 1, 1, 1);
    expect([resizes(setup), setup.metrics.resizesFailed]).toEqual([1, 1]);
    expect([setup.events, setup.ring.completions.entries]).toEqual([[], 16]);
  });
});

describe('Pressure.settle', () => {
  it('halves the queue after a time in which no batch filled an eighth of it', () => {
    const setup = open({ pressedBatches: 1 });
    batches(setup, 1, 1);
    expect(setup.ring.completions.entries).toBe(64);
    setup.pressure.settle();
    expect(setup.events).toHaveLength(2);
    batches(setup, 0.1, 0.1);
    setup.pressure.settle();
    expect(setup.events.at(-1)).toEqual({ from: 64, to: 32, reason: 'quiet' });
    expect(setup.metrics.resizesShrunk).toBe(1);
  });

  it('looks only at the time since it looked last', () => {
    const setup = open({ pressedBatches: 1 });
    batches(setup, 1);
    setup.pressure.settle();
    expect(setup.ring.completions.entries).toBe(32);
    setup.pressure.settle();
    expect(setup.ring.completions.entries).toBe(16);
  });

  it('keeps the size while there is work for it', () => {
    const setup = open({ pressedBatches: 1 });
    batches(setup, 1);
    setup.pressure.settle();
    batches(setup, 0.0625, 0.5, 0.0625);
    setup.pressure.settle();
    expect(setup.ring.completions.entries).toBe(32);
  });

  it('returns to the size that it began with and stops there', () => {
    const setup = open({ pressedBatches: 1 });
    batches(setup, 1, 1, 1);
    for (let i = 0; i < 10; i += 1) setup.pressure.settle();
    expect(setup.ring.completions.entries).toBe(16);
    expect(setup.pressure.isGrown).toBe(false);
    expect(resizes(setup)).toBe(6);
  });

  it('grows again as soon as there is pressure again', () => {
    const setup = open({ pressedBatches: 2 });
    batches(setup, 1, 1);
    setup.pressure.settle();
    setup.pressure.settle();
    expect(setup.ring.completions.entries).toBe(16);
    batches(setup, 1, 1);
    expect(setup.events.map(({ reason }) => reason)).toEqual(['pressure', 'quiet', 'pressure']);
  });

  it('tries again later when what is pending does not fit into half', () => {
    const setup = open({ pressedBatches: 1 });
    batches(setup, 1);
    setup.pressure.settle();
    const { ring, kernel } = setup;
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < 8; i += 1) prepNop(ring.next());
      ring.enter(0, 0, 0, 0);
    }
    expect(kernel.ring.posted).toBe(24);
    setup.pressure.settle();
    expect([ring.completions.entries, setup.metrics.resizesFailed]).toEqual([32, 0]);
    ring.completions.collect();
    setup.pressure.settle();
    expect(ring.completions.entries).toBe(16);
  });
});
