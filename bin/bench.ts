/**
 * `onering bench`: starts the benchmarks in a process of their own, which is not this one's
 * business: what is measured there starts from nothing, and Ctrl-C reaches it by the terminal.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../bench/run.js', import.meta.url));

/** Runs `onering bench` and returns its exit code. */
export async function benchCommand(args: string[]): Promise<number> {
  const child = spawn(process.execPath, [program, ...args], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; what a program sends to this one alone is passed on.
  const keepWaiting = (): void => undefined;
  const passOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', keepWaiting).on('SIGTERM', passOn);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } finally {
    process.off('SIGINT', keepWaiting).off('SIGTERM', passOn);
  }
}
