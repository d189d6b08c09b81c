/**
 * What a micro benchmark is made of, and how its parts become figures.
 *
 * A part does `count` operations and says how long they took; tinybench repeats that, and each
 * sample is the mean of one batch, since the clock costs more than most of what is measured. What
 * a part prepares outside of its own clock is not in the figure. The smoke size proves that a
 * part runs and does its work; its figures mean nothing.
 */

import { Bench } from 'tinybench';

/** How much is measured. */
export interface Size {
  readonly isSmoke: boolean;
  /** Time for the samples of one part, in milliseconds. */
  readonly timeMs: number;
  readonly warmupMs: number;
  /** Samples of one part, at least. */
  readonly samplesMin: number;
}

export const FULL: Size = { isSmoke: false, timeMs: 700, warmupMs: 200, samplesMin: 15 };
export const SMOKE: Size = { isSmoke: true, timeMs: 0, warmupMs: 0, samplesMin: 3 };

/** A number of operations, made small for the smoke size. */
export function scaled(count: number, { isSmoke }: Size): number {
  return isSmoke ? Math.min(count, 16) : count;
}

/** Something that can be repeated and timed. */
export interface Part {
  readonly name: string;
  /** Operations in a sample. */
  readonly count: number;
  /** Does `count` operations. Returns the milliseconds that they took, or their CPU time. */
  readonly measure: (count: number) => number | Promise<number>;
}

/** Figures of one part. Times are nanoseconds for one operation. */
export interface Row {
  readonly name: string;
  readonly medianNs: number;
  /** Median distance of the samples from their median. */
  readonly spreadNs: number;
  readonly minNs: number;
  readonly maxNs: number;
  readonly samples: number;
}

/** One file's worth of parts. */
export interface Micro {
  readonly name: string;
  readonly summary: string;
  run(size: Size): Promise<Row[]>;
}

/** Measures parts one after the other. */
export async function measureParts(size: Size, parts: readonly Part[]): Promise<Row[]> {
  const bench = new Bench({
    throws: true,
    time: size.timeMs,
    iterations: size.samplesMin,
    warmup: !size.isSmoke,
    warmupTime: size.warmupMs,
    warmupIterations: 1,
  });
  for (const { name, count, measure } of parts) {
    const sample = async (): Promise<object> => {
      const startMs = performance.now();
      const tookMs = await measure(count);
      return {
        overriddenDuration: tookMs / count,
        overriddenIterationCost: performance.now() - startMs,
      };
    };
    bench.add(name, sample, { async: true });
  }
  const tasks = await bench.run();
  return tasks.map(({ name, result }) => {
    if (result.state !== 'completed') throw new Error(`${name} has ended as "${result.state}"`);
    const { p50, mad, min, max, samplesCount } = result.latency;
    return {
      name,
      medianNs: p50 * 1e6,
      spreadNs: mad * 1e6,
      minNs: min * 1e6,
      maxNs: max * 1e6,
      samples: samplesCount,
    };
  });
}

/** Turns work into a measure of the time that passes meanwhile. */
export function elapsedOf(work: (count: number) => void): Part['measure'] {
  return (count) => {
    const startMs = performance.now();
    work(count);
    return performance.now() - startMs;
  };
}

/** Turns work into a measure of the CPU time that the process spends meanwhile. */
export function cpuTimeOf(work: (count: number) => void): Part['measure'] {
  return (count) => {
    const before = process.cpuUsage();
    work(count);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}

/**
 * Spreads indices over 32 bits in an order that looks random and is always the same: the multiples
 * of an odd number near 2^32 divided by the golden ratio.
 */
export function scatter(index: number): number {
  return Math.imul(index, 2654435761) >>> 0;
}
