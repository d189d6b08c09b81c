/**
 * Low-level submission: an operation that a program fills in itself, as a promise. What its
 * addresses point to is the program's to keep, but for what it hands over as `keep`.
 */

import { prepNop } from '../native/index.ts';
import type { Kernel, Sqe } from '../native/index.ts';
import { bindSignal } from './cancellation.ts';
import { promiseOf, settleWithResult } from './completion-promise.ts';
import { invalidArgType } from './errors.ts';
import type { Operation } from './operation.ts';
import { validateObject } from './options.ts';
import type { Scheduler } from './scheduler.ts';

/** What a low-level submission may carry. */
export interface SubmitOptions {
  /** What the kernel may touch: kept alive until the last completion. */
  keep?: unknown;
  /** Aborting it cancels the operation; the promise rejects once the kernel has let go. */
  signal?: AbortSignal | undefined;
  /** Named in the error. */
  syscall?: string;
  /** Whether the operation keeps the process alive. */
  ref?: boolean;
  /**
   * The result is a descriptor (accept, open, socket): one that nobody receives, because the
   * operation was aborted or its consumer has left, is closed.
   * @defaultValue false
   */
  makesDescriptor?: boolean;
}

/** Begins the operation; `prepare` is called at once. */
export async function submit(
  scheduler: Scheduler,
  prepare: (sqe: Sqe) => void,
  options: SubmitOptions,
): Promise<number> {
  validateSubmit(prepare, options);
  options.signal?.throwIfAborted();
  const complete = options.makesDescriptor === true ? settleWithDescriptor : settleWithResult;
  const operation = scheduler.begin(complete, options.syscall ?? 'io_uring_enter');
  operation.keep = options.keep ?? null;
  operation.makesDescriptor = options.makesDescriptor ?? false;
  operation.context = scheduler.ring.kernel;
  const promise = promiseOf<number>(operation);
  fillEntry(scheduler.sqe, prepare, operation);
  if (options.signal !== undefined) bindSignal(scheduler, operation, options.signal);
  if (options.ref === false) scheduler.setReferenced(operation, false);
  return await promise;
}

/** Checks the arguments of a low-level submission. */
export function validateSubmit(prepare: unknown, options: SubmitOptions): void {
  if (typeof prepare !== 'function') {
    throw invalidArgType('prepare', 'of type function', prepare);
  }
  validateObject(options, 'options');
  const { signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgType('options.signal', 'an instance of AbortSignal', signal);
  }
}

/** A descriptor that an abort came too late for is closed: nobody learns its number. */
function settleWithDescriptor(result: number, flags: number, operation: Operation): void {
  if (result >= 0 && operation.signal?.aborted === true) {
    (operation.context as Kernel).close(result);
  }
  settleWithResult(result, flags, operation);
}

/** Runs a user's prep function; if it throws, the entry becomes a NOP and the error goes on. */
function fillEntry(sqe: Sqe, prepare: (sqe: Sqe) => void, operation: Operation): void {
  prepNop(sqe);
  try {
    prepare(sqe);
  } catch (error) {
    prepNop(sqe);
    operation.reject?.(error);
  }
}
