/**
 * Registered buffers on a real ring: fixed reads land in them, and releasing gives all back.
 */

import { fileURLToPath } from 'node:url';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { prepReadFixed } from '../../src/native/abi.ts';
import { BufferTable } from '../../src/runtime/buffer-table.ts';
import { ringTest } from '../support/ring-test.ts';

const PATH = fileURLToPath(import.meta.url);

describe('BufferTable', () => {
  ringTest('6.1', 'has fixed reads land in its memory', async ({ open }) => {
    const runtime = open();
    const buffer = runtime.buffers.allocate(100);
    expect([buffer.bytes.length, runtime.buffers.used]).toEqual([100, 1]);
    const fd = openSync(PATH, 'r');
    const count = await runtime.submit((sqe) => {
      prepReadFixed(sqe, fd, buffer.address, 100, 0, buffer.index);
    });
    closeSync(fd);
    expect(buffer.bytes.subarray(0, count)).toEqual(readFileSync(PATH).subarray(0, count));
    buffer.release();
    buffer.release();
    expect(runtime.buffers.used).toBe(0);
  });

  ringTest('6.1', 'refuses sizes that cannot be, and more than it has slots', ({ open }) => {
    const table = new BufferTable(open().requireEngine().ring, 1);
    for (const size of [0, -1, 1.5, 2 ** 31]) {
      expect(() => table.allocate(size)).toThrow(
        expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
      );
    }
    const only = table.allocate(1);
    expect(() => table.allocate(1)).toThrow(expect.objectContaining({ code: 'ERR_TABLE_FULL' }));
    only.release();
    table.allocate(1).release();
  });

  ringTest('6.5', 'shares a buffer, which lives as long as anybody has it', async ({ open }) => {
    const runtime = open();
    const { buffers } = runtime;
    const one = buffers.allocate(5000, { shared: true });
    const shared = one.share();
    const other = buffers.adopt(shared);
    // The donor is taken: a second adoption registers by itself.
    const third = buffers.adopt(shared);
    expect([other.bytes.length, new Set([one.index, other.index, third.index]).size]).toEqual([
      5000, 3,
    ]);
    one.release();
    const fd = openSync(PATH, 'r');
    for (const buffer of [other, third]) {
      const count = await runtime.submit((sqe) => {
        prepReadFixed(sqe, fd, buffer.address + 8, 100, 0, buffer.index);
      });
      expect(count).toBe(100);
      const expected = readFileSync(PATH).subarray(0, 100);
      for (const { bytes } of [other, third]) expect(bytes.subarray(8, 108)).toEqual(expected);
      other.bytes.fill(0);
    }
    closeSync(fd);
    third.release();
    const last = buffers.adopt(other.share());
    other.release();
    last.release();
    expect(() => buffers.adopt(shared)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(buffers.used).toBe(0);
  });

  ringTest('6.13', 'clones the registration instead of pinning it again', ({ open }) => {
    const { buffers } = open();
    const one = buffers.allocate(4096, { shared: true });
    const other = buffers.adopt(one.share());
    // The pages are named by the address at which they were registered.
    expect(other.address).toBe(one.address);
    other.bytes[0] = 42;
    expect(one.bytes[0]).toBe(42);
    // Nobody adopts this one: its donor is closed with the runtime.
    one.share();
    one.release();
    other.release();
  });

  ringTest('6.5', 'shares only what was allocated for it', ({ open }) => {
    const { buffers } = open();
    const own = buffers.allocate(10);
    const refusal = expect.objectContaining({ code: 'ERR_BUFFER_NOT_SHARED' });
    expect(() => own.share()).toThrow(refusal);
    own.release();
    const released = buffers.allocate(10, { shared: true });
    released.release();
    expect(() => released.share()).toThrow(refusal);
    expect(() => buffers.adopt({} as never)).toThrow(/shared.id/);
    expect(() => buffers.allocate(10, { share: true } as object)).toThrow(/"shared"/);
  });
});
