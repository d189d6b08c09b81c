/**
 * Memory lent to the kernel: iovecs that name the user's buffers, and mapped memory in workers.
 */

import { describe, expect } from 'vitest';
import { LentMemory } from '../../../src/io/fs/lent-memory.ts';
import type { Engine } from '../../../src/runtime/engine.ts';
import { ringTest } from '../../support/ring-test.ts';

/** An engine as a worker has it. */
function inWorker(engine: Engine): Engine {
  return { mayShareHeap: false, pool: engine.pool, addresses: engine.addresses } as Engine;
}

describe('LentMemory', () => {
  ringTest('6.1', 'names buffers in place', ({ open }) => {
    const engine = open().requireEngine();
    const buffers = [Buffer.alloc(8), new Uint16Array(8).subarray(2, 5), Buffer.alloc(0)];
    const lent = LentMemory.ofList(engine, buffers, true);
    expect([lent.hasIovecs, lent.length]).toEqual([true, 3]);
    const [a, b, c] = buffers.map((buffer) => engine.addresses.of(buffer));
    const iovecs = new BigUint64Array(lent.block.words.buffer, lent.block.words.byteOffset, 6);
    expect([...iovecs]).toEqual([BigInt(a!), 8n, BigInt(b!), 6n, BigInt(c!), 0n]);
    expect(lent.named).toBe(buffers);
    expect(lent.finish(8)).toBe(buffers);
    expect(engine.pool.take(48)).toBe(lent.block);
  });

  ringTest('6.1', 'scatters what a worker has read', ({ open }) => {
    const engine = inWorker(open().requireEngine());
    const buffers = [Buffer.alloc(2, '.'), Buffer.alloc(0), Buffer.alloc(4, '.')];
    const lent = LentMemory.ofList(engine, buffers, true);
    expect([lent.hasIovecs, lent.length]).toEqual([false, 6]);
    lent.block.bytes.write('abcdef');
    // Four bytes came.
    expect(lent.finish(4)).toBe(buffers);
    expect(buffers.map(String)).toEqual(['ab', '', 'cd..']);
  });

  ringTest('6.1', 'gathers what a worker writes, and copies nothing back', ({ open }) => {
    const engine = inWorker(open().requireEngine());
    const buffers = [Buffer.from('ab'), Buffer.from('cde')];
    const lent = LentMemory.ofList(engine, buffers, false);
    expect(lent.block.bytes.toString('latin1', 0, 5)).toBe('abcde');
    lent.block.bytes.fill(0);
    lent.finish(5);
    expect(buffers.map(String)).toEqual(['ab', 'cde']);
  });

  ringTest('6.1', 'lends a part of a buffer, and survives an error', ({ open }) => {
    const engine = inWorker(open().requireEngine());
    const buffer = Buffer.from('0123456789');
    const range = { offset: 3, length: 4 };
    const written = LentMemory.ofPart(engine, buffer, range, false);
    expect(written.block.bytes.toString('latin1', 0, 4)).toBe('3456');
    expect(written.finish(-5)).toBe(buffer);
    const read = LentMemory.ofPart(engine, buffer, range, true);
    read.block.bytes.write('WXYZ');
    read.finish(-5);
    expect(String(buffer)).toBe('0123456789');
    const second = LentMemory.ofPart(engine, buffer, range, true);
    second.block.bytes.write('WXYZ');
    second.finish(2);
    expect(String(buffer)).toBe('012WX56789');
  });
});
