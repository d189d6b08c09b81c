/**
 * Registered memory: one mapping where the kernel takes it, another kind where it refuses System V
 * segments, and nothing left where it refuses both.
 */

import { describe, expect, it } from 'vitest';
import {
  ENOMEM,
  EOPNOTSUPP,
  IORING_REGISTER_BUFFERS_UPDATE,
  IORING_REGISTER_PBUF_RING,
} from '../../src/native/index.ts';
import type { Memory } from '../../src/native/index.ts';
import { BufferRing } from '../../src/runtime/buffer-ring.ts';
import { BufferTable } from '../../src/runtime/buffer-table.ts';
import { mapRegistered } from '../../src/runtime/pinned-memory.ts';
import { Ring } from '../../src/runtime/ring.ts';
import { recordKernel } from '../support/recording-kernel.ts';
import { ringTest } from '../support/ring-test.ts';
import { SimKernel } from '../support/sim-kernel.ts';

const SIZE = 5000;

describe('mapRegistered', () => {
  it('registers what it maps', () => {
    const kernel = new SimKernel();
    const seen: number[] = [];
    const memory = mapRegistered(kernel, SIZE, ({ address }) => seen.push(address));
    expect(seen).toEqual([memory.address]);
    expect(memory.size).toBe(8192);
    expect(kernel.memory.mapped).toBe(1);
  });

  it('maps another kind where the first is refused', () => {
    const kernel = new SimKernel();
    const seen: Memory[] = [];
    const memory = mapRegistered(kernel, SIZE, (candidate) => {
      seen.push(candidate);
      return seen.length === 1 ? -EOPNOTSUPP : 0;
    });
    expect(seen).toHaveLength(2);
    expect(seen[1]).toBe(memory);
    expect(seen[0]?.address).not.toBe(memory.address);
    expect(kernel.memory.mapped).toBe(1);
  });

  it.each([
    ['both', -EOPNOTSUPP, 2],
    ['for another reason', -ENOMEM, 1],
  ])('keeps nothing where the kernel refuses %s', (_what, result, times) => {
    const kernel = new SimKernel();
    let called = 0;
    const register = (): number => {
      called += 1;
      return result;
    };
    expect(() => mapRegistered(kernel, SIZE, register)).toThrow(
      expect.objectContaining({ errno: result, syscall: 'io_uring_register' }),
    );
    expect(called).toBe(times);
    expect(kernel.memory.mapped).toBe(0);
  });

  it('says when there is no memory', () => {
    const kernel = new SimKernel();
    kernel.failAllocate(-ENOMEM);
    expect(() => mapRegistered(kernel, SIZE, () => 0)).toThrow(
      expect.objectContaining({ code: 'ENOMEM', syscall: 'mmap' }),
    );
  });
});

describe('a kernel that does not pin what workers have', () => {
  ringTest('6.1', 'still has buffer rings and registered buffers', () => {
    const refusals = [IORING_REGISTER_PBUF_RING, IORING_REGISTER_BUFFERS_UPDATE];
    const { host, mappings } = recordKernel((kernel) => ({
      ioUringRegister(fd, opcode, argument, count) {
        const at = refusals.indexOf(opcode);
        if (at === -1) return kernel.ioUringRegister(fd, opcode, argument, count);
        refusals.splice(at, 1);
        return -EOPNOTSUPP;
      },
    }));
    const ring = Ring.create(host.kernel, {
      entries: 4,
      completionEntries: 8,
      usesOwnMemory: false,
    });
    if (typeof ring === 'number') throw new Error(`set-up failed with ${ring}`);
    ring.enable();
    const before = mappings.size;
    const buffers = new BufferRing(ring, 0, 4, 512);
    const table = new BufferTable(ring, 1);
    const buffer = table.allocate(100);
    expect(buffer.bytes).toHaveLength(100);
    buffer.release();
    buffers.unregister();
    buffers.free();
    expect([mappings.size, refusals]).toEqual([before, []]);
    ring.close();
    expect(mappings.size).toBe(0);
  });
});
