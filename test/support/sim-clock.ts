/**
 * The simulated kernel's clock, and the agenda of what happens when it gets there. It stands still
 * unless a test or a wait moves it, or `stepMs` says that reading it takes time.
 */

const START_MS = 1000;

export class SimClock {
  /** Milliseconds that pass whenever the clock is read. */
  stepMs = 0;
  #nowMs = START_MS;
  readonly #agenda: { readonly atMs: number; readonly run: () => void }[] = [];

  /** The time, without reading the clock. */
  get nowMs(): number {
    return this.#nowMs;
  }

  read(): number {
    if (this.stepMs > 0) this.advance(this.stepMs);
    return this.#nowMs;
  }

  /** Has something happen in `ms` milliseconds. */
  at(ms: number, run: () => void): void {
    this.#agenda.push({ atMs: this.#nowMs + ms, run });
    this.#agenda.sort((left, right) => left.atMs - right.atMs);
  }

  /** Lets time pass, and what is on the agenda until then happen. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while (this.runNext(untilMs)) continue;
    this.#nowMs = untilMs;
  }

  /** Moves to the next thing on the agenda and does it, unless that is after `untilMs`. */
  runNext(untilMs: number): boolean {
    const next = this.#agenda[0];
    if (next === undefined || next.atMs > untilMs) return false;
    this.#agenda.shift();
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.run();
    return true;
  }

  /** Moves on to a time that is not past. */
  moveTo(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, ms);
  }
}
