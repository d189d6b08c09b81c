/**
 * Cancellation: an `AbortSignal` becomes an `ASYNC_CANCEL`, and nothing else.
 *
 * The abort only asks. The operation stays in flight, with all the memory it holds, until the
 * kernel posts its last completion; then its promise rejects with the signal's reason, even if the
 * kernel had finished the work before it heard of the abort. What such an operation produced (a
 * descriptor) is closed by the callback that receives it.
 */

import { ENOENT, prepCancel } from '../native/index.ts';
import type { Operation } from './operation.ts';
import { ignoreCompletion } from './operation.ts';
import type { Scheduler } from './scheduler.ts';

/** A linked operation is started a tick or two after the one before it. */
const LINKED_ATTEMPTS_MAX = 1000;

/** Asks the kernel to give an operation up. Its completion still comes. */
export function cancelOperation(scheduler: Scheduler, operation: Operation): void {
  attemptCancel(scheduler, operation, LINKED_ATTEMPTS_MAX);
}

function attemptCancel(scheduler: Scheduler, operation: Operation, attemptsLeft: number): void {
  if (!operation.isInFlight || scheduler.isStopped) return;
  const { index, generation, isMultishot, isLinked } = operation;
  const isRepeated = isMultishot || isLinked;
  const request = scheduler.begin(isRepeated ? cancelAgain : ignoreCompletion, 'cancel');
  if (isRepeated) {
    request.context = { scheduler, operation, generation, attemptsLeft } satisfies Attempt;
  }
  scheduler.setReferenced(request, false);
  prepCancel(scheduler.sqe, index, generation, 0);
}

interface Attempt {
  readonly scheduler: Scheduler;
  readonly operation: Operation;
  readonly generation: number;
  readonly attemptsLeft: number;
}

/**
 * A multishot operation that was just delivering something is not found, or is "already" running,
 * and goes on: it is asked again until its last completion is seen. A linked one is not found
 * before its turn comes; one that is not found for long waits for a page, and ends by itself.
 */
function cancelAgain(result: number, _flags: number, request: Operation): void {
  if (result >= 0) return;
  const { scheduler, operation, generation, attemptsLeft } = request.context as Attempt;
  if (operation.generation !== generation) return;
  if (!operation.isMultishot && (result !== -ENOENT || attemptsLeft === 0)) return;
  attemptCancel(scheduler, operation, attemptsLeft - 1);
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
