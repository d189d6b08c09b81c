/**
 * Failures that a test has ordered: each kind of call has a queue of results that come before the
 * real thing is done again.
 */

interface Failure {
  readonly result: number;
  left: number;
}

export class SimFaults {
  readonly #failures = new Map<string, Failure[]>();

  /** Has calls of a kind return `result`, so many times; 0 lets them through. */
  add(kind: string, result: number, times: number): void {
    const list = this.#failures.get(kind) ?? [];
    list.push({ result, left: times });
    this.#failures.set(kind, list);
  }

  /** Takes what the next call of a kind returns, or 0 when it is to be done. */
  take(kind: string): number {
    const list = this.#failures.get(kind);
    const first = list?.[0];
    if (list === undefined || first === undefined) return 0;
    first.left -= 1;
    if (first.left <= 0) list.shift();
    return first.result;
  }

  /** Forgets what is left of a kind. */
  clear(kind: string): void {
    this.#failures.delete(kind);
  }
}
