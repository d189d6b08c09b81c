/**
 * A bound on operations that the kernel always hands to its worker threads, such as `statx`: each
 * that runs is a thread, and thousands at once would be thousands of threads.
 *
 * Up to the bound an operation costs a counter. Those beyond it wait in a queue, whose own bound
 * is what keeps them moving while others go on passing them by.
 */

import PQueue from 'p-queue';

/** Enough to keep a disk busy, few enough not to bury a small machine under threads. */
const PUNTED_MAX = 64;
/** Those that come out of the queue at a time, on top of that. */
const QUEUED_MAX = 16;

const queue = new PQueue({ concurrency: QUEUED_MAX });
let running = 0;

/** Runs `begin` when fewer than the bound of its kind are in flight. */
export function punt<T>(begin: () => Promise<T>): Promise<T> {
  return running < PUNTED_MAX ? run(begin) : queue.add(begin);
}

async function run<T>(begin: () => Promise<T>): Promise<T> {
  running += 1;
  try {
    return await begin();
  } finally {
    running -= 1;
  }
}
