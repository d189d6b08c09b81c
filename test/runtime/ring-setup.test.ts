/**
 * The ladder of set-up flags, and what is left behind when a step fails: nothing.
 */

import { describe, expect, it } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import * as errno from '../../src/native/errno.ts';
import type { Memory } from '../../src/native/memory.ts';
import { allocateRingMemory, freeRingMemory, makeRing } from '../../src/runtime/ring-setup.ts';
import type { MadeRing, RingRequest } from '../../src/runtime/ring-setup.ts';
import { SimKernel } from '../support/sim-kernel.ts';

const REQUEST: RingRequest = { entries: 8, completionEntries: 32, usesOwnMemory: false };
const REQUIRED =
  c.IORING_SETUP_SINGLE_ISSUER |
  c.IORING_SETUP_DEFER_TASKRUN |
  c.IORING_SETUP_COOP_TASKRUN |
  c.IORING_SETUP_TASKRUN_FLAG |
  c.IORING_SETUP_SUBMIT_ALL |
  c.IORING_SETUP_CQSIZE |
  c.IORING_SETUP_CLAMP |
  c.IORING_SETUP_R_DISABLED;
const OWN: RingRequest = { ...REQUEST, usesOwnMemory: true };

function scratchOf(kernel: SimKernel): Memory {
  const scratch = kernel.allocate(1);
  if (typeof scratch === 'number') throw new Error('no scratch page');
  return scratch;
}

function make(kernel: SimKernel, request: RingRequest = REQUEST): MadeRing | number {
  return makeRing(kernel, scratchOf(kernel), request);
}

function made(kernel: SimKernel, request: RingRequest = REQUEST): MadeRing {
  const ring = make(kernel, request);
  if (typeof ring === 'number') throw new Error(`set-up failed with ${ring}`);
  return ring;
}

/** What a failed attempt may leave: the scratch page of the caller. */
function expectNothingLeft(kernel: SimKernel): void {
  expect(kernel.memory.mapped).toBe(1);
  expect(kernel.openDescriptors).toBe(0);
  expect([...kernel.closedOnExit]).toEqual([]);
}

describe('makeRing', () => {
  it('asks for everything at once, and reports what the kernel made of it', () => {
    const kernel = new SimKernel();
    const ring = made(kernel);
    expect(kernel.setups).toEqual([REQUIRED | c.IORING_SETUP_NO_SQARRAY]);
    expect(ring.params).toMatchObject({ sqEntries: 8, cqEntries: 32, features: 0x3ffff });
    expect(ring.params.sqOff.array).toBe(0);
    expect(kernel.isOpen(ring.fd)).toBe(true);
  });

  it('rounds up to powers of two and clamps to the limits of the kernel', () => {
    const odd = made(new SimKernel(), { ...REQUEST, entries: 9, completionEntries: 33 });
    expect([odd.params.sqEntries, odd.params.cqEntries]).toEqual([16, 64]);
    const huge = made(new SimKernel(), {
      ...REQUEST,
      entries: 40_000,
      completionEntries: 100_000,
    });
    expect([huge.params.sqEntries, huge.params.cqEntries]).toEqual([32_768, 65_536]);
  });

  it('maps memory that is large enough for both queues', () => {
    const { memory, params } = made(new SimKernel());
    expect(memory.rings.size).toBeGreaterThanOrEqual(params.cqOff.cqes + 32 * 16);
    expect(memory.entries.size).toBeGreaterThanOrEqual(8 * 64);
  });

  it('has the descriptor closed with the thread', () => {
    const kernel = new SimKernel();
    const { fd } = made(kernel);
    expect([...kernel.closedOnExit]).toEqual([fd]);
  });

  it('does without NO_SQARRAY on kernels before 6.6, and sees the index array', () => {
    const kernel = new SimKernel();
    kernel.setupFlags &= ~c.IORING_SETUP_NO_SQARRAY;
    const ring = made(kernel);
    expect(kernel.setups).toEqual([REQUIRED | c.IORING_SETUP_NO_SQARRAY, REQUIRED]);
    const { array } = ring.params.sqOff;
    expect(array).toBeGreaterThanOrEqual(ring.params.cqOff.cqes + 32 * 16);
    expect(ring.memory.rings.size).toBeGreaterThanOrEqual(array + 8 * 4);
  });

  it('reports -EINVAL where a flag that is needed is missing, as before 6.1', () => {
    const kernel = new SimKernel();
    kernel.setupFlags &= ~c.IORING_SETUP_DEFER_TASKRUN;
    expect(make(kernel)).toBe(-errno.EINVAL);
    expectNothingLeft(kernel);
  });

  it.each([
    ['EPERM', errno.EPERM],
    ['ENOSYS', errno.ENOSYS],
    ['ENOMEM', errno.ENOMEM],
    ['EMFILE', errno.EMFILE],
    ['EOPNOTSUPP', errno.EOPNOTSUPP],
  ])('takes %s for final: no other set of flags is tried', (_name, number) => {
    const kernel = new SimKernel();
    kernel.failSetup(-number);
    expect(make(kernel)).toBe(-number);
    expect(kernel.setups).toHaveLength(1);
    expectNothingLeft(kernel);
  });

  it('closes the ring when its memory cannot be mapped', () => {
    const kernel = new SimKernel();
    kernel.failMapRing(-errno.ENOMEM);
    expect(make(kernel)).toBe(-errno.ENOMEM);
    expectNothingLeft(kernel);
    expect(kernel.ring.isClosed).toBe(true);
  });

  it('unmaps the first piece when the second cannot be mapped', () => {
    const kernel = new SimKernel();
    kernel.faults.add('map', 0, 1);
    kernel.failMapRing(-errno.ENOMEM);
    expect(make(kernel)).toBe(-errno.ENOMEM);
    expectNothingLeft(kernel);
  });
});

