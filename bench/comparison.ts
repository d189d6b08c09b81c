/**
 * How onering's best row of each case compares with Node: the summary for people who have read
 * nothing else, on the terminal and on the page.
 */

import { medianOf, ratioBetween } from './figures.ts';
import { isProven } from './result.ts';
import type { CaseResult, Series } from './result.ts';
import { summarize } from './statistics.ts';
import type { Summary } from './statistics.ts';

type Verdict = 'better' | 'worse' | 'too close to call';

/** One case, told in a line. */
export interface Comparison {
  readonly title: string;
  readonly better: 'more' | 'less';
  /** Onering's best row. */
  readonly row: string;
  /** Of its value, to node's. */
  readonly ratio: Summary;
  readonly verdict: Verdict;
  /** Of its CPU time per operation, to node's. */
  readonly cpuRatio: number | null;
}

/** All cases in which both have proven their work. */
export function compareWithNode(cases: readonly CaseResult[]): Comparison[] {
  return cases.flatMap((result) => {
    const { title, better } = result;
    const node = result.series.find(({ name }) => name === 'node');
    const ours = bestOf(result);
    if (node === undefined || ours === null || !isProven(node)) return [];
    const ratio = ratioBetween(ours, node);
    // To nothing there is no ratio.
    if (![ratio.median, ratio.min, ratio.max].every(Number.isFinite)) return [];
    const verdict = verdictOf(ratio, better === 'more');
    return [{ title, better, row: ours.name, ratio, verdict, cpuRatio: cpuRatioOf(ours, node) }];
  });
}

/** A ratio whose range has 1 in it decides nothing. */
function verdictOf({ median, min, max }: Summary, isMoreBetter: boolean): Verdict {
  if (min <= 1 && max >= 1) return 'too close to call';
  return median > 1 === isMoreBetter ? 'better' : 'worse';
}

/** The row that is best in its median. */
function bestOf({ series, better }: CaseResult): Series | null {
  const median = (one: Series): number => summarize(one.samples.map(({ value }) => value)).median;
  const proven = series.filter((one) => one.family === 'onering' && !one.isAgain && isProven(one));
  const sign = better === 'more' ? 1 : -1;
  return proven.toSorted((a, b) => sign * (median(b) - median(a)))[0] ?? null;
}

function cpuRatioOf(series: Series, baseline: Series): number | null {
  const ours = medianOf(series, (sample) => sample.cpuMicrosPerOperation);
  const theirs = medianOf(baseline, (sample) => sample.cpuMicrosPerOperation);
  return ours === null || theirs === null || theirs === 0 ? null : ours / theirs;
}
