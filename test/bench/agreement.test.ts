/**
 * How far two runs agree, of samples that nobody had to measure; and the command that says so.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { agreementsOf, chanceOfMissing } from '../../bench/agreement.ts';
import type { CaseResult } from '../../bench/result.ts';
import { caseOf, sample, series } from '../support/bench-samples.ts';
import { runFile } from '../support/child.ts';
import { root } from '../support/source-tree.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const program = `${root}/dist/bench/run.js`;
const node = series('node', sample(100), sample(100));

function caseWith(...values: number[]): CaseResult {
  return caseOf(node, series('ours', ...values.map((value) => sample(value))));
}

function fileOf(...cases: CaseResult[]): string {
  const path = join(tempDirectory(), 'result.json');
  writeFileSync(path, JSON.stringify({ format: 1, settings: { rounds: 2 }, cases }));
  return path;
}

describe('agreementsOf', () => {
  it.each([
    ['overlap', [200, 220], [210, 260], true],
    ['touch', [200, 220], [220, 260], true],
    ['lie apart', [200, 220], [230, 260], false],
    ['lie apart the other way', [230, 260], [200, 220], false],
  ])('looks whether ranges %s', (_how, first, second, agrees) => {
    const [only, ...others] = agreementsOf([caseWith(...first)], [caseWith(...second)]);
    expect(only).toMatchObject({ title: 'work', row: 'ours', baseline: 'node', agrees });
    expect(only?.first.median).toBe(((first[0] ?? 0) + (first[1] ?? 0)) / 200);
    expect(others).toEqual([]);
  });

  it('leaves out what one of them has not proven, or has not run', () => {
    const broken = caseOf(node, series('ours', sample(200), sample(200, 'lost one')));
    expect(agreementsOf([caseWith(200, 200)], [broken])).toEqual([]);
    expect(agreementsOf([caseWith(200, 200)], [])).toEqual([]);
  });
});

describe('chanceOfMissing', () => {
  it.each([
    [1, 1],
    [2, 2 / 6],
    [4, 2 / 70],
  ])('of %i rounds', (rounds, chance) => {
    expect(chanceOfMissing(rounds)).toBeCloseTo(chance, 12);
  });
});

describe('compare', () => {
  const compare = (...paths: string[]): ReturnType<typeof runFile> =>
    runFile(program, { args: ['compare', ...paths] });

  it('counts what agrees, and names what does not', async () => {
    const first = fileOf(caseWith(200, 220));
    const { stdout, code } = await compare(first, fileOf(caseWith(300, 320)));
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^0 of 1 ratios agree within their ranges; of 2 rounds, up to 0 would not/,
    );
    expect(stdout).toMatch(/^work +ours +node +2\.10 \(2\.00–2\.20\) +3\.10 \(3\.00–3\.20\)$/m);
    expect((await compare(first, first)).stdout).toMatch(/^1 of 1 ratios agree .*alone\.\n$/);
  });

  it.each([
    [[], /^compare takes two files that --json wrote$/],
    [['a', 'b', 'c'], /^compare takes two files that --json wrote$/],
    [['/missing', '/missing'], /^Cannot read \/missing: ENOENT/],
    [[program, program], /run\.js is not what --json writes$/],
  ])('refuses %j', async (paths, message) => {
    const { code, stderr } = await compare(...paths);
    expect(code).toBe(1);
    expect(stderr.trim()).toMatch(message);
  });
});
