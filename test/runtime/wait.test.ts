/**
 * Waits: which slot, which bytes, which flags; on kernels with registered waits and without.
 */

import { describe, expect, it } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import * as errno from '../../src/native/errno.ts';
import { PAGE_SIZE } from '../../src/native/memory.ts';
import { prepNop } from '../../src/native/prep.ts';
import { Ring } from '../../src/runtime/ring.ts';
import {
  WAIT_SLOT_COUNT,
  WAIT_SLOT_INDEFINITE,
  WAIT_SLOT_TIMED,
  WAIT_SLOT_TWO_STAGE,
  Waiter,
} from '../../src/runtime/wait.ts';
import { ringTest } from '../support/ring-test.ts';
import { SimKernel } from '../support/sim-kernel.ts';
import type { SimEnter } from '../support/sim-kernel.ts';

interface Setup {
  readonly kernel: SimKernel;
  readonly ring: Ring;
  readonly waiter: Waiter;
}

function open(prepare: (kernel: SimKernel) => void = () => {}, wantsSlots = true): Setup {
  const kernel = new SimKernel();
  prepare(kernel);
  const request = { entries: 4, completionEntries: 8, usesOwnMemory: false };
  const ring = Ring.create(kernel, request);
  if (typeof ring === 'number') throw new Error(`set-up failed with ${ring}`);
  const memory = kernel.allocate(PAGE_SIZE);
  if (typeof memory === 'number') throw new Error('no memory for the wait region');
  const waiter = new Waiter(ring, memory, wantsSlots);
  ring.enable();
  return { kernel, ring, waiter };
}

/** A kernel before 6.13: no registered waits; before 6.12, no two-stage waits either. */
function withoutSlots(kernel: SimKernel): void {
  kernel.failRegister(c.IORING_REGISTER_MEM_REGION, -errno.EINVAL);
}

function nop(ring: Ring): void {
  prepNop(ring.next());
}

function lastEnter(kernel: SimKernel): SimEnter {
  const last = kernel.enters.at(-1);
  if (last === undefined) throw new Error('enter was never called');
  return last;
}

describe('Waiter', () => {
  it('registers its page while the ring is disabled', () => {
    const { kernel, waiter } = open();
    expect(waiter.usesSlots).toBe(true);
    expect(kernel.registers.map(({ opcode }) => opcode)).toEqual([
      c.IORING_REGISTER_MEM_REGION,
      c.IORING_REGISTER_ENABLE_RINGS,
      c.IORING_REGISTER_RING_FDS,
    ]);
    expect(kernel.ring.waitRegion?.size).toBe(PAGE_SIZE);
  });

  it('does not ask for slots that nobody wants', () => {
    const { kernel, waiter } = open(undefined, false);
    expect(waiter.usesSlots).toBe(false);
    expect(kernel.ring.waitRegion).toBeNull();
  });

  it('goes by the features that the kernel reports', () => {
    const { waiter } = open((kernel) => {
      kernel.features &= ~(c.IORING_FEAT_MIN_TIMEOUT | c.IORING_FEAT_NO_IOWAIT);
    });
    expect([waiter.hasMinWait, waiter.hidesIowait]).toEqual([false, false]);
    const { waiter: newest } = open();
    expect([newest.hasMinWait, newest.hidesIowait]).toEqual([true, true]);
  });
});

