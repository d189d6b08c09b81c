/**
 * Which backend a call of the drop-in goes to, asked once per call: the ring of this thread, or
 * Node's own function.
 *
 * Node's it is where there is no ring, while a runtime closes, and in a process with Node's
 * permission model, which guards Node's functions and knows nothing of a ring.
 */

import { runtime } from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';

/** Set by `--permission`; there is no way to turn it on later. */
const isGuarded: boolean = 'permission' in process && process.permission !== undefined;

/** The runtime to begin an operation on, or `null` when Node's own function is to do the work. */
export function ringRuntime(): Runtime | null {
  if (isGuarded) return null;
  const open = runtime();
  return open.engine === null || open.isClosed ? null : open;
}
