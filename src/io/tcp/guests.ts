/**
 * Guests of a connection: what uses its descriptor besides the connection's own receive and send,
 * such as a splice. A connection that closes cancels them, and closes when the last has left: a
 * descriptor is never closed under an operation.
 */

/** Something that uses a descriptor. It leaves by itself, or soon after `cancel`. */
export interface Guest {
  cancel(): void;
}

export class Guests {
  readonly #guests = new Set<Guest>();
  readonly #onLast: () => void;

  /** `onLast` is called whenever the last one leaves. */
  constructor(onLast: () => void) {
    this.#onLast = onLast;
  }

  get size(): number {
    return this.#guests.size;
  }

  enter(guest: Guest): void {
    this.#guests.add(guest);
  }

  leave(guest: Guest): void {
    if (!this.#guests.delete(guest)) return;
    if (this.#guests.size === 0) this.#onLast();
  }

  /** Asks all of them to leave. */
  cancel(): void {
    for (const guest of this.#guests) guest.cancel();
  }
}
