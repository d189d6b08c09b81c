/**
 * Cutting or extending an open file, on the ring from Linux 6.9 on, by Node's thread pool before.
 */

import { EINVAL, prepFtruncate } from '../../native/abi.ts';
import { promiseOf, settleWithResult, SystemError } from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { truncateOnNode } from './node-truncate.ts';

/** Gives an open file another size. Rejects with ftruncate(2)'s error. */
export async function truncateOpen(runtime: Runtime, fd: number, size: number): Promise<void> {
  const { scheduler } = runtime.requireEngine();
  const operation = scheduler.begin(settleWithResult, 'ftruncate');
  prepFtruncate(scheduler.sqe, fd, size);
  try {
    await promiseOf<number>(operation);
  } catch (error) {
    // Either no such opcode, or an error that Node will report as well.
    if (!(error instanceof SystemError) || error.errno !== -EINVAL) throw error;
    await truncateOnNode(fd, size);
  }
}
