/**
 * Operation: one submission from the moment its entry is filled until its last completion.
 *
 *   free --begin()--> in flight --completion with F_MORE--> in flight
 *                        '--------last completion---------> free, next generation
 *
 * Records are pooled. Every field is set in the constructor and never added to or removed from, so
 * all records share one hidden class. Whatever the kernel may touch hangs on `keep` until the last
 * completion, also after an abort.
 *
 * Hot path: no allocation, no closures, no polymorphism per operation.
 */

import type { SignalBinding } from './cancellation.ts';

/** Runs once a completion: `result` is 0 or more, or `-errno`; `flags` are `IORING_CQE_F_*`. */
export type Complete = (result: number, flags: number, operation: Operation) => void;

/** Does nothing with a completion. */
export function ignoreCompletion(): void {}

/** A pooled record; see the header. */
export class Operation {
  /** Low half of `user_data`. */
  readonly index: number;
  /** High half of `user_data`: a late completion of an earlier use does not match. */
  generation: number;
  isInFlight: boolean;
  /** Whether it keeps the process alive. */
  isReferenced: boolean;
  /**
   * Whether `complete` calls user code at once: `nextTick` and microtasks are then drained right
   * after it. What only settles promises is drained once a batch.
   */
  runsUserCode: boolean;
  /** Whether it completes many times until it is canceled. */
  isMultishot: boolean;
  /** Whether it is started only when the one before it in its chain is over. */
  isLinked: boolean;
  /** Whether a result of 0 or more is a descriptor, which somebody has to close. */
  makesDescriptor: boolean;
  complete: Complete;
  /** The result so far, of an operation that completes more than once. */
  result: number;
  /** What the kernel may read or write until the last completion. */
  keep: unknown;
  /** What `complete` works on: a socket, a file, a request. */
  context: unknown;
  resolve: ((value: never) => void) | null;
  reject: ((reason: unknown) => void) | null;
  /** Named in the error, as Node names it: `read`, `open`, `connect`. */
  syscall: string;
  /** Named in the error where there is one. */
  path: string | undefined;
  signal: AbortSignal | null;
  binding: SignalBinding | null;
  nextFree: Operation | null;

  constructor(index: number) {
    this.index = index;
    this.generation = 0;
    this.isInFlight = false;
    this.isReferenced = false;
    this.runsUserCode = false;
    this.isMultishot = false;
    this.isLinked = false;
    this.makesDescriptor = false;
    this.complete = ignoreCompletion;
    this.result = 0;
    this.keep = null;
    this.context = null;
    this.resolve = null;
    this.reject = null;
    this.syscall = '';
    this.path = undefined;
    this.signal = null;
    this.binding = null;
    this.nextFree = null;
  }
}
