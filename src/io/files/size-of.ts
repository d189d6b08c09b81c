/**
 * The size that a path has now: a hint. The file behind the path may be another one by the time
 * that it is used, or another size.
 */

import { AT_FDCWD, prepStatx, readStatx, STATX_SIZE, STRUCT_STATX_SIZE } from '../../native/abi.ts';
import { promiseOf, settleWithResult } from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { punt } from './punted.ts';

/** Bytes, or 0 where it cannot be said. */
export function sizeOf(runtime: Runtime, path: Buffer): Promise<number> {
  return punt(() => stat(runtime, path));
}

async function stat(runtime: Runtime, path: Buffer): Promise<number> {
  const { scheduler, pool } = runtime.requireEngine();
  const block = pool.take(STRUCT_STATX_SIZE + path.length + 1);
  block.bytes.set(path, STRUCT_STATX_SIZE);
  block.bytes[STRUCT_STATX_SIZE + path.length] = 0;
  const operation = scheduler.begin(settleWithResult, 'statx');
  operation.keep = block;
  const address = block.address + STRUCT_STATX_SIZE;
  prepStatx(scheduler.sqe, AT_FDCWD, address, 0, STATX_SIZE, block.address);
  try {
    await promiseOf<number>(operation);
    return readStatx(block.bytes).size;
  } catch {
    // Gone, or out of reach: the file itself is open, and says what it has to say.
    return 0;
  } finally {
    pool.give(block);
  }
}
