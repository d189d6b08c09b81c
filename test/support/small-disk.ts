/**
 * A small disk of memory for one test, or a read-only one. Where nobody may mount the test is
 * skipped, and the report says so.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Skip } from './ring-test.ts';
import { tempDirectory } from './temp-directory.ts';

/** Mounts it with options of tmpfs(5), and returns where; gone when the test is over. */
export function smallDisk(options: string, skip: Skip): string {
  const folder = join(tempDirectory(), 'disk');
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'onering', folder], { stdio: 'pipe' });
  } catch {
    skip('needs the right to mount a disk');
  }
  onTestFinished(() => void execFileSync('umount', [folder]));
  return folder;
}
