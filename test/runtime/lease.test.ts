/**
 * Leases, and the buffer ring that lends: what comes back when, how much may be out, and that
 * memory on lease outlives the ring.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { BufferRing } from '../../src/runtime/buffer-ring.ts';
import { Lease } from '../../src/runtime/lease.ts';
import { Ring } from '../../src/runtime/ring.ts';
import { SimKernel } from '../support/sim-kernel.ts';

const COUNT = 8;
const SIZE = 64;

function given(): { kernel: SimKernel; ring: Ring; buffers: BufferRing } {
  const kernel = new SimKernel();
  const ring = Ring.create(kernel, { entries: 4, completionEntries: 8, usesOwnMemory: false });
  if (typeof ring === 'number') throw new Error(`set-up failed with ${ring}`);
  ring.enable();
  return { kernel, ring, buffers: new BufferRing(ring, 0, COUNT, SIZE) };
}

describe('Lease', () => {
  it('shows the bytes until it is released, and comes back once', () => {
    const returned: number[] = [];
    const lease = new Lease(Buffer.from('abc'), { takeBack: (id) => void returned.push(id) }, 5);
    expect([String(lease.bytes), lease.length, lease.isZeroCopy]).toEqual(['abc', 3, true]);
    lease.release();
    lease.release();
    expect([returned, lease.isReleased, lease.length]).toEqual([[5], true, 3]);
    expect(() => lease.bytes).toThrow(expect.objectContaining({ code: 'ERR_LEASE_RELEASED' }));
  });

  it("becomes a copy that is the program's own", () => {
    const memory = Buffer.from('abc');
    const lease = new Lease(memory, { takeBack: () => void memory.fill('x') }, 0);
    expect([String(lease.intoCopy()), lease.isReleased]).toEqual(['abc', true]);
    const own = Buffer.from('own');
    expect(new Lease(own, null, 0).intoCopy()).toBe(own);
  });
});

describe('BufferRing.lend', () => {
  it('lends the bytes themselves, and half of the buffers at most', () => {
    const { buffers } = given();
    buffers.bytes.write('hello', buffers.offsetOf(3));
    const first = buffers.lend(3, 5);
    expect(String(first.bytes)).toBe('hello');
    buffers.bytes.write('J', buffers.offsetOf(3));
    expect(String(first.bytes)).toBe('Jello');
    const others = [0, 1, 2].map((id) => buffers.lend(id, SIZE));
    expect([buffers.lent, buffers.mayLend]).toEqual([4, false]);
    for (const lease of [first, ...others]) lease.release();
    expect([buffers.lent, buffers.mayLend]).toEqual([0, true]);
  });

  it('keeps the memory of what is on lease when the ring ends', () => {
    const { kernel, ring, buffers } = given();
    const lease = buffers.lend(0, 4);
    ring.close();
    buffers.free();
    expect(kernel.memory.mapped).toBe(1);
    expect(lease.bytes).toHaveLength(4);
    lease.release();
    expect(kernel.memory.mapped).toBe(0);
  });

  it('takes back what nobody can see any more', async () => {
    const { buffers } = given();
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    (() => void buffers.lend(0, 4))();
    for (let i = 0; i < 50 && buffers.lent > 0; i += 1) {
      collect();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    expect(buffers.lent).toBe(0);
  });
});
