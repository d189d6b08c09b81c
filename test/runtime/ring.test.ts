/**
 * One ring: submitting, waiting, resizing, closing; on the simulated kernel, and the same facts on
 * the real one.
 */

import { describe, expect, it } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import * as errno from '../../src/native/errno.ts';
import { prepNop, prepPollAdd } from '../../src/native/prep.ts';
import { CQE_WORDS } from '../../src/runtime/completion-queue.ts';
import { Ring, RingLostError } from '../../src/runtime/ring.ts';
import type { RingRequest } from '../../src/runtime/ring-setup.ts';
import { ringTest } from '../support/ring-test.ts';
import { SimKernel } from '../support/sim-kernel.ts';

const REQUEST: RingRequest = { entries: 4, completionEntries: 8, usesOwnMemory: false };

function create(kernel: SimKernel, request: RingRequest = REQUEST): Ring {
  const ring = Ring.create(kernel, request);
  if (typeof ring === 'number') throw new Error(`set-up failed with ${ring}`);
  return ring;
}

function enabled(kernel: SimKernel, request: RingRequest = REQUEST): Ring {
  const ring = create(kernel, request);
  expect(ring.enable()).toBe(0);
  return ring;
}

/** Fills the next entry with a NOP whose completion says `name`. */
function nop(ring: Ring, name: number): void {
  const sqe = ring.next();
  prepNop(sqe);
  sqe.words[sqe.base + 8] = name;
  sqe.words[sqe.base + 9] = 0;
}

/** Names of what was collected, in order. */
function collected(ring: Ring): number[] {
  const { completions } = ring;
  completions.collect();
  const { batch, count } = completions;
  completions.count = 0;
  return Array.from({ length: count }, (_, i) => batch[i * CQE_WORDS] ?? NaN);
}

describe('Ring.create', () => {
  it('makes a disabled ring: nothing can be submitted yet', () => {
    const ring = create(new SimKernel());
    nop(ring, 1);
    expect(ring.enter(0, 0, 0, 0)).toBe(-errno.EBADFD);
    expect([ring.submissions.entries, ring.completions.entries]).toEqual([4, 8]);
  });

  it('gives its page back when the set-up fails', () => {
    const kernel = new SimKernel();
    kernel.failSetup(-errno.EPERM);
    expect(Ring.create(kernel, REQUEST)).toBe(-errno.EPERM);
    expect(kernel.memory.mapped).toBe(0);
  });

  it('fails when there is not even a page', () => {
    const kernel = new SimKernel();
    kernel.failAllocate(-errno.ENOMEM);
    expect(Ring.create(kernel, REQUEST)).toBe(-errno.ENOMEM);
    expect(kernel.setups).toEqual([]);
  });
});

describe('Ring.enable', () => {
  it('opens the ring and registers its descriptor', () => {
    const kernel = new SimKernel();
    const ring = enabled(kernel);
    expect(ring.usesRegisteredDescriptor).toBe(true);
    ring.enter(0, 0, 0, 0);
    expect(kernel.enters[0]?.flags).toBe(c.IORING_ENTER_GETEVENTS | c.IORING_ENTER_REGISTERED_RING);
  });

  it('does with the plain descriptor where it cannot be registered', () => {
    const kernel = new SimKernel();
    kernel.failRegister(c.IORING_REGISTER_RING_FDS, -errno.EINVAL);
    const ring = enabled(kernel);
    expect(ring.usesRegisteredDescriptor).toBe(false);
    nop(ring, 1);
    expect(ring.enter(0, 0, 0, 0)).toBe(1);
    expect(kernel.enters[0]?.flags).toBe(c.IORING_ENTER_GETEVENTS);
  });

  it('says why it failed', () => {
    const kernel = new SimKernel();
    kernel.failRegister(c.IORING_REGISTER_ENABLE_RINGS, -errno.EBADFD);
    expect(create(kernel).enable()).toBe(-errno.EBADFD);
  });
});

