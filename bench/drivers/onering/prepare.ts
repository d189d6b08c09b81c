/**
 * Makes this thread's runtime and refuses to go on without a ring.
 *
 * Without io_uring the package is Node's own implementation, and the comparison would be Node
 * with Node.
 */

import { runtime, Runtime } from 'onering';

/** Returns the runtime of this thread, busy waiting before it sleeps if asked to. */
export function prepareRuntime(busyWaitMicros = 0): Runtime {
  const current = busyWaitMicros > 0 ? new Runtime({ busyWaitMicros }) : runtime();
  if (current.backend === 'libuv') {
    throw new Error('Cannot measure: no io_uring here; "onering doctor" says why');
  }
  return current;
}
