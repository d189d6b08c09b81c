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
  if (!operation.isInFlight || scheduler.isStopped) return;
  const { index, generation, isMultishot } = operation;
  const request = scheduler.begin(isMultishot ? cancelAgain : ignoreCompletion, 'cancel');
  if (isMultishot) request.context = { scheduler, operation, generation } satisfies Attempt;
  scheduler.setReferenced(request, false);
  prepCancel(scheduler.sqe, index, generation, 0);
}

interface Attempt {
  readonly scheduler: Scheduler;
  readonly operation: Operation;
  readonly generation: number;
}

/**
 * A multishot operation that was just delivering something is not found, or is "already" running,
 * and goes on: it is asked again until its last completion is seen.
 */
function cancelAgain(result: number, _flags: number, request: Operation): void {
  if (result >= 0) return;
  const { scheduler, operation, generation } = request.context as Attempt;
  if (operation.generation === generation) cancelOperation(scheduler, operation);
}

/** The operations that one signal aborts: one listener, however many they are. */
export class SignalBinding {
  readonly #signal: AbortSignal;
  readonly #scheduler: Scheduler;
  readonly #operations = new Set<Operation>();
  readonly #onAbort = (): void => {
    for (const operation of this.#operations) {
      this.#scheduler.countAbort();
      cancelOperation(this.#scheduler, operation);
    }
  };

  constructor(scheduler: Scheduler, signal: AbortSignal) {
    this.#scheduler = scheduler;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  add(operation: Operation): void {
    this.#operations.add(operation);
  }

  /** Lets go of an operation that is over, and of the signal with the last one. */
  remove(operation: Operation): void {
    this.#operations.delete(operation);
    if (this.#operations.size > 0) return;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#scheduler.signals.delete(this.#signal);
  }
}

/** Binds an operation that was just begun to a signal that is not aborted yet. */
export function bindSignal(scheduler: Scheduler, operation: Operation, signal: AbortSignal): void {
  let binding = scheduler.signals.get(signal);
  if (binding === undefined) {
    binding = new SignalBinding(scheduler, signal);
    scheduler.signals.set(signal, binding);
  }
  binding.add(operation);
  operation.signal = signal;
  operation.binding = binding;
}

/** Unbinds it at its last completion. Says whether the operation was aborted meanwhile. */
export function unbindSignal(operation: Operation): boolean {
  const { signal, binding } = operation;
  if (signal === null || binding === null) return false;
  binding.remove(operation);
  return signal.aborted;
}
