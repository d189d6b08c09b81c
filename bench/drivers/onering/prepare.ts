/**
 * Makes this thread's runtime and refuses to go on without a ring.
 *
 * Without io_uring the package is Node's own implementation, and the comparison would be Node
 * with Node.
 */

import { runtime, Runtime } from 'onering';

/** Returns the runtime of this thread, with the options that were asked for. */
export function prepareRuntime(options: Readonly<Record<string, unknown>> = {}): Runtime {
  const isDefault = Object.keys(options).length === 0;
  const current = isDefault ? runtime() : new Runtime(options);
  if (current.backend === 'libuv') {
    throw new Error('Cannot measure: no io_uring here; "onering doctor" says why');
  }
  return current;
}
