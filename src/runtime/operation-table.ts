/**
 * The table of operations: `user_data` to record and back.
 *
 * A slab with an intrusive free list, which grows by one record when the list is empty and never
 * shrinks: a record is about 150 bytes, and the peak of today is the peak of tomorrow. `user_data`
 * is the index (low 32 bits) and the generation (high 32 bits); a completion whose generation does
 * not match belongs to an operation that is over, and is dropped.
 *
 * Hot path: no allocation, no closures, no polymorphism per operation.
 */

import { assert } from '../native/index.ts';
import { Operation } from './operation.ts';
import type { Complete } from './operation.ts';

/**
 * Low half of the `user_data` of what other rings send here. No operation ever has this index, so a
 * message that comes late, or to the wrong ring, cannot be taken for a completion.
 */
export const MESSAGE_INDEX = 0x7fff_ffff;

/** Hears of messages from other rings; `id` is the high half of their `user_data`. */
export type MessageListener = (id: number) => void;

/** Nobody listens: a message is nothing but a wake-up. */
function ignoreMessage(): void {}

export class OperationTable {
  /** Operations between `acquire` and `release`. */
  inFlight = 0;
  /** Those of them that keep the process alive. */
  referenced = 0;
  /** Operations ever begun. */
  begun = 0;
  /** Called for each message of another ring. */
  onMessage: MessageListener = ignoreMessage;
  readonly #operations: Operation[] = [];
  #free: Operation | null = null;

  /** Records that exist, in use or free. */
  get size(): number {
    return this.#operations.length;
  }

  /** Takes a record for a new, referenced operation. */
  acquire(complete: Complete, syscall: string): Operation {
    let operation = this.#free;
    if (operation === null) {
      operation = new Operation(this.#operations.length);
      this.#operations.push(operation);
    } else {
      this.#free = operation.nextFree;
      operation.nextFree = null;
    }
    operation.isInFlight = true;
    operation.isReferenced = true;
    operation.complete = complete;
    operation.syscall = syscall;
    this.begun += 1;
    this.inFlight += 1;
    this.referenced += 1;
    return operation;
  }

  /** Gives a record back after its last completion; its generation ends here. */
  release(operation: Operation): void {
    assert(operation.isInFlight, 'An operation is released once');
    this.inFlight -= 1;
    if (operation.isReferenced) this.referenced -= 1;
    operation.isInFlight = false;
    operation.isReferenced = false;
    operation.runsUserCode = false;
    operation.isMultishot = false;
    operation.isLinked = false;
    operation.makesDescriptor = false;
    operation.generation = (operation.generation + 1) | 0;
    // References are dropped, so that a free record keeps nothing alive; null costs no barrier.
    operation.keep = null;
    operation.context = null;
    operation.resolve = null;
    operation.reject = null;
    operation.path = undefined;
    operation.signal = null;
    operation.binding = null;
    operation.nextFree = this.#free;
    this.#free = operation;
  }

  /** Finds the operation that a completion belongs to, or nothing if that one is over. */
  find(index: number, generation: number): Operation | undefined {
    const operation = this.#operations[index];
    if (operation === undefined) return undefined;
    return operation.generation === generation && operation.isInFlight ? operation : undefined;
  }

  /** Changes whether an operation keeps the process alive. */
  setReferenced(operation: Operation, isReferenced: boolean): void {
    if (!operation.isInFlight || operation.isReferenced === isReferenced) return;
    operation.isReferenced = isReferenced;
    this.referenced += isReferenced ? 1 : -1;
  }

  /** Visits what is in flight, oldest record first. */
  forEachInFlight(visit: (operation: Operation) => void): void {
    for (const operation of this.#operations) {
      if (operation.isInFlight) visit(operation);
    }
  }
}
