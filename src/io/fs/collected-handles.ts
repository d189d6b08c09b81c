/**
 * Handles that were never closed: when the garbage collector takes one, its descriptor is closed
 * and the process is warned, as Node does.
 */

import { ignoreCompletion } from '../../runtime/index.ts';
import type { RingDescriptor } from './ring-descriptor.ts';

let hasDeprecated = false;

const handles = new FinalizationRegistry<RingDescriptor>(closeCollected);

/** Watches a handle, which holds the descriptor; the descriptor does not hold the handle. */
export function watchHandle(handle: object, descriptor: RingDescriptor): void {
  handles.register(handle, descriptor);
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
