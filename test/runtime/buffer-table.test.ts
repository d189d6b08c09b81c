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
});
