/**
 * Cancellation: an `AbortSignal` becomes an `ASYNC_CANCEL`, and nothing else.
 *
 * The abort only asks. The operation stays in flight, with all the memory it holds, until the
 * kernel posts its last completion; then its promise rejects with the signal's reason, even if the
 * kernel had finished the work before it heard of the abort. What such an operation produced (a
 * descriptor) is closed by the callback that receives it.
 */

import { prepCancel } from '../native/index.ts';
import type { Operation } from './operation.ts';
import { ignoreCompletion } from './operation.ts';
import type { Scheduler } from './scheduler.ts';

/** Asks the kernel to give an operation up. Its completion still comes. */
export function cancelOperation(scheduler: Scheduler, operation: Operation): void {
  if (!operation.isInFlight) return;
  const { index, generation } = operation;
  const request = scheduler.begin(ignoreCompletion, 'cancel');
  scheduler.setReferenced(request, false);
  prepCancel(scheduler.sqe, index, generation, 0);
}

/** Binds an operation that was just begun to a signal that is not aborted yet. */
export function bindSignal(scheduler: Scheduler, operation: Operation, signal: AbortSignal): void {
  const onAbort = (): void => cancelOperation(scheduler, operation);
  operation.signal = signal;
  operation.onAbort = onAbort;
  signal.addEventListener('abort', onAbort, { once: true });
}

/** Unbinds it at its last completion. Says whether the operation was aborted meanwhile. */
export function unbindSignal(operation: Operation): boolean {
  const { signal, onAbort } = operation;
  if (signal === null || onAbort === null) return false;
  signal.removeEventListener('abort', onAbort);
  return signal.aborted;
}
