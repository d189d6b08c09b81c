/**
 * What a call of the harness has found: plain data, as it is written to JSON and drawn on the page.
 */

import { readFileSync } from 'node:fs';
import type { Family, Sample, Scenario, Settings } from './scenario.ts';

/** All samples of one contender, one per round, or why there are none. */
export interface Series {
  readonly name: string;
  readonly family: Family;
  readonly samples: readonly Sample[];
  /** A run that broke off: a failure of the benchmark. */
  readonly failure: string | null;
  /** From the run that was counted. */
  readonly syscallsPerOperation: number | null;
  /** Whether this is a contender once more, to show the noise. */
  readonly isAgain: boolean;
}

export interface CaseResult {
  readonly scenario: string;
  readonly group: Scenario['group'];
  readonly title: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly baselines: readonly string[];
  readonly load: { readonly curve: string; readonly percent: number } | null;
  readonly series: readonly Series[];
}

export interface Result {
  readonly format: 1;
  readonly command: string;
  readonly startedAt: string;
  readonly environment: readonly string[];
  readonly settings: Settings;
  readonly notes: readonly string[];
  /** Ended by a signal: what was done is here. */
  readonly isInterrupted: boolean;
  readonly cases: readonly CaseResult[];
}

/** The first thing that is wrong with a series, if anything is. */
export function problemOf({ samples, failure }: Series): string | null {
  return failure ?? samples.find(({ problem }) => problem !== null)?.problem ?? null;
}

/** Whether ratios may be taken to a series, or of it: all its work was proven. */
export function isProven(series: Series): boolean {
  return series.family !== 'fio' && series.samples.length > 0 && problemOf(series) === null;
}

/** Reads what `--json` wrote. Throws a `RangeError` that names a file which is something else. */
export function readResult(path: string): Result {
  const result = parsed(textOf(path)) as Partial<Result> | null;
  if (result?.format === 1 && Array.isArray(result.cases)) return result as Result;
  throw new RangeError(`${path} is not what --json writes`);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new RangeError(`Cannot read ${path}: ${(error as Error).message}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
