/**
 * The few statistics that the report needs: medians, extremes, and ratios between two series.
 *
 * Series are short (one value a round) and paired: value i of both series comes from the same
 * round, minutes apart at most. A ratio is that of the medians; its range is taken over the
 * rounds, so that it shows how far two neighboring runs disagree about it.
 */

/** The middle of a series and its extremes. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Summarizes a series of at least one value. */
export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError('Expected at least one value');
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted.length >> 1;
  const lower = (sorted.length - 1) >> 1;
  const at = (index: number): number => sorted.at(index) ?? Number.NaN;
  return { median: (at(lower) + at(upper)) / 2, min: at(0), max: at(-1) };
}

/** Ratio of the medians, with the extremes of the ratios round by round. */
export function ratioOf(values: readonly number[], baseline: readonly number[]): Summary {
  if (values.length !== baseline.length) throw new RangeError('Expected series of one length');
  const perRound = values.map((value, round) => value / (baseline[round] ?? Number.NaN));
  const { min, max } = summarize(perRound);
  return { median: summarize(values).median / summarize(baseline).median, min, max };
}
