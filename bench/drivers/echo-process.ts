/**
 * What every echo server of the comparison does around its sockets: arguments, port, end.
 *
 * Prints {"port":N} once it listens, and its figures when SIGTERM comes. The figures here cover
 * the whole life of the process; the load generator measures the window that counts. Writes
 * synchronously, since the process ends right after.
 */

import { writeSync } from 'node:fs';

/** Counts what the server echoed; `operations` is written on the hot path. */
export class EchoProcess {
  operations = 0;
  readonly busyWaitMicros: number;
  readonly #name: string;

  constructor(name: string) {
    const [flag, value] = process.argv.slice(2);
    if (flag !== undefined && flag !== '--busy-wait-micros') {
      throw new RangeError(`Unknown argument "${flag}"`);
    }
    this.#name = name;
    this.busyWaitMicros = flag === undefined ? 0 : Number(value);
  }

  /** Announces the port and ends the process on SIGTERM. */
  ready(port: number): void {
    process.once('SIGTERM', () => {
      const { user, system } = process.cpuUsage();
      const cpuSeconds = (user + system) / 1e6;
      printLine({ name: this.#name, operations: this.operations, cpuSeconds });
      process.exit(0);
    });
    printLine({ port });
  }
}

function printLine(figures: Record<string, unknown>): void {
  writeSync(1, `${JSON.stringify(figures)}\n`);
}
