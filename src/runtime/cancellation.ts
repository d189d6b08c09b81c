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
import type { Scheduler } from './scheduler.ts';

/** A linked operation is not found before its turn comes, a tick or more after the last one. */
const LINKED_ATTEMPTS_MAX = 1000;

/**
 * How often an operation with one completion is asked for that the kernel does not find. It may be
 * in a device, and never found; or between two attempts of the kernel's own, which makes up to 128
 * of them before it gives an operation to a worker, where it is found.
 */
const ATTEMPTS_MAX = 256;

/** Asks the kernel to give an operation up. Its completion still comes. */
export function cancelOperation(scheduler: Scheduler, operation: Operation): void {
  attempt(scheduler, operation, 1);
}

function attempt(scheduler: Scheduler, operation: Operation, count: number): void {
  if (!operation.isInFlight || scheduler.isStopped) return;
  const { index, generation } = operation;
  const request = scheduler.begin(cancelAgain, 'cancel');
  request.context = { scheduler, operation, generation, count } satisfies Attempt;
  scheduler.setReferenced(request, false);
  prepCancel(scheduler.sqe, index, generation, 0);
}

interface Attempt {
  readonly scheduler: Scheduler;
  readonly operation: Operation;
  readonly generation: number;
  readonly count: number;
}

/**
 * A multishot operation that was just delivering something is not found, or is "already" running,
 * and goes on: it is asked again until its last completion is seen. Any other that "already" runs
 * has been interrupted.
 */
function cancelAgain(result: number, _flags: number, request: Operation): void {
  if (result >= 0) return;
  const { scheduler, operation, generation, count } = request.context as Attempt;
  if (operation.generation !== generation) return;
  const attemptsMax = operation.isLinked ? LINKED_ATTEMPTS_MAX : ATTEMPTS_MAX;
  const isLost = result === -ENOENT && count < attemptsMax;
  if (operation.isMultishot || isLost) attempt(scheduler, operation, count + 1);
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
