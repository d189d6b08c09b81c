/**
 * statx(2) on a descriptor that is open: one operation, with its result and the empty path that the
 * kernel wants in one block. How many run at a time is the caller's concern.
 */

import { AT_EMPTY_PATH, prepStatx, STRUCT_STATX_SIZE } from '../../native/abi.ts';
import { closedError, promiseOf, settleWithResult } from '../../runtime/index.ts';
import type { Engine } from '../../runtime/index.ts';

/** Asks for what `mask` names; `read` makes the value from the struct. */
export async function statxOpen<T>(
  engine: Engine,
  fd: number,
  mask: number,
  read: (bytes: Buffer) => T,
): Promise<T> {
  const { scheduler, pool } = engine;
  // The runtime may have closed while this waited for its turn.
  if (scheduler.isStopped) throw closedError('runtime');
  // The result, and behind it the empty path: a NUL.
  const block = pool.take(STRUCT_STATX_SIZE + 1);
  block.bytes[STRUCT_STATX_SIZE] = 0;
  const operation = scheduler.begin(settleWithResult, 'statx');
  const path = block.address + STRUCT_STATX_SIZE;
  prepStatx(scheduler.sqe, fd, path, AT_EMPTY_PATH, mask, block.address);
  try {
    await promiseOf<number>(operation);
    return read(block.bytes);
  } finally {
    pool.give(block);
  }
}
