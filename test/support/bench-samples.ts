/**
 * Results of benchmarks that nobody had to run.
 */

import type { CaseResult, Series } from '../../bench/result.ts';
import type { Sample } from '../../bench/scenario.ts';

/** One run that found this value. */
export function sample(value: number, problem: string | null = null): Sample {
  return {
    value,
    cpuMicrosPerOperation: 1000 / value,
    latencyMicros: null,
    switchesPerOperation: null,
    syscallsPerOperation: null,
    peakBytes: null,
    timerLateMicros: null,
    extras: {},
    problem,
  };
}

/** The runs of a contender; `ours` is onering's. */
export function series(name: string, ...samples: Sample[]): Series {
  const family = name === 'ours' ? 'onering' : 'node';
  return { name, family, samples, failure: null, syscallsPerOperation: null, isAgain: false };
}

/** A case with these contenders, compared with `node`. */
export function caseOf(...all: Series[]): CaseResult {
  const title = 'work';
  const baselines = ['node'];
  const words = { scenario: 'work', group: 'storage', unit: 'op/s', better: 'more' } as const;
  return { ...words, title, baselines, load: null, series: all };
}