describe('Waiter.waitFor, on registered slots', () => {
  it('names the slot by its offset in bytes', () => {
    const { kernel, waiter } = open();
    waiter.waitFor(5, 1, 0);
    expect(lastEnter(kernel)).toMatchObject({
      minComplete: 1,
      flags:
        c.IORING_ENTER_GETEVENTS |
        c.IORING_ENTER_EXT_ARG |
        c.IORING_ENTER_REGISTERED_RING |
        c.IORING_ENTER_EXT_ARG_REG |
        c.IORING_ENTER_NO_IOWAIT,
      argument: WAIT_SLOT_TIMED * 64,
      argumentSize: 64,
      wait: { kind: 'slot', timeoutMs: 5, minWaitMs: 0 },
    });
  });

  it('leaves NO_IOWAIT out before 6.14', () => {
    const { kernel, waiter } = open((old) => {
      old.features &= ~c.IORING_FEAT_NO_IOWAIT;
    });
    expect(waiter.waitFor(1, 1, 0)).toBe(-errno.ETIME);
    expect(lastEnter(kernel).flags & c.IORING_ENTER_NO_IOWAIT).toBe(0);
  });

  it('returns -ETIME when the time is up, and not before', () => {
    const { kernel, waiter } = open();
    const startMs = kernel.nowMs();
    expect(waiter.waitFor(12.5, 1, 0)).toBe(-errno.ETIME);
    expect(kernel.nowMs() - startMs).toBe(12.5);
  });

  it('waits for ever on a slot without a timeout', () => {
    const { kernel, ring, waiter } = open();
    kernel.hold(c.IORING_OP_NOP);
    nop(ring);
    kernel.at(1e9, () => kernel.held()[0]?.complete(0));
    expect(waiter.waitFor(Infinity, 1, 0)).toBe(1);
    expect(lastEnter(kernel)).toMatchObject({
      argument: WAIT_SLOT_INDEFINITE * 64,
      wait: { timeoutMs: Infinity },
    });
    expect(ring.completions.ready).toBe(1);
  });

  it('submits and waits in one call', () => {
    const { kernel, ring, waiter } = open();
    nop(ring);
    nop(ring);
    expect(waiter.waitFor(Infinity, 1, 0)).toBe(2);
    expect(kernel.enters).toHaveLength(1);
    expect(ring.completions.ready).toBe(2);
  });

  it('ends with -EINTR at a signal', () => {
    const { kernel, waiter } = open();
    kernel.at(1, () => kernel.interrupt());
    expect(waiter.waitFor(Infinity, 1, 0)).toBe(-errno.EINTR);
  });

  it('waits in two stages: for all of them first, for any of them then', () => {
    const { kernel, ring, waiter } = open();
    kernel.hold(c.IORING_OP_NOP);
    for (let i = 0; i < 3; i += 1) nop(ring);
    kernel.at(1, () => kernel.held()[0]?.complete(0));
    const startMs = kernel.nowMs();
    waiter.waitFor(20, 3, 5000);
    expect(lastEnter(kernel)).toMatchObject({
      minComplete: 3,
      argument: WAIT_SLOT_TWO_STAGE * 64,
      wait: { timeoutMs: 20, minWaitMs: 5 },
    });
    expect([kernel.nowMs() - startMs, ring.completions.ready]).toEqual([5, 1]);
  });

  it('does not carry the first stage over to waits without one', () => {
    const { kernel, waiter } = open();
    waiter.waitFor(1, 2, 700);
    waiter.waitFor(1, 1, 0);
    expect(lastEnter(kernel).wait).toMatchObject({ minWaitMs: 0, timeoutMs: 1 });
  });

  it.each([
    [0.001, 0.001],
    [0.0000004, 0.000001],
    [999.999_999, 999.999_999],
    [1000, 1000],
    [1500.25, 1500.25],
    [86_400_000, 86_400_000],
    [2 ** 31, 2 ** 31],
    [0, 0],
    [-3, 0],
  ])('writes %d ms as %d ms: never less, never negative', (timeoutMs, written) => {
    const { kernel, waiter } = open();
    waiter.setSlot(WAIT_SLOT_TIMED, timeoutMs, 0);
    waiter.wait(WAIT_SLOT_TIMED, 1);
    expect(lastEnter(kernel).wait?.timeoutMs).toBeCloseTo(written, 5);
  });
});

