/**
 * The few statistics that the report needs: medians, extremes, and ratios between two series.
 *
 * Series are short: one value a round. A ratio is that of the medians; its range is that of any
 * round of one beside any round of the other. The ratios of rounds that belong together lie within
 * it, and closer: so close that two whole runs disagreed in one of six rows about more than those
 * said, because what is a minute apart within a round has as little in common as two rounds have.
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

/** Ratio of the medians, with the extremes of what two rounds can give. */
export function ratioOf(values: readonly number[], baseline: readonly number[]): Summary {
  if (values.length !== baseline.length) throw new RangeError('Expected series of one length');
  const [ours, theirs] = [summarize(values), summarize(baseline)];
  return {
    median: ours.median / theirs.median,
    min: ours.min / theirs.max,
    max: ours.max / theirs.min,
  };
}
