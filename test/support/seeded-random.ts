/**
 * Random numbers that can be had again: mulberry32, seeded from `ONERING_SEED` or afresh.
 *
 * A test makes one generator, and names `seed` in what it asserts, so that a failure prints what
 * replays it. Not for anything but tests.
 */

export class SeededRandom {
  readonly seed: number;
  #state: number;

  /** Without a seed, `ONERING_SEED` decides; without that, every run differs. */
  constructor(seed?: number) {
    const given = process.env['ONERING_SEED'];
    const fresh = Math.floor(Math.random() * 2 ** 32);
    this.seed = (seed ?? (given === undefined ? fresh : Number(given))) >>> 0;
    this.#state = this.seed;
  }

  /** What to put into an assertion's message. */
  get replay(): string {
    return `replay with ONERING_SEED=${this.seed}`;
  }

  /** The next number, at least 0 and below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer, at least 0 and below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** An integer between `min` and `max`, both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the values. */
  pick<T>(values: readonly T[]): T {
    if (values.length === 0) throw new RangeError('There is nothing to pick from');
    return values[this.below(values.length)] as T;
  }

  /** The values in random order; the array itself stays as it is. */
  shuffled<T>(values: readonly T[]): T[] {
    const result = [...values];
    for (let last = result.length - 1; last > 0; last -= 1) {
      const other = this.below(last + 1);
      const value = result[last] as T;
      result[last] = result[other] as T;
      result[other] = value;
    }
    return result;
  }

  /** `size` random bytes. */
  bytes(size: number): Buffer {
    const bytes = Buffer.alloc(size);
    for (let i = 0; i < size; i += 1) bytes[i] = this.below(256);
    return bytes;
  }
}
