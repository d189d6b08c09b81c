/**
 * Whether this thread has a ring, or would get one, without opening a runtime: for modules that
 * have to decide what they are when they are loaded.
 */

import { isMainThread } from 'node:worker_threads';
import { linuxHost } from '../native/index.ts';
import { Ring } from './ring.ts';
import { openRuntime } from './runtime.ts';
import { requestedBackend } from './unavailable.ts';

/** Asks the open runtime, or the environment and the kernel. */
export function hasRing(): boolean {
  const open = openRuntime();
  if (open !== undefined) return open.backend === 'uring';
  const requested = requestedBackend('auto');
  if (requested !== 'auto') return requested === 'uring';
  const host = linuxHost();
  if (typeof host === 'string') return false;
  const usesOwnMemory = !isMainThread;
  const ring = Ring.create(host.kernel, { entries: 1, completionEntries: 2, usesOwnMemory });
  if (typeof ring === 'number') return false;
  ring.close();
  return true;
}
