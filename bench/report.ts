/**
 * Results as text for the terminal: a table for each case, and in the end how onering compares with
 * Node. Which figures and ratios there are is decided in figures.ts.
 */

import { compareWithNode } from './comparison.ts';
import { columnsOf, formatSummary, formatValues } from './figures.ts';
import { problemOf } from './result.ts';
import type { CaseResult } from './result.ts';
import { formatTable } from './table.ts';

/** Formats one case. */
export function formatCase(result: CaseResult): string {
  const { title, unit, better, series: all } = result;
  if (all.length === 0) return `${title}: nothing can run here`;
  const columns = columnsOf(result);
  const header = ['', `${unit}, median`, 'min–max', ...columns.map(({ head }) => head)];
  const rows = all.map((series) => {
    const problem = problemOf(series);
    if (series.samples.length === 0) return [series.name, `failed: ${problem ?? ''}`];
    const note = problem === null ? [] : [`refused: ${problem}`];
    const cells = columns.map(({ cell }) => cell(series));
    return [series.name, ...formatValues(series), ...cells, ...note];
  });
  const direction = better === 'less' ? ' (less is better)' : '';
  return `${title}${direction}\n${formatTable(header, rows)}`;
}

/** Formats how onering compares with Node; empty when nothing can be compared. */
export function formatComparison(cases: readonly CaseResult[]): string {
  const rows = compareWithNode(cases).map(({ title, row, ratio, verdict, cpuRatio }) => [
    title,
    row,
    formatSummary(ratio),
    verdict === 'worse' ? 'WORSE' : verdict,
    cpuRatio === null ? '' : cpuRatio.toFixed(2),
  ]);
  if (rows.length === 0) return '';
  const header = ['onering beside node', 'row', 'ratio (range)', 'verdict', 'CPU per op'];
  return [
    formatTable(header, rows),
    '',
    'ratio: of the value above, to node; CPU per op: 0.50 means half of the CPU time.',
  ].join('\n');
}
