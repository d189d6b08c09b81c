/**
 * Tables, ratios and the page, made from samples that nobody had to measure.
 */

import { describe, expect, it } from 'vitest';
import { formatCase, formatComparison } from '../../bench/report.ts';
import { problemOf } from '../../bench/result.ts';
import { ratioOf, summarize } from '../../bench/statistics.ts';
import { formatTable } from '../../bench/table.ts';
import { caseOf, sample, series } from '../support/bench-samples.ts';

const ratio = /\d\.\d\d \(\d+\.\d\d–\d+\.\d\d\)/g;

describe('formatCase', () => {
  it('takes ratios of medians, with the range of any round beside any', () => {
    const text = formatCase(
      caseOf(series('node', sample(100), sample(200)), series('ours', sample(50), sample(150))),
    );
    expect(text).toMatch(/^ours .* 0\.67 \(0\.25–1\.50\)/m);
  });

  it('refuses a ratio to everybody when the baseline has a problem', () => {
    const baseline = series('node', sample(100), sample(100, 'lost one'));
    const text = formatCase(caseOf(baseline, series('ours', sample(50), sample(50))));
    expect(text).not.toMatch(ratio);
    expect(text).toMatch(/^node .* refused: lost one$/m);
    expect(problemOf(baseline)).toBe('lost one');
  });

  it('refuses it to a contender when one of its rounds has a problem', () => {
    const broken = series('ours', sample(50), sample(50, 'wrong sum'));
    const text = formatCase(caseOf(series('node', sample(100), sample(100)), broken));
    expect(text).not.toMatch(ratio);
    expect(text).toMatch(/^ours .* refused .* refused: wrong sum$/m);
  });

  it('leaves out columns that nobody has anything for', () => {
    const text = formatCase(caseOf(series('node', sample(100))));
    expect(text).toContain('CPU µs/op');
    expect(text).not.toContain('p99');
  });
});

describe('formatComparison', () => {
  it('says so when the rounds disagree', () => {
    const baseline = series('node', sample(100), sample(100));
    const unsure = caseOf(baseline, series('ours', sample(90), sample(120)));
    expect(formatComparison([unsure])).toContain('too close to call');
    const slower = caseOf(baseline, series('ours', sample(50), sample(60)));
    expect(formatComparison([slower])).toContain('WORSE');
    const less = { ...slower, better: 'less' } as const;
    expect(formatComparison([less])).toContain('better');
  });

  it('has nothing to say about contenders that proved nothing', () => {
    const broken = caseOf(series('node', sample(100)), series('ours', sample(50, 'wrong sum')));
    expect(formatComparison([broken])).toBe('');
  });
});

describe('statistics', () => {
  it('finds the middle of even and odd series', () => {
    expect(summarize([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(summarize([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(() => summarize([])).toThrow(RangeError);
  });

  it('gives a ratio the range of any round beside any other', () => {
    expect(ratioOf([30, 60, 40], [10, 20, 20])).toEqual({ median: 2, min: 1.5, max: 6 });
  });

  it('compares only series of as many rounds', () => {
    expect(() => ratioOf([1], [1, 2])).toThrow(RangeError);
  });
});

describe('formatTable', () => {
  it('aligns columns, and lets a note run over', () => {
    const rows = [
      ['a', '1.0', '22'],
      ['bb', 'failed: because of everything'],
    ];
    expect(formatTable(['', 'x', 'y'], rows).split('\n')).toEqual([
      '      x   y',
      'a   1.0  22',
      'bb  failed: because of everything',
    ]);
  });
});
