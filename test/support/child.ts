/**
 * Runs a script in a Node process of its own, with a time limit, and collects what it said.
 *
 * The script is a file, or text that is passed with `--input-type=module`. The child is killed when
 * its time is up or when the test ends first; a test that expects an exit compares `code` and
 * `signal`. Nothing is inherited but the environment.
 */

import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';

export interface ChildOptions {
  /** Arguments of the script. */
  args?: readonly string[];
  /** Flags of Node itself. */
  nodeArgs?: readonly string[];
  /** Another Node than the one that runs the tests. */
  node?: string;
  cwd?: string;
  /** Added to the environment; `undefined` removes a variable. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds after which the child is killed. */
  timeoutMs?: number;
  /** What the child reads. */
  input?: string;
}

export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly isTimedOut: boolean;
  readonly elapsedMs: number;
}

const TIMEOUT_MS = 15_000;

/** Runs the file at `path`. */
export function runFile(path: string, options: ChildOptions = {}): Promise<ChildResult> {
  return run([...(options.nodeArgs ?? []), path, ...(options.args ?? [])], options);
}

/** Runs ES module text. Import with absolute URLs: see `importUrl`. */
export function runScript(source: string, options: ChildOptions = {}): Promise<ChildResult> {
  const flags = [...(options.nodeArgs ?? []), '--input-type=module', '--eval', source];
  return run([...flags, '--', ...(options.args ?? [])], options);
}

/** The URL of a file of this project, given its path from the root: for scripts given as text. */
export function importUrl(path: string): string {
  return pathToFileURL(new URL(`../../${path}`, import.meta.url).pathname).href;
}

function run(args: readonly string[], options: ChildOptions): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const child = spawn(options.node ?? process.execPath, args, {
      cwd: options.cwd,
      env: environment(options.env),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    let isTimedOut = false;
    const timer = setTimeout(() => {
      isTimedOut = true;
      child.kill('SIGKILL');
    }, options.timeoutMs ?? TIMEOUT_MS);
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // A child that ends without reading is not an error of the test.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const elapsedMs = performance.now() - startedMs;
      resolve({ code, signal, stdout, stderr, isTimedOut, elapsedMs });
    });
  });
}

function environment(changes: ChildOptions['env'] = {}): NodeJS.ProcessEnv {
  const env = { ...process.env, ...changes };
  // What vitest sets for its own workers changes how Node and V8 behave in a child.
  for (const name of ['NODE_OPTIONS', 'VITEST', 'VITEST_WORKER_ID', 'VITEST_POOL_ID']) {
    if (!(name in changes)) delete env[name];
  }
  return env;
}
