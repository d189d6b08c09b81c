/**
 * Child processes of the harness: started on a given CPU, read line by line, always ended.
 *
 * Every run is a fresh process, so that no run inherits another one's heap, caches or compiled
 * code. A child that outlives its time is killed and reported; whatever ends the harness ends
 * its children. `taskset` replaces itself by the program, so the child's pid is the program's.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** What a child printed as one line of JSON. */
export type Figures = Readonly<Record<string, unknown>>;

/** The line of a stack trace or message that says what went wrong. */
const FAILURE_LINE = /^(Uncaught )?\w*Error( \[|:)|^Cannot /;

const running = new Set<ChildProcess>();

/** Where and how a child runs. */
export interface ChildOptions {
  /** The CPU that it is pinned to; null for any. */
  readonly cpu?: number | null;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Kills what still runs; for the end of the harness, expected or not. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A process that prints lines of JSON on its standard output. */
export class Child {
  readonly #process: ChildProcess;
  readonly #label: string;
  readonly #exit: Promise<unknown>;
  #output = '';
  #errors = '';

  constructor(command: readonly string[], { cpu = null, env = {} }: ChildOptions = {}) {
    const pinned = cpu === null ? command : ['taskset', '-c', String(cpu), ...command];
    const [file = '', ...rest] = pinned;
    this.#label = command.slice(0, 2).map(lastPart).join(' ');
    this.#process = spawn(file, rest, {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // A child that never reads is none that fails.
    this.#process.stdin?.on('error', () => this.#process.stdin?.destroy());
    running.add(this.#process);
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    this.#exit = new Promise((resolve) => {
      this.#process.once('close', resolve);
      this.#process.once('error', (error) => {
        this.#errors += error.message;
        resolve(error);
      });
    });
    void this.#exit.then(() => running.delete(this.#process));
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** Answers a child that waits for a line. */
  proceed(): void {
    this.#process.stdin?.end('\n');
  }

  /** Waits for the first complete line. */
  async firstLine(limitMs: number): Promise<Figures> {
    const deadline = AbortSignal.timeout(limitMs);
    while (!this.#output.includes('\n')) {
      const { stdout } = this.#process;
      const more = stdout === null ? Promise.resolve() : once(stdout, 'data', { signal: deadline });
      const ended = await Promise.race([more.then(() => false), this.#exit.then(() => true)]).catch(
        () => true,
      );
      if (ended && !this.#output.includes('\n')) {
        this.#process.kill('SIGKILL');
        throw this.#failure('has not said that it is ready');
      }
    }
    return parseLine(this.#output.slice(0, this.#output.indexOf('\n')));
  }

  /** Waits for the end and returns the last line; optionally asks for the end first. */
  async lastLine(limitMs: number, signal?: NodeJS.Signals): Promise<Figures> {
    await this.#end(limitMs, signal);
    return parseLine(this.#output.trimEnd().split('\n').at(-1) ?? '');
  }

  /** Waits for the end and returns everything, which is one object on many lines. */
  async wholeOutput(limitMs: number): Promise<Figures> {
    await this.#end(limitMs);
    return parseLine(this.#output);
  }

  /** Asks for the end and waits for it, whatever the exit code. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.#process.kill(signal);
    await this.#exit;
  }

  async #end(limitMs: number, signal?: NodeJS.Signals): Promise<void> {
    if (signal !== undefined) this.#process.kill(signal);
    const timer = setTimeout(() => {
      this.#errors += `\nKilled after ${limitMs} ms`;
      this.#process.kill('SIGKILL');
    }, limitMs);
    await this.#exit;
    clearTimeout(timer);
    if (this.#process.exitCode !== 0) throw this.#failure('has failed');
  }

  #failure(what: string): Error {
    const reason = this.#errors
      .trim()
      .split('\n')
      .find((line) => FAILURE_LINE.test(line));
    const detail = reason ?? this.#errors.trim().split('\n').at(-1) ?? '';
    return new Error(`${this.#label} ${what}: ${detail.trim()}`);
  }
}

/** The same, or null where there is none. */
export function optionalNumberIn(figures: Figures, name: string): number | null {
  const value = lookUp(figures, name);
  return typeof value === 'number' ? value : null;
}

/** Reads a number that must be there; `name` may lead into a nested object: `latency.p50`. */
export function numberIn(figures: Figures, name: string): number {
  const value = lookUp(figures, name);
  if (typeof value !== 'number') throw new TypeError(`Expected a number "${name}"`);
  return value;
}

function lookUp(figures: Figures, name: string): unknown {
  let value: unknown = figures;
  for (const part of name.split('.')) {
    value = isRecord(value) ? value[part] : undefined;
  }
  return value;
}

function parseLine(line: string): Figures {
  const value: unknown = JSON.parse(line);
  if (!isRecord(value)) throw new TypeError(`Expected an object, got "${line}"`);
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function lastPart(text: string): string {
  return text.slice(text.lastIndexOf('/') + 1);
}
