/**
 * Operations as promises: settling without a closure per operation.
 *
 * `new Promise` gets one executor that is shared by all; it parks the two functions in the record
 * that is being begun. `settleWithResult` is the completion callback of every operation whose
 * promise resolves to the kernel's result.
 *
 * Hot path: no allocation but the promise itself.
 */

import { IORING_CQE_F_MORE, IORING_CQE_F_NOTIF } from '../native/index.ts';
import { unbindSignal } from './cancellation.ts';
import { systemError } from './errors.ts';
import { Operation } from './operation.ts';

let target: Operation = new Operation(-1);

function park(resolve: (value: unknown) => void, reject: (reason: unknown) => void): void {
  target.resolve = resolve;
  target.reject = reject;
}

/** Makes the promise of an operation; `complete` of the operation settles it. */
export function promiseOf<T>(operation: Operation): Promise<T> {
  target = operation;
  return new Promise<unknown>(park) as Promise<T>;
}

/** Resolves to the result, or rejects with its `SystemError` or the signal's reason. */
export function settleWithResult(result: number, flags: number, operation: Operation): void {
  if (flags !== 0 && isHeld(result, flags, operation)) return;
  settle((flags & IORING_CQE_F_NOTIF) === 0 ? result : operation.result, operation);
}

/** A zero-copy send completes twice: its memory is free with the second one only. */
function isHeld(result: number, flags: number, operation: Operation): boolean {
  if ((flags & IORING_CQE_F_MORE) === 0) return false;
  operation.result = result;
  return true;
}

function settle(result: number, operation: Operation): void {
  if (operation.signal !== null && unbindSignal(operation)) {
    operation.reject?.(operation.signal.reason);
  } else if (result >= 0) {
    operation.resolve?.(result as never);
  } else {
    operation.reject?.(systemError(result, operation.syscall, { path: operation.path }));
  }
}
