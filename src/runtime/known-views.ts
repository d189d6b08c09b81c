/**
 * Views that programs read into and write from again and again: where their bytes are, and whether
 * they are memory of ours, looked up once.
 *
 * Asking a view for its `buffer` is a call out of JavaScript, which costs as much as filling an
 * entry. A view that was allowed once stays so: whether its memory may move is decided when the
 * memory is made, and when it is detached the view has no bytes any more. Not every view is
 * remembered, only one that comes back within a while: an entry for each of millions that are used
 * once would cost the garbage collector more than is saved. The one that may come back is held
 * weakly: it may be memory of ours that the program has forgotten, which gives a slot back.
 *
 * Hot path (`find`): no allocation.
 */

import type { Addresses } from './addresses.ts';
import type { LentMemory, Loan } from './lent-memory.ts';

/** How many views may pass by before a candidate is given up. */
const PATIENCE = 256;

/** What there is to know of a view. */
export class KnownView {
  /** Of its first byte; 0 for an empty one. */
  readonly address: number;
  /** What it is a part of, if it is registered memory. */
  readonly loan: Loan | null;

  constructor(address: number, loan: Loan | null) {
    this.address = address;
    this.loan = loan;
  }
}

export class KnownViews {
  readonly #addresses: Addresses;
  readonly #known = new WeakMap<ArrayBufferView, KnownView>();
  #candidate: WeakRef<ArrayBufferView> | null = null;
  #passedBy = 0;

  constructor(addresses: Addresses) {
    this.#addresses = addresses;
  }

  /** What is remembered of a view; `undefined` if nothing is, and then it is to be checked. */
  find(view: ArrayBufferView): KnownView | undefined {
    const known = this.#known.get(view);
    return known === undefined || view.byteLength === 0 ? undefined : known;
  }

  /** Looks a view up that `validateBuffer` has let through. */
  learn(view: ArrayBufferView, lent: LentMemory | null): KnownView {
    const address = view.byteLength === 0 ? 0 : this.#addresses.of(view);
    const known = new KnownView(address, lent?.of(view) ?? null);
    const candidate = this.#candidate?.deref();
    if (view === candidate) {
      this.#known.set(view, known);
      this.#candidate = null;
    } else if (candidate === undefined || this.#passedBy >= PATIENCE) {
      // A `DataView` of detached memory throws when it is asked for its length.
      this.#candidate = view instanceof DataView ? null : new WeakRef(view);
      this.#passedBy = 0;
    } else {
      this.#passedBy += 1;
    }
    return known;
  }
}
