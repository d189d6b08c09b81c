/**
 * What every driver of the timers does around them: COUNT timers, due at times scattered over
 * MILLISECONDS, all set at once and waited for.
 *
 * The time that passes is mostly that time itself, so what counts is the CPU time. Each timer adds
 * its number to the checksum, and how late it fired is recorded. Runs under Bun and Deno.
 */

import { writeSync } from 'node:fs';
import { Histogram } from '../histogram.ts';
import { mix } from '../pattern.ts';
import { peakBytes } from '../worker/window.ts';

export class TimersProcess {
  readonly count: number;
  readonly #spanMs: number;
  readonly #lateness = new Histogram();
  readonly #startMs: number = performance.now();
  readonly #startCpu: NodeJS.CpuUsage = process.cpuUsage();
  #fired = 0;
  #checksum = 0;

  constructor() {
    const [count = 0, spanMs = 0] = process.argv.slice(2).map(Number);
    this.count = count;
    this.#spanMs = spanMs;
    if (!(count >= 1 && spanMs >= 1)) throw new RangeError('Usage: COUNT MILLISECONDS');
  }

  /** Milliseconds after which a timer is due: whole ones, as Node rounds them. */
  delayOf(number: number): number {
    return 1 + (mix(number) % this.#spanMs);
  }

  /** A timer has fired that was set at `setMs`. The last one ends the process. */
  fire(number: number, setMs: number): void {
    this.#lateness.record(performance.now() - setMs - this.delayOf(number));
    this.#checksum = (this.#checksum + number) | 0;
    this.#fired += 1;
    if (this.#fired === this.count) this.#report();
  }

  #report(): void {
    const cpu = process.cpuUsage(this.#startCpu);
    const figures = {
      operations: this.#fired,
      completions: this.#fired,
      checksum: this.#checksum >>> 0,
      seconds: (performance.now() - this.#startMs) / 1000,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      latencyMicros: this.#lateness.micros(),
      peakBytes: peakBytes(),
    };
    writeSync(1, `${JSON.stringify(figures)}\n`);
    process.exit(0);
  }
}
