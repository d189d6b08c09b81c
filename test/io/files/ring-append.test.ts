/**
 * Appending on the ring: one submission for a write and its sync, short writes, and what the
 * kernel says no to. Groups are in `append-log.test.ts`, the users' view in
 * `conformance/file-append.ts`.
 */

import { constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { RingAppendTarget } from '../../../src/io/files/ring-append.ts';
import { openRingFile } from '../../../src/io/files/ring-open.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

const { O_RDONLY, O_RDWR } = constants;

describe('RingAppendTarget', () => {
  ringTest('6.1', 'writes and syncs in one submission, at the end', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, 'old ');
    const file = await openRingFile(runtime, Buffer.from(path), O_RDWR, 0);
    const target = new RingAppendTarget(file);
    expect(await target.size()).toBe(4);
    for (const [i, sync] of (['data', 'full', false] as const).entries()) {
      const before = runtime.metrics();
      const outcome = await target.appendBytes(Buffer.from(`new${i} `), sync);
      expect(outcome).toEqual({ written: 5, writeError: null, syncError: null });
      const { operations } = runtime.metrics();
      expect(operations - before.operations).toBe(sync === false ? 1 : 2);
    }
    // The file's own position has not moved.
    const buffer = Buffer.alloc(4);
    await file.read(buffer, {});
    expect([String(buffer), readFileSync(path, 'utf8')]).toEqual(['old ', 'old new0 new1 new2 ']);
    await target.truncate(8);
    expect(readFileSync(path, 'utf8')).toBe('old new0');
    await file.close();
  });

  ringTest('6.1', 'syncs alone where there is nothing to write', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, '');
    const file = await openRingFile(runtime, Buffer.from(path), O_RDWR, 0);
    const target = new RingAppendTarget(file);
    const { operations } = runtime.metrics();
    const outcome = await target.appendBytes(new Uint8Array(0), 'data');
    expect(outcome).toEqual({ written: 0, writeError: null, syncError: null });
    expect(runtime.metrics().operations - operations).toBe(1);
    await file.close();
  });

  ringTest('6.1', 'says what the kernel refused', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, 'old');
    const readable = await openRingFile(runtime, Buffer.from(path), O_RDONLY, 0);
    const refused = await new RingAppendTarget(readable).appendBytes(Buffer.from('x'), 'data');
    expect(refused).toMatchObject({ written: 0, writeError: { code: 'EBADF' }, syncError: null });
    await readable.close();
    // No file to sync: what a pipe or a terminal answers.
    const device = await openRingFile(runtime, Buffer.from('/dev/null'), O_RDWR, 0);
    const unsynced = await new RingAppendTarget(device).appendBytes(Buffer.from('x'), 'data');
    expect(unsynced).toMatchObject({
      written: 1,
      syncError: { code: 'EINVAL', syscall: 'fdatasync' },
    });
    await device.close();
  });

  ringTest('6.1', 'syncs once more when the kernel may have cut the chain', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, '');
    const file = await openRingFile(runtime, Buffer.from(path), O_RDWR, 0);
    const { ring } = runtime.requireEngine();
    const { operations } = runtime.metrics();
    const appending = new RingAppendTarget(file).appendBytes(Buffer.from('x'), 'data');
    ring.cutCount += 1;
    expect(await appending).toEqual({ written: 1, writeError: null, syncError: null });
    expect(runtime.metrics().operations - operations).toBe(3);
    await file.close();
  });
});
