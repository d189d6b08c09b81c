/**
 * The memory pool: which blocks are handed out, reused, and given back to the kernel.
 */

import { describe, expect, it } from 'vitest';
import { ENOMEM } from '../../src/native/errno.ts';
import { MemoryPool } from '../../src/runtime/memory-pool.ts';
import type { Block } from '../../src/runtime/memory-pool.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { SimKernel } from '../support/sim-kernel.ts';

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * 1024;

function open(): { kernel: SimKernel; pool: MemoryPool } {
  const kernel = new SimKernel();
  return { kernel, pool: new MemoryPool(kernel) };
}

describe('MemoryPool.take', () => {
  it.each([
    [0, 256],
    [1, 256],
    [256, 256],
    [257, 512],
    [4096, 4096],
    [4097, 8192],
    [32 * KIBIBYTE + 1, 64 * KIBIBYTE],
    [64 * KIBIBYTE, 64 * KIBIBYTE],
    [3 * MEBIBYTE, 4 * MEBIBYTE],
  ])('gives a block for %i bytes of %i', (size, expected) => {
    const { pool } = open();
    const block = pool.take(size);
    expect([block.sizeClass, block.bytes.length, block.words.byteLength]).toEqual([
      expected,
      expected,
      expected,
    ]);
  });

  it('gives views of the memory that the address is of', () => {
    const { kernel, pool } = open();
    for (const size of [100, 5000, 200_000]) {
      const block = pool.take(size);
      block.words[1] = 0x04030201;
      expect([...block.bytes.subarray(4, 8)]).toEqual([1, 2, 3, 4]);
      expect(kernel.memory.at(block.address, size)?.getUint32(4, true)).toBe(0x04030201);
      expect(block.address % 256).toBe(0);
    }
  });

  it('cuts small blocks from one mapping', () => {
    const { kernel, pool } = open();
    const blocks = Array.from({ length: 256 }, () => pool.take(256));
    expect(kernel.memory.mapped).toBe(1);
    expect(new Set(blocks.map(({ address }) => address)).size).toBe(256);
    pool.take(256);
    expect(kernel.memory.mapped).toBe(2);
  });

  it('fails with the kernel’s error', () => {
    const { kernel, pool } = open();
    kernel.failAllocate(-ENOMEM);
    for (const size of [1, MEBIBYTE]) {
      expect(() => pool.take(size)).toThrow(
        expect.objectContaining({ code: 'ENOMEM', syscall: 'mmap' }),
      );
    }
  });
});

describe('MemoryPool.give', () => {
  it('hands the block out again, last given first taken', () => {
    const { kernel, pool } = open();
    for (const size of [256, 1000, 100_000]) {
      const [first, second] = [pool.take(size), pool.take(size)];
      pool.give(first);
      pool.give(second);
      expect([pool.take(size), pool.take(size)]).toEqual([second, first]);
    }
    expect(kernel.memory.mapped).toBe(4);
  });

  it('keeps 32 MiB of large blocks, and unmaps what is more', () => {
    const { kernel, pool } = open();
    const blocks = Array.from({ length: 40 }, () => pool.take(MEBIBYTE));
    expect(kernel.memory.mapped).toBe(40);
    for (const block of blocks) pool.give(block);
    expect(kernel.memory.mapped).toBe(32);
    // What was taken again is not idle: as much may be kept as before.
    const again = Array.from({ length: 32 }, () => pool.take(MEBIBYTE));
    expect(kernel.memory.mapped).toBe(32);
    for (const block of again) pool.give(block);
    expect(kernel.memory.mapped).toBe(32);
  });
});

describe('MemoryPool.free', () => {
  it('unmaps everything that is idle', () => {
    const { kernel, pool } = open();
    const blocks = [256, 5000, 100_000, MEBIBYTE].map((size) => pool.take(size));
    for (const block of blocks) pool.give(block);
    pool.free();
    expect(kernel.memory.mapped).toBe(0);
  });

  it('has a large block that is given late unmapped as well', () => {
    const { kernel, pool } = open();
    const late = pool.take(MEBIBYTE);
    pool.free();
    expect(kernel.memory.mapped).toBe(1);
    pool.give(late);
    expect(kernel.memory.mapped).toBe(0);
  });
});

describe('MemoryPool, at random', () => {
  it('never hands out the same bytes twice', () => {
    const random = new SeededRandom();
    const { kernel, pool } = open();
    const taken: { block: Block; mark: number }[] = [];
    for (let step = 0; step < 3000; step += 1) {
      if (taken.length > 0 && random.chance(0.5)) {
        const [{ block, mark }] = taken.splice(random.below(taken.length), 1) as [
          (typeof taken)[0],
        ];
        const edges = [block.bytes[0], block.bytes.at(-1)];
        expect(edges, random.replay).toEqual([mark & 0xff, mark & 0xff]);
        pool.give(block);
      } else {
        const block = pool.take(random.pick([1, 300, 4000, 20_000, 70_000, 300_000]));
        block.bytes[0] = step & 0xff;
        block.bytes[block.bytes.length - 1] = step & 0xff;
        taken.push({ block, mark: step });
      }
    }
    for (const { block } of taken) pool.give(block);
    pool.free();
    expect(kernel.memory.mapped).toBe(0);
  });
});
