/**
 * Turns the samples of a case into a table, and decides which ratios may be printed.
 *
 * A ratio needs both sides to have done the whole work in every round. One sample with a
 * problem takes the ratio away from its contender, and from everybody when it is the
 * baseline's.
 */

import type { Case, Sample } from './scenario.ts';
import { ratioOf, summarize } from './statistics.ts';
import type { Summary } from './statistics.ts';
import { formatTable } from './table.ts';

/** All samples of one contender, one per round, or why there are none. */
export interface Series {
  readonly name: string;
  readonly samples: readonly Sample[];
  /** A run that broke off: a failure of the benchmark. */
  readonly failure: string | null;
}

/** Names of the contenders that ratios are taken to. */
const BASELINES = ['c', 'node'];

/** The first thing that is wrong with a series, if anything is. */
export function problemOf({ samples, failure }: Series): string | null {
  return failure ?? samples.find(({ problem }) => problem !== null)?.problem ?? null;
}

/** Formats one case. */
export function formatCase({ title, unit }: Case, all: readonly Series[]): string {
  if (all.length === 0) return `${title}: nothing can run here`;
  const baselines = BASELINES.filter((name) => all.some((series) => series.name === name));
  const extras = Object.keys(
    all.find(({ samples }) => samples.length > 0)?.samples[0]?.extras ?? {},
  );
  const header = [
    '',
    `${unit}, median`,
    'min–max',
    ...baselines.map((name) => `of ${name}`),
    'CPU µs/op',
    ...extras,
  ];
  const rows = all.map((series) => {
    const problem = problemOf(series);
    if (series.samples.length === 0) return [series.name, `failed: ${problem ?? ''}`];
    const summary = summarize(series.samples.map(({ value }) => value));
    const ratios = baselines.map((name) => formatRatio(series, all.find(isNamed(name))));
    const cpu = summarize(series.samples.map((sample) => sample.cpuMicrosPerOperation)).median;
    const rest = extras.map((name) =>
      formatNumber(summarize(series.samples.map((sample) => sample.extras[name] ?? 0)).median),
    );
    const range = `${formatNumber(summary.min)}–${formatNumber(summary.max)}`;
    const note = problem === null ? [] : [`refused: ${problem}`];
    return [
      series.name,
      formatNumber(summary.median),
      range,
      ...ratios,
      cpu.toFixed(3),
      ...rest,
      ...note,
    ];
  });
  return `${title}\n${formatTable(header, rows)}`;
}

function isNamed(name: string): (series: Series) => boolean {
  return (series) => series.name === name;
}

function formatRatio(series: Series, baseline: Series | undefined): string {
  if (baseline === undefined || problemOf(baseline) !== null || problemOf(series) !== null) {
    return 'refused';
  }
  if (baseline === series) return '1';
  const values = (one: Series): number[] => one.samples.map(({ value }) => value);
  return formatRange(ratioOf(values(series), values(baseline)));
}

function formatRange({ median, min, max }: Summary): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
}

function formatNumber(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
  return value.toFixed(1);
}
