/**
 * Functions that open a file: that they run on the ring, close what they open however they end, and
 * leave the loop responsive. What they do is in `conformance/fs-files.ts`.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import * as files from '../../../src/io/fs/open-functions.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { openDescriptors, ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

describe('functions that open', () => {
  ringTest('6.1', 'run on the ring', async ({ open }) => {
    const { scheduler } = open().requireEngine();
    const path = join(tempDirectory(), 'file');
    const calls: (() => Promise<unknown>)[] = [
      () => files.writeFile(path, 'content', { flush: true }),
      () => files.appendFile(path, ' more'),
      () => files.truncate(path, 9),
      () => files.readFile(path),
      async () => await (await files.open(path)).close(),
    ];
    for (const call of calls) {
      const { begun } = scheduler;
      await call();
      expect(scheduler.begun - begun, String(call)).toBeGreaterThan(0);
    }
    expect(await files.readFile(path, 'utf8')).toBe('content m');
  });

  ringTest('6.1', 'close what they opened when they fail', async ({ open }) => {
    open();
    const folder = tempDirectory();
    const path = join(folder, 'file');
    writeFileSync(path, Buffer.alloc(3_000_000));
    await (await files.open(path)).close();
    const before = openDescriptors().size;
    function* failing(): Generator<string> {
      yield 'one';
      throw new Error('no more');
    }
    const late = new AbortController();
    const calls = [
      files.readFile(folder),
      files.readFile(path, { flag: 'a' }),
      files.writeFile(path, 'x', { flag: 'r' }),
      files.writeFile(path, failing()),
      files.writeFile('/dev/full', 'x'),
      files.truncate(path, 2 ** 62),
      files.readFile(path, { signal: late.signal }),
    ];
    process.nextTick(() => late.abort());
    const errors = await Promise.all(calls.map((call) => rejectionOf(call)));
    expect(errors.map((error) => (error as NodeJS.ErrnoException).code ?? 'none')).toEqual([
      'EISDIR',
      'EBADF',
      'EBADF',
      'none',
      'ENOSPC',
      expect.stringMatching(/^E(FBIG|INVAL)|ERR_OUT_OF_RANGE$/),
      'ABORT_ERR',
    ]);
    expect(openDescriptors().size).toBe(before);
  });
});
