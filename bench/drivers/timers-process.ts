/**
 * What every driver of the timers does around them: COUNT timers, due at times scattered over a
 * second, all set at once and waited for.
 *
 * The time that passes is mostly the second itself, so what counts is the CPU time. Each timer adds
 * its number to the checksum, and how late it fired is recorded. Runs under Bun and Deno.
 */

import { writeSync } from 'node:fs';
import { Histogram } from '../histogram.ts';
import { mix } from '../pattern.ts';
import { peakBytes } from '../worker/window.ts';

const SPAN_MS = 1000;

export class TimersProcess {
  readonly count: number;
  readonly #lateness = new Histogram();
  readonly #startMs: number = performance.now();
  readonly #startCpu: NodeJS.CpuUsage = process.cpuUsage();
  #fired = 0;
  #checksum = 0;

  constructor() {
    this.count = Number(process.argv[2]);
    if (!(this.count >= 1)) throw new RangeError('Usage: COUNT');
  }

  /** Milliseconds after which a timer is due: whole ones, as Node rounds them. */
  delayOf(number: number): number {
    return 1 + (mix(number) % SPAN_MS);
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