describe('Ring.enter', () => {
  it('submits what is queued and finds the slots free again', () => {
    const ring = enabled(new SimKernel());
    for (let name = 1; name <= 4; name += 1) nop(ring, name);
    expect(ring.submissions.space).toBe(0);
    expect(ring.enter(0, 0, 0, 0)).toBe(4);
    expect(ring.submissions.space).toBe(4);
    expect(collected(ring)).toEqual([1, 2, 3, 4]);
  });

  it('submits the rest next time when the kernel took fewer', () => {
    const kernel = new SimKernel();
    const ring = enabled(kernel);
    for (let name = 1; name <= 4; name += 1) nop(ring, name);
    kernel.submitMax = 1;
    expect(ring.enter(0, 0, 0, 0)).toBe(1);
    expect([ring.submissions.space, ring.submissions.pending]).toEqual([1, 3]);
    expect(ring.enter(0, 0, 0, 0)).toBe(3);
    expect(collected(ring)).toEqual([1, 2, 3, 4]);
  });

  it.each([errno.EINTR, errno.EAGAIN, errno.EBUSY])(
    'loses nothing when the kernel answers %d',
    (number) => {
      const kernel = new SimKernel();
      const ring = enabled(kernel);
      nop(ring, 1);
      kernel.failEnter(-number);
      expect(ring.enter(0, 0, 0, 0)).toBe(-number);
      expect(ring.submissions.pending).toBe(1);
      ring.enter(0, 0, 0, 0);
      expect(collected(ring)).toEqual([1]);
    },
  );

  it('works with an index array', () => {
    const kernel = new SimKernel();
    kernel.setupFlags &= ~c.IORING_SETUP_NO_SQARRAY;
    const ring = enabled(kernel);
    for (let round = 0; round < 3; round += 1) {
      for (let name = 1; name <= 3; name += 1) nop(ring, round * 3 + name);
      ring.enter(0, 0, 0, 0);
    }
    expect(collected(ring)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    ring.enter(0, 0, 0, 0);
    expect(collected(ring)).toEqual([9]);
  });

  it('counts its calls', () => {
    const ring = enabled(new SimKernel());
    ring.enter(0, 0, 0, 0);
    ring.enter(0, 0, 0, 0);
    expect(ring.enterCount).toBe(2);
  });
});

describe.each([
  ['the kernel’s memory', REQUEST],
  ['memory of its own', { ...REQUEST, usesOwnMemory: true }],
] as const)('Ring.resize, in %s', (_name, request) => {
  it('keeps completions that were posted and entries that were filled', () => {
    const kernel = new SimKernel();
    const ring = enabled(kernel, request);
    for (let name = 1; name <= 3; name += 1) nop(ring, name);
    ring.enter(0, 0, 0, 0);
    for (let name = 4; name <= 6; name += 1) nop(ring, name);
    expect(ring.resize(32)).toBe(0);
    expect([ring.submissions.entries, ring.completions.entries]).toEqual([4, 32]);
    expect([ring.submissions.pending, ring.submissions.space]).toEqual([3, 1]);
    nop(ring, 7);
    expect(ring.enter(0, 0, 0, 0)).toBe(4);
    expect(collected(ring)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('delivers what was in flight into the new queue', () => {
    const kernel = new SimKernel();
    kernel.hold(c.IORING_OP_NOP);
    const ring = enabled(kernel, request);
    nop(ring, 1);
    ring.enter(0, 0, 0, 0);
    ring.resize(16);
    kernel.held()[0]?.complete(0);
    ring.enter(0, 0, 0, 0);
    expect(collected(ring)).toEqual([1]);
  });

  it('delivers what had overflowed', () => {
    const ring = enabled(new SimKernel(), request);
    for (let round = 0; round < 3; round += 1) {
      for (let name = 1; name <= 4; name += 1) nop(ring, round * 4 + name);
      ring.enter(0, 0, 0, 0);
    }
    expect([ring.completions.ready, ring.submissions.hasOverflow]).toEqual([8, true]);
    ring.resize(16);
    ring.enter(0, 0, 0, 0);
    expect(ring.submissions.hasOverflow).toBe(false);
    expect(collected(ring)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('returns -EOVERFLOW and changes nothing when what is pending does not fit', () => {
    const kernel = new SimKernel();
    const ring = enabled(kernel, { ...request, completionEntries: 16 });
    for (let round = 0; round < 3; round += 1) {
      for (let name = 1; name <= 4; name += 1) nop(ring, round * 4 + name);
      ring.enter(0, 0, 0, 0);
    }
    const mapped = kernel.memory.mapped;
    expect(ring.resize(8)).toBe(-errno.EOVERFLOW);
    expect([ring.completions.entries, kernel.memory.mapped]).toEqual([16, mapped]);
    expect(collected(ring)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(ring.resize(8)).toBe(0);
    nop(ring, 13);
    ring.enter(0, 0, 0, 0);
    expect(collected(ring)).toEqual([13]);
  });

  it('keeps the features, which the kernel does not report again', () => {
    const ring = enabled(new SimKernel(), request);
    const { features } = ring;
    ring.resize(16);
    ring.resize(8);
    expect(ring.features).toBe(features);
  });

  it('frees the old memory, so that a forgotten view reads nothing', () => {
    const kernel = new SimKernel();
    const ring = enabled(kernel, request);
    const mapped = kernel.memory.mapped;
    const old = ring.submissions.sqe.words;
    ring.resize(16);
    expect(kernel.memory.mapped).toBe(mapped);
    expect(old.length).toBe(0);
  });

  it('stays usable when the kernel has no such call', () => {
    const kernel = new SimKernel();
    kernel.failRegister(c.IORING_REGISTER_RESIZE_RINGS, -errno.EINVAL);
    const ring = enabled(kernel, request);
    const mapped = kernel.memory.mapped;
    nop(ring, 1);
    expect(ring.resize(16)).toBe(-errno.EINVAL);
    expect(kernel.memory.mapped).toBe(mapped);
    ring.enter(0, 0, 0, 0);
    expect(collected(ring)).toEqual([1]);
  });
});

describe('Ring.resize, when memory runs out', () => {
  it('is lost when the new rings cannot be mapped: the kernel uses them already', () => {
    const kernel = new SimKernel();
    const ring = enabled(kernel);
    kernel.failMapRing(-errno.ENOMEM);
    let thrown: unknown;
    try {
      ring.resize(16);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(RingLostError);
    expect(thrown).toMatchObject({ result: -errno.ENOMEM, name: 'RingLostError' });
  });

  it('refuses before anything happened when it cannot allocate memory of its own', () => {
    const kernel = new SimKernel();
    const ring = enabled(kernel, { ...REQUEST, usesOwnMemory: true });
    kernel.failAllocate(-errno.ENOMEM, 1, 1);
    const mapped = kernel.memory.mapped;
    expect(ring.resize(16)).toBe(-errno.ENOMEM);
    expect([ring.completions.entries, kernel.memory.mapped]).toEqual([8, mapped]);
  });
});

describe('Ring.close', () => {
  it('lets the kernel’s ring go, its registration included', () => {
    const kernel = new SimKernel();
    enabled(kernel).close();
    expect([kernel.liveRings, kernel.openDescriptors, kernel.memory.mapped]).toEqual([0, 0, 0]);
  });
});

describe('Ring.abandon', () => {
  it('closes the ring and keeps its memory mapped', () => {
    const kernel = new SimKernel();
    const ring = enabled(kernel);
    const mapped = kernel.memory.mapped;
    ring.abandon();
    expect([kernel.liveRings, kernel.openDescriptors]).toEqual([0, 0]);
    expect(kernel.memory.mapped).toBe(mapped);
  });
});

describe('Ring, on the real kernel', () => {
  ringTest('6.1', 'registers its descriptor however many rings there were before', async (test) => {
    const registered: unknown[] = [];
    for (let round = 0; round < 20; round += 1) {
      const runtime = test.open();
      await runtime.nop();
      registered.push(runtime.engine?.ring.usesRegisteredDescriptor);
      await runtime.close();
    }
    expect(registered).toEqual(new Array(20).fill(true));
  });

  ringTest('6.13', 'keeps what is in flight over a resize', async (test) => {
    const runtime = test.open({ entries: 4, completionEntries: 8, resize: false });
    const ring = runtime.requireEngine().ring;
    const abort = new AbortController();
    const polled = runtime.submit((sqe) => prepPollAdd(sqe, ring.fd, 0), { signal: abort.signal });
    const before = Array.from({ length: 3 }, () => runtime.nop());
    expect(ring.resize(64)).toBe(0);
    expect(ring.completions.entries).toBe(64);
    expect(await Promise.all(before)).toEqual([0, 0, 0]);
    expect(ring.resize(8)).toBe(0);
    expect(await runtime.nop()).toBe(0);
    abort.abort(new Error('over'));
    await expect(polled).rejects.toThrow('over');
  });

  ringTest('6.13', 'answers -EOVERFLOW as the simulated one does', (test) => {
    const runtime = test.open({ entries: 4, completionEntries: 16, resize: false });
    const { ring } = runtime.requireEngine();
    for (let round = 0; round < 3; round += 1) {
      for (let name = 0; name < 4; name += 1) nop(ring, 0x7fff0000 + name);
      expect(ring.enter(0, 0, 0, 0)).toBe(4);
    }
    expect(ring.resize(8)).toBe(-errno.EOVERFLOW);
    expect(collected(ring)).toHaveLength(12);
  });
});
