/**
 * The smallest test runner: checks one after the other, each with a time limit, one line of JSON
 * for each on the standard output.
 *
 * vitest is too heavy for an emulated processor. A check passes unless it throws; `skip` ends it
 * with a reason. A check that does not end in time ends its program, because what it left behind
 * would spoil the next one.
 */

import { basename } from 'node:path';
import type { CheckLine, FigureLine } from './protocol.ts';

type Body = () => Promise<void> | void;

const TIMEOUT_MS = 45_000;

class Skip extends Error {}

/** Ends a check: it does not apply here. */
export function skip(reason: string): never {
  throw new Skip(reason);
}

/** Runs the checks of a program by their names. */
export async function runChecks(checks: Readonly<Record<string, Body>>): Promise<void> {
  for (const [name, body] of Object.entries(checks)) {
    const line = await runCheck(name, body);
    await say(line);
    if (line.detail === TIMED_OUT) process.exit(1);
  }
}

/** Reports something that was measured. */
export async function figure(name: string, value: number, unit: string): Promise<void> {
  await say({ type: 'figure', program: programName(), name, value, unit });
}

const TIMED_OUT = `not done in ${TIMEOUT_MS / 1000} s`;

async function runCheck(name: string, body: Body): Promise<CheckLine> {
  const startedMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(TIMED_OUT)), TIMEOUT_MS);
  });
  let outcome: CheckLine['outcome'] = 'passed';
  let detail: string | undefined;
  try {
    await Promise.race([body(), late]);
  } catch (error) {
    outcome = error instanceof Skip ? 'skipped' : 'failed';
    detail = describe(error, outcome === 'skipped');
  }
  clearTimeout(timer);
  return {
    type: 'check',
    program: programName(),
    backend: process.env['ONERING_BACKEND'] ?? '',
    name,
    outcome,
    elapsedMs: Math.round(performance.now() - startedMs),
    ...(detail === undefined ? {} : { detail }),
  };
}

function describe(error: unknown, isSkip: boolean): string {
  if (!(error instanceof Error)) return String(error);
  if (isSkip || error.message === TIMED_OUT) return error.message;
  return error.stack ?? error.message;
}

function say(line: CheckLine | FigureLine): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${JSON.stringify(line)}\n`, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}

function programName(): string {
  return basename(process.argv[1] ?? '', '.js');
}
