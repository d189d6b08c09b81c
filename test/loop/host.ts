/**
 * The hosts that these tests run on: the running Node and each one in `NODE_BINARIES` (paths,
 * separated by colons), every one of them on the ring and with `ONERING_BACKEND=libuv`.
 *
 * A program is a file in `programs/` that imports the built package by its name, in a Node of its
 * own. What it found out it prints as one line of JSON, its last.
 */

import { spawnSync } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { runFile } from '../support/child.ts';
import type { ChildOptions, ChildResult } from '../support/child.ts';

type Backend = 'uring' | 'libuv';

/** A Node and the backend that programs use in it. */
export interface Host {
  readonly node: string;
  readonly backend: Backend;
  /** For the names of tests. */
  readonly label: string;
}

export interface ProgramOptions extends ChildOptions {
  /** The exit code that is expected; `null` when it is ended by `signal`. */
  code?: number | null;
  signal?: NodeJS.Signals | null;
  /** What must be on the error output: a text that it contains, or nothing at all. */
  stderr?: string | RegExp;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

const binaries: readonly string[] = [
  process.execPath,
  ...(process.env['NODE_BINARIES'] ?? '').split(delimiter).filter((path) => path !== ''),
];

/** Every host, the running Node first. */
export const hosts: readonly Host[] = binaries.flatMap(hostsOf);

/** Those of them that are on the ring. */
export const ringHosts: readonly Host[] = hosts.filter(({ backend }) => backend === 'uring');

/** Asks a Node for its version and whether it has the ring; without one that half is left out. */
function hostsOf(node: string): Host[] {
  const script =
    "const { runtime } = await import('onering'); const { reason } = runtime();" +
    'console.log(JSON.stringify([process.version, reason?.message ?? null]));';
  const { stdout, stderr, error } = spawnSync(node, ['--input-type=module', '-e', script], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ONERING_BACKEND: 'auto', NODE_OPTIONS: '' },
    timeout: 10_000,
  });
  if (error !== undefined || stdout === '') throw new Error(`${node}: ${stderr}`, { cause: error });
  const [version, reason] = JSON.parse(stdout) as [string, string | null];
  const without: Host = { node, backend: 'libuv', label: `${version} libuv` };
  if (reason === null) return [{ node, backend: 'uring', label: `${version} uring` }, without];
  console.warn(`No test on the ring of Node ${version}: ${reason}`);
  return [without];
}

/** What a program reported, and how long it ran in all. */
export type Report<T> = T & { readonly elapsedMs: number };

/** Runs a program to its end, which must be the expected one, and returns what it reported. */
export async function runProgram<T>(
  host: Host,
  program: URL,
  args: readonly (string | number)[],
  options: ProgramOptions = {},
): Promise<Report<T>> {
  const result = await runToEnd(host, program, args, options);
  const { code = 0, signal = null, stderr = '' } = options;
  const actual = { code: result.code, signal: result.signal, isTimedOut: result.isTimedOut };
  expect(actual, result.stderr).toEqual({ code, signal, isTimedOut: false });
  if (stderr === '') expect(result.stderr).toBe('');
  else expect(result.stderr).toMatch(stderr);
  const line = result.stdout.trimEnd().split('\n').at(-1) ?? '';
  const report = (line === '' ? {} : JSON.parse(line)) as T;
  return { ...report, elapsedMs: result.elapsedMs };
}

/** Runs a program to its end, whichever that is. */
export function runToEnd(
  host: Host,
  program: URL,
  args: readonly (string | number)[],
  options: ChildOptions = {},
): Promise<ChildResult> {
  return runFile(fileURLToPath(program), {
    ...options,
    node: host.node,
    args: args.map(String),
    env: { ONERING_BACKEND: host.backend, ...options.env },
  });
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
