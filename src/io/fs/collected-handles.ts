/**
 * Handles that were never closed: when the garbage collector takes one, its descriptor is closed
 * and the process is warned, as Node does.
 *
 * What a `FinalizationRegistry` watches survives the collections of V8's young generation, closed
 * or not: watching each handle from the start made opening and closing cost half as much again. So
 * handles are watched that are still open after a while; until then the descriptor knows its handle
 * weakly, and its runtime knows the descriptor.
 */

import { ignoreCompletion } from '../../runtime/index.ts';
import type { RingDescriptor } from './ring-descriptor.ts';

let hasDeprecated = false;

const handles = new FinalizationRegistry<RingDescriptor>(closeCollected);

/** Longer than most files are open. */
const YOUNG_MS = 100;

/** Opened lately, and not closed. */
const young = new Set<RingDescriptor>();
let timer: NodeJS.Timeout | null = null;

/** Watches the handle that owns a descriptor; the descriptor does not hold the handle. */
export function watchHandle(descriptor: RingDescriptor): void {
  young.add(descriptor);
  if (timer !== null) return;
  timer = setTimeout(watchYoung, YOUNG_MS).unref();
  process.once('beforeExit', closeYoung);
}

/** The descriptor is being closed. */
export function forgetHandle(descriptor: RingDescriptor): void {
  young.delete(descriptor);
}

/** A program that ends before they are watched hears of those that were collected all the same. */
function closeYoung(): void {
  for (const descriptor of young) {
    if (descriptor.owner !== undefined) continue;
    young.delete(descriptor);
    closeCollected(descriptor);
  }
}

function watchYoung(): void {
  timer = null;
  process.off('beforeExit', closeYoung);
  for (const descriptor of young) {
    const { owner } = descriptor;
    if (owner === undefined) closeCollected(descriptor);
    else handles.register(owner, descriptor);
  }
  young.clear();
}

/** The handle of a descriptor is gone. One that was closed says nothing. */
function closeCollected(descriptor: RingDescriptor): void {
  if (!descriptor.isOpen) return;
  process.emitWarning(`Closing file descriptor ${descriptor.fd} on garbage collection`);
  if (!hasDeprecated) {
    hasDeprecated = true;
    process.emitWarning(
      'Closing a FileHandle object on garbage collection is deprecated. ' +
        'Please close FileHandle objects explicitly using FileHandle.prototype.close(). ' +
        'In the future, an error will be thrown if a file descriptor is closed during ' +
        'garbage collection.',
      'DeprecationWarning',
      'DEP0137',
    );
  }
  descriptor.close().catch(ignoreCompletion);
}
