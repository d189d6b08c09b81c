/**
 * Which transfers may be split, on a real ring.
 */

import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { Divisibility } from '../../../src/io/files/divisibility.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

describe('Divisibility', () => {
  ringTest('6.1', 'is that of regular files in the page cache', async ({ open }) => {
    const engine = open().requireEngine();
    const directory = tempDirectory();
    const file = join(directory, 'file');
    const fifo = join(directory, 'fifo');
    writeFileSync(file, 'content');
    execFileSync('mkfifo', [fifo]);
    const cases: readonly [string, string | number, boolean, boolean][] = [
      [file, 'r+', true, true],
      [file, 'a+', true, false],
      [fifo, 'r+', false, false],
      ['/dev/zero', 'r+', false, false],
      [directory, constants.O_RDONLY, false, false],
    ];
    for (const [path, flags, reads, writes] of cases) {
      const fd = openSync(path, flags);
      const divisibility = new Divisibility();
      expect(await divisibility.of(engine, fd, 'read'), path).toBe(reads);
      expect(await divisibility.of(engine, fd, 'write'), path).toBe(writes);
      const { begun } = engine.scheduler;
      await divisibility.of(engine, fd, 'read');
      expect(engine.scheduler.begun, 'asked once').toBe(begun);
      closeSync(fd);
    }
  });
});
