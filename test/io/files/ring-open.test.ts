/**
 * Opening on the ring: errors, links that lead out of a directory, and descriptors that arrive too
 * late. What every backend does is in `conformance/file-*.ts`.
 */

import { constants, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { openRingFile, openRingFileBeneath } from '../../../src/io/files/ring-open.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { openDescriptors, ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

const { O_CREAT, O_RDONLY, O_RDWR, O_TRUNC } = constants;

describe('openRingFile', () => {
  ringTest('6.1', 'gives a file that owns its descriptor', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    const file = await openRingFile(runtime, Buffer.from(path), O_CREAT | O_RDWR, 0o600);
    expect(file.runtime).toBe(runtime);
    expect(openDescriptors().get(String(file.fd))).toBe(path);
    await file.close();
    expect(file.fd).toBe(-1);
  });

  ringTest('6.1', 'gives its path back after a failure as well', async ({ open }) => {
    const runtime = open();
    const { pool } = runtime.requireEngine();
    const path = Buffer.from(join(tempDirectory(), 'missing'));
    await rejectionOf(openRingFile(runtime, path, O_RDONLY, 0));
    const block = pool.take(path.length + 1);
    // The block that was given back last is taken first.
    expect(block.bytes.subarray(0, path.length).equals(path)).toBe(true);
    expect(block.bytes[path.length]).toBe(0);
    pool.give(block);
  });

  ringTest(
    '6.1',
    'leaves no descriptor that arrives while the runtime closes',
    async ({ open }) => {
      const before = openDescriptors().size;
      for (let round = 0; round < 10; round += 1) {
        const runtime = open();
        const path = Buffer.from('/dev/null');
        const opening = Array.from({ length: 10 }, () => openRingFile(runtime, path, O_RDONLY, 0));
        if (round % 2 === 1) await nextTurn();
        const closing = runtime.close();
        const outcomes = await Promise.allSettled(opening);
        const opened = outcomes.flatMap((outcome) =>
          outcome.status === 'fulfilled' ? [outcome.value] : [],
        );
        await Promise.all(opened.map((file) => file.close()));
        await closing;
      }
      expect(openDescriptors().size).toBe(before);
    },
  );
});

describe('openRingFileBeneath', () => {
  ringTest('6.1', 'follows no magic link', async ({ open }) => {
    const runtime = open();
    const root = await openRingFile(runtime, Buffer.from('/proc/self'), O_RDONLY, 0);
    for (const path of ['cwd', 'root/etc', 'exe', `fd/${root.fd}`]) {
      const { code } = await rejectionOf(openRingFileBeneath(root, Buffer.from(path), O_RDONLY));
      expect(['EXDEV', 'ELOOP']).toContain(code);
    }
    const status = await openRingFileBeneath(root, Buffer.from('status'), O_RDONLY);
    await status.close();
    await root.close();
  });

  ringTest('6.1', 'is not led out by a directory that moves', async ({ open }) => {
    const runtime = open();
    const parent = tempDirectory();
    const inside = join(parent, 'root', 'sub');
    mkdirSync(inside, { recursive: true });
    writeFileSync(join(parent, 'secret'), 'secret');
    symlinkSync('../../secret', join(inside, 'link'));
    const root = await openRingFile(runtime, Buffer.from(join(parent, 'root')), O_RDONLY, 0);
    const error = await rejectionOf(openRingFileBeneath(root, Buffer.from('sub/link'), O_RDONLY));
    expect(error.code).toBe('EXDEV');
    await root.close();
  });

  ringTest(
    '6.1',
    'does not work on another directory when the root is closed',
    async ({ open }) => {
      const runtime = open();
      const parent = tempDirectory();
      for (const name of ['first', 'second']) mkdirSync(join(parent, name));
      for (let round = 0; round < 30; round += 1) {
        const first = await openRingFile(runtime, Buffer.from(join(parent, 'first')), O_RDONLY, 0);
        const name = Buffer.from(`file-${round}`);
        const opening = openRingFileBeneath(first, name, O_CREAT | O_TRUNC | O_RDWR);
        const closing = first.close();
        // It gets the number of the first one as soon as that is free.
        const second = await openRingFile(
          runtime,
          Buffer.from(join(parent, 'second')),
          O_RDONLY,
          0,
        );
        const file = await opening;
        await closing;
        expect(openDescriptors().get(String(file.fd))).toBe(join(parent, 'first', String(name)));
        await Promise.all([file.close(), second.close()]);
      }
    },
  );
});
