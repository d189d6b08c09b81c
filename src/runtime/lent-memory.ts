/**
 * Registered memory that programs hold as a `Buffer`, which file operations find again: a read into
 * it, or into a part of it, is a fixed one.
 *
 * It is registered until it is released, and mapped until nobody can see it any more: a forgotten
 * view reads old bytes, never memory that is somebody else's. For that the program gets a view
 * which nothing here refers to, and a finalizer that gives everything back. Operations hold the
 * view until their last completion.
 */

import type { Kernel } from '../native/index.ts';
import type { BufferTable, RegisteredBuffer } from './buffer-table.ts';
import { invalidArgValue } from './errors.ts';

/** A piece of memory that was lent. */
export class Loan {
  readonly address: number;
  readonly #buffer: RegisteredBuffer;
  /** Operations in flight on it. */
  #users = 0;
  #isReleased = false;

  constructor(buffer: RegisteredBuffer) {
    this.#buffer = buffer;
    this.address = buffer.address;
  }

  /** What fixed operations name it by, or -1 once it was released. */
  get index(): number {
    return this.#isReleased ? -1 : this.#buffer.index;
  }

  /** An operation begins on it. */
  begin(): void {
    this.#users += 1;
  }

  /** An operation on it is over. */
  end(): void {
    this.#users -= 1;
    if (this.#isReleased && this.#users === 0) this.#buffer.unregister();
  }

  /** Unregisters it once nothing is in flight on it. */
  release(): void {
    this.#isReleased = true;
    if (this.#users === 0) this.#buffer.unregister();
  }

  /** Nobody can see it any more. */
  free(): void {
    this.#buffer.release();
  }
}

export class LentMemory {
  readonly #kernel: Kernel;
  readonly #table: BufferTable;
  readonly #loans = new WeakMap<ArrayBufferLike, Loan>();
  readonly #finalizers = new FinalizationRegistry<Loan>((loan) => loan.free());

  constructor(kernel: Kernel, table: BufferTable) {
    this.#kernel = kernel;
    this.#table = table;
  }

  /** Lends zeroed, registered memory. Throws as `BufferTable.allocate`. */
  allocate(size: number): Buffer {
    const registered = this.#table.allocate(size);
    this.#table.hand(registered);
    const view = this.#kernel.view(registered.address, size);
    const loan = new Loan(registered);
    this.#loans.set(view, loan);
    this.#finalizers.register(view, loan);
    return Buffer.from(view);
  }

  /** The loan that a view is of, or nothing. */
  of(view: ArrayBufferView): Loan | undefined {
    return this.#loans.get(view.buffer);
  }

  /** Takes registered memory back. Throws `ERR_INVALID_ARG_VALUE` for any other. */
  release(buffer: Buffer): void {
    const loan = this.of(buffer);
    if (loan === undefined) throw invalidArgValue('buffer', buffer, 'was not allocated here');
    loan.release();
  }
}
