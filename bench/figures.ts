/**
 * What stands in the cells of a table, on the terminal and on the page: figures and ratios as text.
 *
 * A ratio needs both sides to have done the whole work in every round. One sample with a problem
 * takes the ratio away from its contender, and from everybody when it is the baseline's.
 */

import { isProven } from './result.ts';
import type { CaseResult, Series } from './result.ts';
import type { Sample } from './scenario.ts';
import { ratioOf, summarize } from './statistics.ts';
import type { Summary } from './statistics.ts';

const MIB = 1024 * 1024;
/** What nobody could learn. */
const UNKNOWN = 'n/a';

/** A column of a table. */
export interface Column {
  readonly head: string;
  readonly cell: (series: Series) => string;
}

/** The columns of a case, without those that nobody has anything for. */
export function columnsOf({ baselines, series: all }: CaseResult): Column[] {
  const names = new Set(
    all.flatMap(({ samples }) => samples.flatMap(({ extras }) => Object.keys(extras))),
  );
  const figures = [
    ...FIGURES,
    ...[...names].map((name) => figure(name, 1, ({ extras }) => extras[name] ?? null)),
  ];
  return [
    ...baselines.flatMap((name) => {
      const baseline = all.find((series) => series.name === name);
      if (baseline === undefined) return [];
      return [{ head: `of ${name}`, cell: (series: Series) => formatRatio(series, baseline) }];
    }),
    ...figures.filter(({ cell }) => all.some((series) => cell(series) !== UNKNOWN)),
  ];
}

/** Median and extremes of the value, as text. */
export function formatValues({ samples }: Series): [string, string] {
  const { median, min, max } = summarize(samples.map(({ value }) => value));
  return [formatNumber(median), `${formatNumber(min)}–${formatNumber(max)}`];
}

/** Ratio of two series. */
export function ratioBetween(series: Series, baseline: Series): Summary {
  const values = (one: Series): number[] => one.samples.map(({ value }) => value);
  return ratioOf(values(series), values(baseline));
}

/** A ratio and its extremes. */
export function formatSummary({ median, min, max }: Summary): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
}

/** Median of one figure; null when any sample lacks it. */
export function medianOf(
  { samples }: Series,
  read: (sample: Sample) => number | null,
): number | null {
  const values = samples.map(read).filter((value) => value !== null);
  if (values.length === 0 || values.length < samples.length) return null;
  return summarize(values).median;
}

function figure(head: string, digits: number, read: (sample: Sample) => number | null): Column {
  return { head, cell: (series) => formatFigure(medianOf(series, read), digits) };
}

const FIGURES: readonly Column[] = [
  figure('p50 µs', 1, ({ latencyMicros }) => latencyMicros?.p50 ?? null),
  figure('p99 µs', 1, ({ latencyMicros }) => latencyMicros?.p99 ?? null),
  figure('p99.9 µs', 1, ({ latencyMicros }) => latencyMicros?.p999 ?? null),
  figure('CPU µs/op', 3, (sample) => sample.cpuMicrosPerOperation),
  figure('switches/op', 3, (sample) => sample.switchesPerOperation),
  { head: 'syscalls/op', cell: (series) => formatFigure(series.syscallsPerOperation, 3) },
  figure('peak MiB', 0, ({ peakBytes }) => (peakBytes === null ? null : peakBytes / MIB)),
  figure('timer late, p99 µs', 0, ({ timerLateMicros }) => timerLateMicros?.p99 ?? null),
];

function formatRatio(series: Series, baseline: Series): string {
  if (series.family === 'fio') return UNKNOWN;
  if (!isProven(baseline) || !isProven(series)) return 'refused';
  if (baseline === series) return '1';
  const ratio = ratioBetween(series, baseline);
  return Number.isFinite(ratio.median) ? formatSummary(ratio) : UNKNOWN;
}

function formatFigure(value: number | null, digits: number): string {
  if (value === null) return UNKNOWN;
  return value >= 1000 ? formatNumber(value) : value.toFixed(digits);
}

/** With thin groups of thousands; small values with a digit behind the point. */
function formatNumber(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
