/**
 * A copy of the built package, with what it depends on, that every user may read: the checkout
 * itself may be in a folder that is root's alone.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './source-tree.ts';
import { tempDirectory } from './temp-directory.ts';

/** Copies the package and a folder of tests; returns where it is. Gone when the test is over. */
export function publicCopy(tests: string): string {
  const copy = tempDirectory();
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  cpSync(join(root, 'dist/src'), join(copy, 'dist/src'), { recursive: true });
  cpSync(join(root, tests), join(copy, tests), { recursive: true });
  mkdirSync(join(copy, 'node_modules'));
  const wanted = ['.'];
  const seen = new Set(wanted);
  for (const folder of wanted) {
    const { dependencies, optionalDependencies } = manifestOf(folder);
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const path = join('node_modules', name);
      if (seen.has(path) || !copyFolder(path, copy)) continue;
      seen.add(path);
      wanted.push(path);
    }
  }
  // Nor does everybody's umask let others read what was checked out.
  execFileSync('chmod', ['-R', 'a+rX', copy]);
  return copy;
}

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
}

/** Says whether it is there: a binary for another system is not. */
function copyFolder(path: string, copy: string): boolean {
  try {
    cpSync(join(root, path), join(copy, path), { recursive: true });
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return false;
    throw error;
  }
}
