/**
 * A bound on operations that the kernel always hands to its worker threads, such as `statx`: each
 * that runs is a thread, and thousands at once would be thousands of threads.
 */

import PQueue from 'p-queue';

/** Enough to keep a disk busy, few enough not to bury a small machine under threads. */
const PUNTED_MAX = 64;

const queue = new PQueue({ concurrency: PUNTED_MAX });

/** Runs `begin` when fewer than the bound of its kind are in flight. */
export function punt<T>(begin: () => Promise<T>): Promise<T> {
  return queue.add(begin);
}
