/**
 * What the NOP drivers do around their loop: arguments, warm-up, clock, figures.
 *
 * The counterpart of main() in bench/c/nop.c, with the same arguments and the same output:
 * DEPTH SECONDS WARMUP [--counted] [OPTIONS] [--NAME=VALUE], where OPTIONS are those of the runtime
 * as JSON. The fields are written on the hot path; the clock is read once every 1024 completions,
 * as in C.
 */

import { readSync, writeSync } from 'node:fs';
import { Window } from '../worker/window.ts';

const COMPLETIONS_PER_CLOCK_READ = 1024;

/** Progress of one run. `next` is the sequence number of the next NOP. */
export class NopProcess {
  next = 0;
  completions = 0;
  checksum = 0;
  isStopping = false;
  readonly depth: number;
  /** Options of `new Runtime()`. */
  readonly runtimeOptions: Readonly<Record<string, unknown>>;
  readonly #window: Window;
  readonly #words: readonly string[];

  constructor() {
    const words = process.argv.slice(2);
    const numbers = words.filter((word) => /^[\d.]+$/.test(word)).map(Number);
    const [depth = 0, seconds = 0, warmupSeconds = 0] = numbers;
    const options = words.find((word) => word.startsWith('{')) ?? '{}';
    this.depth = depth;
    this.runtimeOptions = JSON.parse(options) as Record<string, unknown>;
    this.#words = words;
    if (!(depth >= 1 && seconds > 0)) {
      throw new RangeError('Usage: DEPTH SECONDS WARMUP [--counted] [OPTIONS] [--NAME=VALUE]');
    }
    const stride = COMPLETIONS_PER_CLOCK_READ;
    this.#window = new Window({ seconds, warmupSeconds, stride, rate: 0 });
  }

  /** The value of --NAME=VALUE, if it is there. */
  word(name: string): string | null {
    const start = `--${name}=`;
    return this.#words.find((word) => word.startsWith(start))?.slice(start.length) ?? null;
  }

  /** Begins; to be called when all is ready for the first operation. */
  open(): void {
    if (this.#words.includes('--counted')) {
      writeSync(1, '{"ready":true}\n');
      readSync(0, new Uint8Array(1));
    }
    this.#window.open();
  }

  /** Counts a completed NOP. */
  complete(sequence: number): void {
    this.checksum = (this.checksum + sequence) | 0;
    this.completions += 1;
    if (this.completions % COMPLETIONS_PER_CLOCK_READ === 0) this.#readClock();
  }

  /** Prints the figures; to be called when nothing is in flight any more. */
  report(extras: Readonly<Record<string, number>> = {}): void {
    const figures = {
      ...this.#window.figures(),
      completions: this.completions,
      checksum: this.checksum >>> 0,
      ...extras,
    };
    writeSync(1, `${JSON.stringify(figures)}\n`);
    process.exit(0);
  }

  #readClock(): void {
    this.#window.look(this.completions);
    this.isStopping = this.#window.isStopping;
  }
}
