/**
 * Running programs of the host to their end, and finding out whether they are there.
 *
 * Nothing is passed through a shell. A program that is not installed is `Missing`; one that fails
 * is an error with the last lines of what it said.
 */

import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Missing } from './missing.ts';

/** Enough of a program's complaint to understand it. */
const COMPLAINT_LINES = 8;
const TIMEOUT_MS = 300_000;
const OUTPUT_MAX = 256 * 1024 * 1024;
/** A program that finds no time left is ended at once, and not given all of it. */
const TIMEOUT_MIN_MS = 1;
let endMs = Infinity;

/** Programs of the administrator are not on everybody's path. */
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];

/** No program runs beyond this time of `performance.now()`; one that would is `Missing`. */
export function endRunsAt(timeMs: number): void {
  endMs = timeMs;
}

/** Returns where a program is, or `undefined`. */
export function findProgram(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** Returns where a program is. Throws `Missing` where it is not. */
export function requireProgram(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Missing(`${name} is not installed`);
  return path;
}

/** Runs a program and returns what it wrote. */
export function run(name: string, args: readonly string[], cwd?: string): string {
  const { error, status, signal, stdout, stderr } = spawnSync(requireProgram(name), args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: OUTPUT_MAX,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: Math.max(TIMEOUT_MIN_MS, Math.min(TIMEOUT_MS, Math.floor(endMs - performance.now()))),
  });
  // A mirror that answers slowly, or a machine that is too busy.
  if (error !== undefined && 'code' in error && error.code === 'ETIMEDOUT') {
    throw new Missing(`${name} ${args[0] ?? ''} took too long`);
  }
  if (error !== undefined) throw error;
  if (status === 0) return stdout;
  const complaint = stderr.trimEnd().split('\n').slice(-COMPLAINT_LINES).join('\n');
  throw new Error(`${name} ${args[0] ?? ''} ended with ${status ?? signal}: ${complaint}`);
}

/** Runs a program with data on its standard input and returns what it wrote. */
export function filter(name: string, args: readonly string[], input: Buffer): Buffer {
  const { error, status, stdout, stderr } = spawnSync(requireProgram(name), args, {
    input,
    maxBuffer: OUTPUT_MAX,
    timeout: TIMEOUT_MS,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr.toString()}`);
  return stdout;
}

/** Whether a program that is let run for `timeoutMs` ends by itself and says what it should. */
export async function saysInTime(
  name: string,
  args: readonly string[],
  expected: string,
  timeoutMs: number,
): Promise<boolean> {
  const child = spawn(requireProgram(name), args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  let said = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => (said += text));
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  clearTimeout(timer);
  return code === 0 && said.includes(expected);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us: the same to the caller.
    return false;
  }
}
