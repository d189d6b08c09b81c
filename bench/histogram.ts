/**
 * A histogram of latencies: memory of one size, whatever is recorded.
 *
 * Log-linear buckets, 128 per power of two, as in bench/c/measure.h: a percentile is off by less
 * than 0.8 %. Values are whole nanoseconds, at most 2^32 - 1 (4.3 s); what is longer counts as
 * that, and shows in `max`. Runs under Bun and Deno too, so it imports nothing.
 */

const SUB_BITS = 7;
const SUB_COUNT = 1 << SUB_BITS;
const NANOS_MAX = 2 ** 32 - 1;

/** Percentiles, in whatever unit was asked for. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export class Histogram {
  readonly #buckets = new Float64Array((33 - SUB_BITS) * SUB_COUNT);
  #count = 0;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  /** Records a time. */
  record(ms: number): void {
    const nanos = Math.min(NANOS_MAX, Math.max(0, Math.round(ms * 1e6)));
    const bucket = bucketOf(nanos);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count += 1;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /** Forgets everything. */
  reset(): void {
    this.#buckets.fill(0);
    this.#count = 0;
    this.#maxMs = 0;
  }

  /** What was recorded, in microseconds; null without any. */
  micros(): Percentiles | null {
    if (this.#count === 0) return null;
    return {
      p50: this.#percentile(0.5),
      p90: this.#percentile(0.9),
      p99: this.#percentile(0.99),
      p999: this.#percentile(0.999),
      max: this.#maxMs * 1000,
    };
  }

  #percentile(fraction: number): number {
    const rank = Math.floor(fraction * this.#count);
    let seen = 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count;
      if (seen > rank) return middleOf(bucket) / 1000;
    }
    return this.#maxMs * 1000;
  }
}

function bucketOf(nanos: number): number {
  if (nanos < SUB_COUNT) return nanos;
  const shift = 31 - Math.clz32(nanos) - SUB_BITS;
  return (shift + 1) * SUB_COUNT + ((nanos >>> shift) & (SUB_COUNT - 1));
}

function middleOf(bucket: number): number {
  if (bucket < SUB_COUNT) return bucket;
  const shift = Math.floor(bucket / SUB_COUNT) - 1;
  return (SUB_COUNT + (bucket % SUB_COUNT)) * 2 ** shift + 2 ** shift / 2;
}