describe('Waiter.waitFor, before 6.13', () => {
  it('passes an argument that the kernel copies', () => {
    const { kernel, waiter } = open(withoutSlots);
    expect(waiter.usesSlots).toBe(false);
    expect(waiter.waitFor(7.5, 1, 0)).toBe(-errno.ETIME);
    const { flags, argumentSize, wait } = lastEnter(kernel);
    expect(flags & c.IORING_ENTER_EXT_ARG_REG).toBe(0);
    expect(argumentSize).toBe(24);
    expect(wait).toMatchObject({ kind: 'copied', timeoutMs: 7.5 });
  });

  it('passes no timespec when it waits for ever', () => {
    const { kernel, ring, waiter } = open(withoutSlots);
    nop(ring);
    waiter.waitFor(Infinity, 1, 0);
    expect(lastEnter(kernel).wait).toMatchObject({ kind: 'copied', timeoutMs: Infinity });
  });

  it('passes the first stage on 6.12, and nothing before that', () => {
    const newer = open(withoutSlots);
    newer.waiter.waitFor(10, 2, 5000);
    expect(lastEnter(newer.kernel).wait).toMatchObject({ minWaitMs: 5, timeoutMs: 10 });
    const older = open((kernel) => {
      withoutSlots(kernel);
      kernel.features &= ~c.IORING_FEAT_MIN_TIMEOUT;
    });
    older.waiter.waitFor(10, 2, 5000);
    expect(lastEnter(older.kernel).wait).toMatchObject({ minWaitMs: 0, timeoutMs: 10 });
  });
});

describe('Waiter, slots of one’s own', () => {
  it('hands out all that it does not use itself, each once', () => {
    const { waiter } = open();
    const slots = new Set<number>();
    for (let slot = waiter.acquireSlot(); slot >= 0; slot = waiter.acquireSlot()) slots.add(slot);
    expect([Math.min(...slots), Math.max(...slots), slots.size]).toEqual([4, 63, 60]);
    expect(WAIT_SLOT_COUNT).toBe(64);
    waiter.releaseSlot(17);
    expect([waiter.acquireSlot(), waiter.acquireSlot()]).toEqual([17, -1]);
  });

  it('refuses to take back what was not handed out', () => {
    const { waiter } = open();
    expect(() => waiter.releaseSlot(WAIT_SLOT_TIMED)).toThrow('A slot that was acquired');
    expect(() => waiter.releaseSlot(64)).toThrow('A slot that was acquired');
    const slot = waiter.acquireSlot();
    waiter.releaseSlot(slot);
    expect(() => waiter.releaseSlot(slot)).toThrow('A slot is released once');
  });

  it.each([
    ['registered', open],
    ['copied', () => open(withoutSlots)],
  ])('waits on one with its own time and signal mask: %s', (_name, make) => {
    const { kernel, waiter } = make();
    const slot = waiter.acquireSlot();
    waiter.setSlot(slot, 3, 0);
    waiter.setSlotSigmask(slot, 0x7f12_3456_7000, 8);
    expect(waiter.wait(slot, 1)).toBe(-errno.ETIME);
    expect(lastEnter(kernel).wait).toMatchObject({ timeoutMs: 3, sigmask: 0x7f12_3456_7000 });
  });

  it('asserts that a slot is inside the region', () => {
    const { waiter } = open();
    expect(() => waiter.setSlot(64, 1, 0)).toThrow('A slot inside the region');
    expect(() => waiter.setSlotSigmask(-1, 0, 8)).toThrow('A slot inside the region');
  });
});

describe('Waiter, on the real kernel', () => {
  ringTest('6.1', 'sleeps as long as it is told, on slots and without', async (test) => {
    for (const registeredWaits of [true, false]) {
      const runtime = test.open({ registeredWaits });
      const { waiter } = runtime.requireEngine();
      const startMs = performance.now();
      expect(waiter.waitFor(20, 1, 0)).toBe(-errno.ETIME);
      const sleptMs = performance.now() - startMs;
      expect(sleptMs).toBeGreaterThanOrEqual(20);
      expect(sleptMs).toBeLessThan(2000);
      await runtime.close();
    }
  });

  ringTest('6.12', 'waits in two stages', (test) => {
    const { waiter, ring } = test.open().requireEngine();
    const sqe = ring.next();
    prepNop(sqe);
    sqe.words[sqe.base + 8] = 0x7fff0000;
    const startMs = performance.now();
    expect(waiter.waitFor(5000, 8, 10_000)).toBe(1);
    const sleptMs = performance.now() - startMs;
    expect(sleptMs).toBeGreaterThanOrEqual(10);
    expect(sleptMs).toBeLessThan(4000);
    expect(ring.completions.ready).toBe(1);
  });
});
