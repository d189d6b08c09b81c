/**
 * The size of a file: of an open one, or the one that a path has now. The latter is a hint: the
 * file behind the path may be another one by the time that it is used.
 */

import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  prepStatx,
  readStatx,
  STATX_SIZE,
  STRUCT_STATX_SIZE,
} from '../../native/abi.ts';
import { promiseOf, settleWithResult } from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { punt } from './punted.ts';

const NO_PATH = Buffer.alloc(0);

/** Bytes behind a path, or 0 where it cannot be said. */
export async function sizeOf(runtime: Runtime, path: Buffer): Promise<number> {
  runtime.requireEngine();
  try {
    return await punt(() => stat(runtime, AT_FDCWD, path, 0));
  } catch {
    // Gone, or out of reach: the file itself is open, and says what it has to say.
    return 0;
  }
}

/** Bytes of an open file. Rejects with fstat(2)'s error. */
export function sizeOfOpen(runtime: Runtime, fd: number): Promise<number> {
  return punt(() => stat(runtime, fd, NO_PATH, AT_EMPTY_PATH));
}

async function stat(runtime: Runtime, fd: number, path: Buffer, flags: number): Promise<number> {
  const { scheduler, pool } = runtime.requireEngine();
  const block = pool.take(STRUCT_STATX_SIZE + path.length + 1);
  block.bytes.set(path, STRUCT_STATX_SIZE);
  block.bytes[STRUCT_STATX_SIZE + path.length] = 0;
  const operation = scheduler.begin(settleWithResult, 'statx');
  operation.keep = block;
  prepStatx(scheduler.sqe, fd, block.address + STRUCT_STATX_SIZE, flags, STATX_SIZE, block.address);
  try {
    await promiseOf<number>(operation);
    return readStatx(block.bytes).size;
  } finally {
    pool.give(block);
  }
}
