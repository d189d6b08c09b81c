/**
 * The functions on paths, beyond what `conformance/fs-paths.ts` compares: that they run on the
 * ring, and that they end when the runtime does.
 */

import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import * as paths from '../../../src/io/fs/path-functions.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

describe('functions on paths', () => {
  ringTest('6.1', 'are one operation each', async ({ open }) => {
    const { scheduler } = open().requireEngine();
    const folder = tempDirectory();
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('file'), '');
    symlinkSync('file', at('link'));
    mkdirSync(at('old'));
    const calls: (() => Promise<unknown>)[] = [
      () => paths.stat(at('link')),
      () => paths.lstat(at('link')),
      () => paths.stat(at('file'), { bigint: true }),
      () => paths.mkdir(at('new')),
      () => paths.rmdir(at('old')),
      () => paths.rename(at('file'), at('renamed')),
      () => paths.link(at('renamed'), at('linked')),
      () => paths.symlink('renamed', at('symbolic')),
      () => paths.unlink(at('renamed')),
    ];
    for (const call of calls) {
      const { begun } = scheduler;
      await call();
      expect(scheduler.begun - begun, String(call)).toBe(1);
    }
    const left = ['file', 'link', 'old', 'new', 'renamed', 'linked', 'symbolic'];
    expect(left.filter((name) => existsSync(at(name)))).toEqual(['new', 'linked']);
  });

  ringTest('6.1', 'leave to Node what needs more than one', async ({ open }) => {
    const { scheduler } = open().requireEngine();
    const { begun } = scheduler;
    const folder = tempDirectory();
    await paths.mkdir(join(folder, 'a/b/c'), { recursive: true });
    await paths.symlink('b', join(folder, 'a/link'), 'dir');
    await paths.rmdir(join(folder, 'a/b/c'), {});
    expect(scheduler.begun).toBe(begun);
  });

  ringTest('6.1', 'end when the runtime closes', async ({ open }) => {
    const runtime = open();
    const folder = tempDirectory();
    const calls = Array.from({ length: 200 }, () => paths.stat(folder));
    const settled = Promise.allSettled(calls);
    await runtime.close();
    for (const outcome of await settled) {
      if (outcome.status === 'fulfilled') expect(outcome.value.isDirectory()).toBe(true);
      else expect(outcome.reason.code).toMatch(/^(ECANCELED|ERR_RUNTIME_CLOSED)$/);
    }
  });
});
