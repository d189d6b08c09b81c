/**
 * What every server of the comparison does around its sockets: arguments, port, timer, end.
 *
 * Prints {"port":N} once it listens, and what it learned about itself when SIGTERM comes; the load
 * generator measures all that it can see from outside. A timer of 1 ms runs meanwhile, and what it
 * finds counts from half a second after the first operation on. Writes synchronously, since the
 * process ends right after. Runs under Bun and Deno.
 */

import { writeSync } from 'node:fs';
import { TimerProbe } from '../worker/timer-probe.ts';

const SETTLING_MS = 500;

/** Counts what the server did; `operations` is written on the hot path. */
export class ServerProcess {
  operations = 0;
  /** What the command line says about the runtime: options of `new Runtime()`. */
  readonly runtimeOptions: Readonly<Record<string, unknown>>;
  readonly #timer: TimerProbe;
  #settledMs = 0;

  constructor() {
    const [options = '{}'] = process.argv.slice(2);
    this.runtimeOptions = JSON.parse(options) as Record<string, unknown>;
    this.#timer = new TimerProbe(() => this.#settle());
  }

  /** Announces the port and ends the process on SIGTERM. */
  ready(port: number): void {
    process.once('SIGTERM', () => {
      printLine({ operations: this.operations, timerLateMicros: this.#timer.micros() });
      process.exit(0);
    });
    this.#timer.start();
    printLine({ port });
  }

  #settle(): void {
    if (this.#settledMs === Infinity || this.operations === 0) return;
    const nowMs = performance.now();
    if (this.#settledMs === 0) this.#settledMs = nowMs + SETTLING_MS;
    if (nowMs < this.#settledMs) return;
    this.#settledMs = Infinity;
    this.#timer.reset();
  }
}

/** The totals that a sink sends when its peer has sent everything: two 64-bit numbers. */
export function totalsOf(bytes: number, wrong: number): Buffer {
  const totals = Buffer.alloc(16);
  totals.writeBigUInt64LE(BigInt(bytes), 0);
  totals.writeBigUInt64LE(BigInt(wrong), 8);
  return totals;
}

/** Looks at both ends of a chunk that begins at byte `offset` of a connection. */
export function wrongEnds(chunk: Uint8Array, offset: number): number {
  const last = chunk.length - 1;
  const isWrong = (at: number): boolean => chunk[at] !== (((offset + at) / 256) & 255);
  return Number(isWrong(0)) + Number(isWrong(last));
}

function printLine(figures: Record<string, unknown>): void {
  writeSync(1, `${JSON.stringify(figures)}\n`);
}