describe('makeRing, in memory of its own', () => {
  it('gives the kernel both addresses and maps nothing', () => {
    const kernel = new SimKernel();
    kernel.failMapRing(-errno.EINVAL);
    const ring = made(kernel, OWN);
    expect(kernel.setups).toEqual([REQUIRED | c.IORING_SETUP_NO_SQARRAY | c.IORING_SETUP_NO_MMAP]);
    expect(kernel.ring.memory.rings.buffer).toBe(ring.memory.rings.buffer);
    expect(kernel.ring.memory.entries.buffer).toBe(ring.memory.entries.buffer);
  });

  it('is large enough for any sizes, with and without an index array', () => {
    for (const [entries, completionEntries] of [
      [1, 1],
      [1, 2],
      [3, 5],
      [128, 128],
      [1024, 65_536],
      [32_768, 65_536],
    ] as const) {
      for (const flag of [0, c.IORING_SETUP_NO_SQARRAY]) {
        const kernel = new SimKernel();
        kernel.setupFlags &= ~flag;
        const request = { entries, completionEntries, usesOwnMemory: true };
        expect(typeof make(kernel, request), `${entries}/${completionEntries}`).toBe('object');
      }
    }
  });

  it('falls back to the kernel’s memory before 6.5', () => {
    const kernel = new SimKernel();
    kernel.setupFlags &= ~(c.IORING_SETUP_NO_MMAP | c.IORING_SETUP_NO_SQARRAY);
    const ring = made(kernel, OWN);
    expect(ring.params.flags).toBe(REQUIRED);
    // Scratch page, rings, entries: what the attempts before it allocated is free again.
    expect(kernel.memory.mapped).toBe(3);
  });

  it('frees what it allocated when the set-up fails', () => {
    const kernel = new SimKernel();
    kernel.failSetup(-errno.EPERM);
    expect(make(kernel, OWN)).toBe(-errno.EPERM);
    expectNothingLeft(kernel);
  });

  it('reports that there is no memory, and keeps nothing', () => {
    const kernel = new SimKernel();
    kernel.failAllocate(-errno.ENOMEM, Infinity, 2);
    expect(make(kernel, OWN)).toBe(-errno.ENOMEM);
    expectNothingLeft(kernel);
    expect(kernel.setups).toEqual([]);
  });
});

describe('allocateRingMemory', () => {
  it('gives back both pieces', () => {
    const kernel = new SimKernel();
    const memory = allocateRingMemory(kernel, 8, 16);
    expect(kernel.memory.mapped).toBe(2);
    expect(typeof memory).toBe('object');
    if (typeof memory === 'object') freeRingMemory(memory);
    expect(kernel.memory.mapped).toBe(0);
  });

  it('has nothing to give back where there is nothing', () => {
    expect(freeRingMemory(undefined)).toBeUndefined();
  });
});
