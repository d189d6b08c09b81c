/**
 * How far two runs of the same scenarios agree: `onering bench compare A.json B.json`.
 *
 * A ratio agrees with itself where its ranges in the two runs overlap. The range of `n` rounds is
 * that of few values: where only one side of a ratio varies, two runs of the very same do not
 * overlap in 2 of C(2n, n) cases, once in 35 at four rounds, and less often where both do. So rows
 * that disagree are counted beside the most that chance alone would do, and each of them is named
 * with both of its ratios.
 */

import { formatSummary, ratioBetween } from './figures.ts';
import { isProven } from './result.ts';
import type { CaseResult, Result } from './result.ts';
import type { Summary } from './statistics.ts';
import { formatTable } from './table.ts';

/** One ratio, in two runs. */
export interface Agreement {
  readonly title: string;
  readonly row: string;
  readonly baseline: string;
  readonly first: Summary;
  readonly second: Summary;
  /** Whether the ranges overlap. */
  readonly agrees: boolean;
}

/** All ratios to the first baseline of their case that both runs have proven. */
export function agreementsOf(
  first: readonly CaseResult[],
  second: readonly CaseResult[],
): Agreement[] {
  return first.flatMap((one) => {
    const other = second.find(({ title }) => title === one.title);
    const [baseline] = one.baselines;
    if (other === undefined || baseline === undefined) return [];
    return one.series.flatMap(({ name }) => {
      const ratios = [ratioIn(one, name, baseline), ratioIn(other, name, baseline)] as const;
      const [a, b] = ratios;
      if (a === null || b === null) return [];
      const agrees = a.min <= b.max && b.min <= a.max;
      return [{ title: one.title, row: name, baseline, first: a, second: b, agrees }];
    });
  });
}

/** How often, at most, ranges of so many rounds miss each other when nothing differs. */
export function chanceOfMissing(rounds: number): number {
  let ways = 1;
  for (let n = 1; n <= rounds; n += 1) ways *= (rounds + n) / n;
  return 2 / ways;
}

/** What the command prints. */
export function formatAgreement(first: Result, second: Result): string {
  const agreements = agreementsOf(first.cases, second.cases);
  const disagreeing = agreements.filter(({ agrees }) => !agrees);
  const rounds = Math.min(first.settings.rounds, second.settings.rounds);
  const byChance = agreements.length * chanceOfMissing(rounds);
  const summary =
    `${agreements.length - disagreeing.length} of ${agreements.length} ratios agree within their ` +
    `ranges; of ${rounds} rounds, up to ${byChance.toFixed(0)} would not by chance alone.`;
  if (disagreeing.length === 0) return summary;
  const rows = disagreeing.map(({ title, row, baseline, first: a, second: b }) => [
    title,
    row,
    baseline,
    formatSummary(a),
    formatSummary(b),
  ]);
  const header = ['do not agree', 'row', 'of', 'first', 'second'];
  return [summary, '', formatTable(header, rows)].join('\n');
}

function ratioIn({ series }: CaseResult, name: string, baseline: string): Summary | null {
  const one = series.find((candidate) => candidate.name === name && !candidate.isAgain);
  const base = series.find((candidate) => candidate.name === baseline && !candidate.isAgain);
  if (one === undefined || base === undefined || one === base) return null;
  if (!isProven(one) || !isProven(base)) return null;
  const ratio = ratioBetween(one, base);
  return [ratio.median, ratio.min, ratio.max].every(Number.isFinite) ? ratio : null;
}
