/**
 * Whose turn it is at a file's current position: one operation at a time, in the order of calls.
 *
 * read(2) and write(2) lock the position; operations of a ring do not, and two in flight would read
 * the same bytes twice. Nothing is allocated while calls do not overlap.
 */

export class CursorQueue {
  #current: object | null = null;
  readonly #waiting: (() => void)[] = [];

  /** Whether a new operation has to wait. */
  get isBusy(): boolean {
    return this.#current !== null;
  }

  /** An operation at the current position has begun. */
  begin(user: object): void {
    this.#current = user;
  }

  /** Begins something when it is its turn; it calls our `begin` in its course. */
  wait<T>(begin: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(begin());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** An operation is over: if it was at the current position, the next one begins. */
  end(user: object): void {
    if (this.#current !== user) return;
    this.#current = null;
    // One that fails to begin leaves the turn to the one behind it.
    while (this.#current === null) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next();
    }
  }
}
