/**
 * Registered files on a real ring: a slot works in place of a descriptor, and is free again.
 */

import { fileURLToPath } from 'node:url';
import { closeSync, openSync } from 'node:fs';
import { describe, expect } from 'vitest';
import {
  IOSQE_FIXED_FILE,
  prepCloseDirect,
  prepFsync,
  prepOpenatDirect,
  setSqeFlags,
} from '../../src/native/abi.ts';
import { FileTable } from '../../src/runtime/file-table.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { ringTest } from '../support/ring-test.ts';

const PATH = fileURLToPath(import.meta.url);

function fsync(runtime: Runtime, slot: number): Promise<number> {
  return runtime.submit((sqe) => {
    prepFsync(sqe, slot, 0);
    setSqeFlags(sqe, IOSQE_FIXED_FILE);
  });
}

describe('FileTable', () => {
  ringTest('6.1', 'has a slot work in place of a descriptor', async ({ open }) => {
    const runtime = open();
    const fd = openSync(PATH, 'r');
    const slot = runtime.files.register(fd);
    expect(runtime.files.used).toBe(1);
    // The table has a reference of its own.
    closeSync(fd);
    expect(await fsync(runtime, slot)).toBe(0);
    runtime.files.unregister(slot);
    expect(runtime.files.used).toBe(0);
    await expect(fsync(runtime, slot)).rejects.toMatchObject({ code: 'EBADF' });
  });

  ringTest('6.1', 'refuses what is not open, and keeps the slot', ({ open }) => {
    const { files } = open();
    expect(() => files.register(987_654)).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(files.used).toBe(0);
  });

  ringTest('6.1', 'refuses when it is full, and slots that are free', ({ open }) => {
    const files = new FileTable(open().requireEngine().ring, 2);
    const slots = [files.register(0), files.register(1)];
    expect(() => files.register(2)).toThrow(expect.objectContaining({ code: 'ERR_TABLE_FULL' }));
    for (const slot of slots) files.unregister(slot);
    expect(() => files.unregister(slots[0] ?? -1)).toThrow(
      expect.objectContaining({ code: 'ERR_SLOT_FREE' }),
    );
  });

  ringTest('6.1', 'lends slots for files that operations open', async ({ open }) => {
    const runtime = open();
    const files = new FileTable(runtime.requireEngine().ring, 2);
    const slots = [files.reserve(), files.reserve()];
    expect(slots.toSorted((left, right) => left - right)).toEqual([0, 1]);
    expect([files.used, files.reserve()]).toEqual([2, -1]);
    const path = Buffer.from(`${PATH}\0`);
    const { addresses } = runtime.requireEngine();
    const [slot = -1] = slots;
    await runtime.submit((sqe) => prepOpenatDirect(sqe, -100, addresses.of(path), 0, 0, slot), {
      keep: path,
    });
    expect(await fsync(runtime, slot)).toBe(0);
    await runtime.submit((sqe) => prepCloseDirect(sqe, slot));
    for (const one of slots) files.release(one);
    expect(files.used).toBe(0);
    expect(() => files.release(0)).toThrow(expect.objectContaining({ code: 'ERR_SLOT_FREE' }));
  });
});
