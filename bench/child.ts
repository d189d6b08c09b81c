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

  constructor(command: readonly string[], cpu: number | null) {
    const pinned = cpu === null ? command : ['taskset', '-c', String(cpu), ...command];
    const [file = '', ...rest] = pinned;
    this.#label = command.slice(0, 2).map(lastPart).join(' ');
    this.#process = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
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
    if (signal !== undefined) this.#process.kill(signal);
    const timer = setTimeout(() => {
      this.#errors += `\nKilled after ${limitMs} ms`;
      this.#process.kill('SIGKILL');
    }, limitMs);
    await this.#exit;
    clearTimeout(timer);
    if (this.#process.exitCode !== 0) throw this.#failure('has failed');
    const line = this.#output.trimEnd().split('\n').at(-1) ?? '';
    return parseLine(line);
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

/** Reads a number that must be there; `name` may lead into a nested object: `latency.p50`. */
export function numberIn(figures: Figures, name: string): number {
  let value: unknown = figures;
  for (const part of name.split('.')) {
    value = isRecord(value) ? value[part] : undefined;
  }
  if (typeof value !== 'number') throw new TypeError(`Expected a number "${name}"`);
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
