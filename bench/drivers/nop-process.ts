/**
 * What both NOP drivers do around their loop: arguments, warm-up, clock, figures.
 *
 * The counterpart of main() in bench/c/nop.c, with the same arguments and the same output. The
 * fields are written on the hot path; the clock is read once every 1024 completions, as in C.
 */

import { writeSync } from 'node:fs';

const COMPLETIONS_PER_CLOCK_READ = 1024;

/** Progress of one run. `next` is the sequence number of the next NOP. */
export class NopProcess {
  next = 0;
  completions = 0;
  checksum = 0;
  isStopping = false;
  readonly depth: number;
  readonly #name: string;
  readonly #durationMs: number;
  readonly #warmupEndMs: number;
  #startMs = 0;
  #startCompletions = 0;
  #startCpu = { user: 0, system: 0 };
  #measured = { operations: 0, seconds: 0, cpuSeconds: 0 };

  constructor(name: string) {
    const [depth, seconds, , warmupSeconds = '0.2'] = process.argv.slice(2);
    this.#name = name;
    this.depth = Number(depth);
    this.#durationMs = Number(seconds) * 1000;
    this.#warmupEndMs = performance.now() + Number(warmupSeconds) * 1000;
    if (!(this.depth >= 1 && this.#durationMs > 0)) {
      throw new RangeError('Usage: DEPTH SECONDS [--warmup SECONDS]');
    }
  }

  /** Counts a completed NOP. */
  complete(sequence: number): void {
    this.checksum = (this.checksum + sequence) | 0;
    this.completions += 1;
    if (this.completions % COMPLETIONS_PER_CLOCK_READ === 0) this.#readClock();
  }

  /** Prints the figures; to be called when nothing is in flight any more. */
  report(): void {
    const figures = {
      name: this.#name,
      depth: this.depth,
      ...this.#measured,
      completions: this.completions,
      checksum: this.checksum >>> 0,
    };
    writeSync(1, `${JSON.stringify(figures)}\n`);
  }

  #readClock(): void {
    const nowMs = performance.now();
    if (this.#startMs === 0) {
      if (nowMs < this.#warmupEndMs) return;
      this.#startMs = nowMs;
      this.#startCompletions = this.completions;
      this.#startCpu = process.cpuUsage();
    } else if (!this.isStopping && nowMs >= this.#startMs + this.#durationMs) {
      const cpu = process.cpuUsage(this.#startCpu);
      this.isStopping = true;
      this.#measured = {
        operations: this.completions - this.#startCompletions,
        seconds: (nowMs - this.#startMs) / 1000,
        cpuSeconds: (cpu.user + cpu.system) / 1e6,
      };
    }
  }
}
