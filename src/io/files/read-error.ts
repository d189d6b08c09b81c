/**
 * What the error of a read says when a whole file was asked for by its path: since Node 26 it names
 * the path, as that of the open always did. Which of the two the running Node does is learned from
 * Node itself, with the first error.
 */

import { readFile } from 'node:fs/promises';
import { SystemError, systemError } from '../../runtime/index.ts';

let namesPath: Promise<boolean> | null = null;

/** Returns the error as Node would have it. */
export async function readErrorOf(error: unknown, path: Buffer): Promise<unknown> {
  const isBare = error instanceof SystemError && error.syscall === 'read' && !('path' in error);
  if (!isBare) return error;
  namesPath ??= askNode();
  if (!(await namesPath)) return error;
  return systemError(error.errno, 'read', { path: path.toString() });
}

/** A directory is what everybody has and nobody can read. */
async function askNode(): Promise<boolean> {
  try {
    await readFile('/');
    return false;
  } catch (error) {
    return error instanceof Error && 'path' in error;
  }
}
