/**
 * The size of a file, of an open one or the one that a path has now, and whether it is a FIFO. What
 * a path says is a hint: the file behind it may be another one by the time that it is used.
 */

import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  prepStatx,
  readStatx,
  S_IFIFO,
  S_IFMT,
  STATX_SIZE,
  STATX_TYPE,
  STRUCT_STATX_SIZE,
} from '../../native/abi.ts';
import type { Statx } from '../../native/abi.ts';
import { promiseOf, settleWithResult } from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { punt } from './punted.ts';

const NO_PATH = Buffer.alloc(0);

/** Bytes behind a path, or 0 where it cannot be said. */
export async function sizeOf(runtime: Runtime, path: Buffer): Promise<number> {
  runtime.requireEngine();
  try {
    return (await punt(() => stat(runtime, AT_FDCWD, path, 0))).size;
  } catch {
    // Gone, or out of reach: the file itself is open, and says what it has to say.
    return 0;
  }
}

/** Bytes of an open file. Rejects with fstat(2)'s error. */
export async function sizeOfOpen(runtime: Runtime, fd: number): Promise<number> {
  return (await punt(() => stat(runtime, fd, NO_PATH, AT_EMPTY_PATH))).size;
}

/** Whether there is a FIFO behind a path. */
export async function isFifo(runtime: Runtime, path: Buffer): Promise<boolean> {
  try {
    const { mode } = await punt(() => stat(runtime, AT_FDCWD, path, 0));
    return (mode & S_IFMT) === S_IFIFO;
  } catch {
    // As above.
    return false;
  }
}

async function stat(runtime: Runtime, fd: number, path: Buffer, flags: number): Promise<Statx> {
  const { scheduler, pool } = runtime.requireEngine();
  const block = pool.take(STRUCT_STATX_SIZE + path.length + 1);
  block.bytes.set(path, STRUCT_STATX_SIZE);
  block.bytes[STRUCT_STATX_SIZE + path.length] = 0;
  const operation = scheduler.begin(settleWithResult, 'statx');
  operation.keep = block;
  const mask = STATX_SIZE | STATX_TYPE;
  prepStatx(scheduler.sqe, fd, block.address + STRUCT_STATX_SIZE, flags, mask, block.address);
  try {
    await promiseOf<number>(operation);
    return readStatx(block.bytes);
  } finally {
    pool.give(block);
  }
}
