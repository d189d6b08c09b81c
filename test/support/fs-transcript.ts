/**
 * Scenarios for `fs/promises`, and what they show: a transcript, line by line, in which nothing
 * depends on the folder, the time or the descriptor.
 *
 * A scenario is run with Node's own module and with ours, each in a folder of its own, and the
 * transcripts must be equal: so Node says what is right, whichever version it is.
 */

import { Stats } from 'node:fs';
import type fsPromises from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect } from 'vitest';
import ours from '../../src/io/fs/promises.ts';
import { Suite } from './conformance-suite.ts';
import type { CaseOptions } from './conformance-suite.ts';
import { tempDirectory } from './temp-directory.ts';

type Fs = typeof fsPromises;

/** What a scenario is given. */
export interface Scene {
  readonly fs: Fs;
  /** The folder it may do anything in, and paths below it. */
  readonly folder: string;
  at(name: string): string;
  /** Writes something down. */
  note(...values: unknown[]): void;
  /** Writes down what a call resolves to, rejects with or throws. */
  attempt(call: () => unknown): Promise<void>;
}

export type Scenario = (scene: Scene) => Promise<void>;

/** A suite of scenarios, each compared with Node. */
export class ComparedSuite extends Suite {
  compare(name: string, scenario: Scenario, options: CaseOptions = {}): void {
    const run: Parameters<Suite['add']>[1] = async ({ runtime }): Promise<void> => {
      const { default: node } = await import('node:fs/promises');
      const expected = await transcriptOf(node, scenario);
      const begun = runtime.engine?.scheduler.begun ?? -1;
      const actual = await transcriptOf(ours, scenario);
      expect(runtime.engine?.scheduler.begun ?? 0, 'on the ring').toBeGreaterThan(begun);
      expect(expected.length, 'lines of the transcript').toBeGreaterThan(0);
      expect(actual).toEqual(expected);
    };
    this.add(name, run, options);
  }
}

/** Runs a scenario in a folder of its own. */
async function transcriptOf(fs: Fs, scenario: Scenario): Promise<string[]> {
  const lines: string[] = [];
  const folder = tempDirectory();
  const write = (prefix: string, value: unknown): void => {
    lines.push(`${prefix}${shown(value)}`.replaceAll(folder, '<folder>'));
  };
  await scenario({
    fs,
    folder,
    at: (name) => join(folder, name),
    note: (...values) => values.forEach((value) => write('', value)),
    async attempt(call) {
      try {
        const result = call();
        write(result instanceof Promise ? 'resolves to ' : 'returns ', await result);
      } catch (error) {
        write('fails with ', error);
      }
    },
  });
  return lines;
}

function shown(value: unknown): string {
  if (value instanceof Error) return shownError(value);
  if (value instanceof Stats) return shownStats(value);
  if (typeof value === 'object' && value?.constructor?.name === 'BigIntStats') {
    return shownStats(value as Stats);
  }
  if (typeof value === 'object' && value?.constructor?.name === 'FileHandle') return 'FileHandle';
  return inspect(value, { depth: 4, breakLength: Infinity });
}

/** All but the stack. */
function shownError(error: Error): string {
  const fields = Object.entries(error);
  const constructor = Object.getPrototypeOf(error).constructor.name as string;
  const { cause } = error;
  const because = cause === undefined ? '' : ` because of ${inspect(cause, { depth: 0 })}`;
  const [firstLine = ''] = because.split('\n');
  return `${constructor} ${error.name}: ${error.message} ${inspect(fields)}${firstLine}`;
}

/** All but what differs between two files that were made one after the other. */
function shownStats(stats: Stats): string {
  const fields = Object.entries(stats).map(([name, value]) => {
    const isOwn = /^ino$|time/.test(name);
    return `${name}: ${isOwn ? typeof value : String(value)}`;
  });
  const kinds = [stats.isFile(), stats.isDirectory(), stats.isSymbolicLink(), stats.isFIFO()];
  const dates = [stats.atime, stats.mtime, stats.ctime, stats.birthtime];
  const areDates = dates.every((date) => date instanceof Date && date.getTime() > 0);
  const name = stats.constructor.name;
  return `${name} ${stats instanceof Stats} { ${fields.join(', ')} } ${kinds.join()} ${areDates}`;
}
