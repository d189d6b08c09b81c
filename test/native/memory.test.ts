/**
 * Memory that V8 does not own: mapped, zeroed, freed once, and in a worker gone with the worker.
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { EBADF, ENOMEM } from '../../src/native/errno.ts';
import { loadLibc } from '../../src/native/libc.ts';
import type { Libc } from '../../src/native/libc.ts';
import { allocateMemory, mapRing, PAGE_SIZE, roundToPages } from '../../src/native/memory.ts';
import type { Memory } from '../../src/native/memory.ts';
import { importUrl } from '../support/child.ts';

function load(): Libc {
  const libc = loadLibc();
  if (typeof libc === 'string') throw new Error(libc);
  return libc;
}

function allocate(size: number): Memory {
  const memory = allocateMemory(load(), size);
  if (typeof memory === 'number') throw new Error(`mmap failed with ${memory}`);
  return memory;
}

/** What the process has mapped at an address, as the kernel describes it. */
function mappingAt(address: number): { line: string; flags: string } | undefined {
  const blocks = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  for (const block of blocks) {
    const [, from = '', to = ''] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(block) ?? [];
    if (Number.parseInt(from, 16) > address || Number.parseInt(to, 16) <= address) continue;
    return {
      line: block.split('\n')[0] ?? '',
      flags: /^VmFlags: (.*)$/m.exec(block)?.[1] ?? '',
    };
  }
  return undefined;
}

describe('roundToPages', () => {
  it.each([
    [0, 0],
    [1, 4096],
    [4096, 4096],
    [4097, 8192],
    [2 ** 33 + 1, 2 ** 33 + 4096],
  ])('rounds %i to %i', (size, expected) => {
    expect(roundToPages(size)).toBe(expected);
  });
});

describe('allocateMemory', () => {
  it('maps whole pages of zeros', () => {
    const memory = allocate(5000);
    expect([memory.size, memory.buffer.byteLength]).toEqual([8192, 8192]);
    expect(memory.address % PAGE_SIZE).toBe(0);
    expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
    memory.free();
  });

  it('gives a view of the memory itself', () => {
    const libc = load();
    const memory = allocate(PAGE_SIZE);
    new Uint8Array(memory.buffer)[17] = 0x42;
    const elsewhere = libc.view(memory.address + 16, 8);
    expect(new Uint8Array(elsewhere)[1]).toBe(0x42);
    memory.free();
  });

  it('is private, writable, and not inherited by a child', () => {
    const memory = allocate(PAGE_SIZE);
    const mapping = mappingAt(memory.address);
    expect(mapping?.line).toContain(' rw-p ');
    // MADV_DONTFORK.
    expect(mapping?.flags.split(' ')).toContain('dc');
    memory.free();
  });

  it('fails with -errno', () => {
    expect(allocateMemory(load(), 2 ** 50)).toBe(-ENOMEM);
  });
});

describe('Memory.free', () => {
  it('unmaps, and leaves views that read nothing', () => {
    // Larger than any hole that others fill at once.
    const memory = allocate(64 * 1024 * 1024);
    const view = new Uint8Array(memory.buffer);
    const { address } = memory;
    expect(mappingAt(address)).toBeDefined();
    memory.free();
    // Node 20 cannot detach memory that is not V8's.
    if ('transfer' in ArrayBuffer.prototype) expect(view).toHaveLength(0);
    expect(mappingAt(address + 32 * 1024 * 1024)?.flags.split(' ') ?? []).not.toContain('dc');
    // The second time it must not unmap what is somebody else's by now.
    const next = allocate(64 * 1024 * 1024);
    memory.free();
    new Uint8Array(next.buffer).fill(1);
    next.free();
  });

  it('can be done a thousand times', () => {
    const before = readFileSync('/proc/self/maps', 'utf8').split('\n').length;
    for (let i = 0; i < 1000; i += 1) allocate(PAGE_SIZE * 16).free();
    const after = readFileSync('/proc/self/maps', 'utf8').split('\n').length;
    expect(after - before).toBeLessThan(50);
  });
});

describe('mapRing', () => {
  it('fails with -errno for what is not a ring', () => {
    expect(mapRing(load(), -1, 0, PAGE_SIZE)).toBe(-EBADF);
  });
});

describe('memory of a worker', () => {
  it('goes with the worker, however it ends', async () => {
    const segments = (): number => readFileSync('/proc/self/maps', 'utf8').split('/SYSV').length;
    const before = segments();
    const worker = new Worker(
      `import('${importUrl('dist/src/native/index.js')}').then(({ linuxHost }) => {
         const { kernel } = linuxHost();
         const pieces = Array.from({ length: 10 }, () => kernel.allocate(100_000));
         for (const piece of pieces) new Uint8Array(piece.buffer).fill(7);
         for (const piece of pieces.splice(0, 5)) piece.free();
         const { address, size } = pieces[0];
         require('node:worker_threads').parentPort.postMessage({ address, size });
         setInterval(() => {}, 1000);
       });`,
      { eval: true },
    );
    const [{ address, size }] = (await once(worker, 'message')) as [Memory];
    expect(size).toBe(roundToPages(100_000));
    expect(mappingAt(address)?.line).toContain('/SYSV');
    expect(segments()).toBe(before + 5);
    await worker.terminate();
    expect(mappingAt(address)?.line ?? '').not.toContain('/SYSV');
    expect(segments()).toBe(before);
  });
});
