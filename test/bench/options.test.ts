/**
 * What the harness makes of its arguments: sizes, what a first look leaves out, and how long it
 * takes.
 */

import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../bench/options.ts';
import { planOf } from '../../bench/runner.ts';
import type { Bench } from '../../bench/scenario.ts';
import { scenarios } from '../../bench/scenarios/index.ts';

const QUICK_SECONDS_MAX = 170;

describe('parseOptions', () => {
  it('leaves details out of a first look, unless they are named', () => {
    const names = (args: string[]): string[] =>
      parseOptions(args, scenarios).scenarios.map(({ name }) => name);
    expect(names([])).toEqual(scenarios.map(({ name }) => name));
    expect(names(['--quick'])).not.toContain('wait');
    expect(names(['--quick'])).toContain('http');
    expect(names(['--quick', 'wait', 'http'])).toEqual(['wait', 'http']);
  });

  it('compares a first look with node and c, unless told otherwise', () => {
    const against = (args: string[]): readonly string[] =>
      parseOptions(args, scenarios).settings.against;
    expect(against([])).toEqual([]);
    expect(against(['--quick'])).toEqual(['node', 'c']);
    expect(against(['--quick', '--against', 'bun'])).toEqual(['bun']);
  });

  it('warms servers up for longer, unless told for how long', () => {
    const warmups = (args: string[]): number[] => {
      const { settings } = parseOptions(args, scenarios);
      return [settings.warmupSeconds, settings.serverWarmupSeconds];
    };
    for (const size of [[], ['--quick']]) {
      const [others = 0, servers = 0] = warmups(size);
      expect(servers).toBeGreaterThan(others);
    }
    expect(warmups(['--quick', '--warmup', '2'])).toEqual([2, 2]);
  });

  it('plans less than three minutes for a first look where everything is there', () => {
    const { settings, scenarios: chosen } = parseOptions(['--quick'], scenarios);
    const there = { path: '/bin/true', version: '1' };
    const bench: Bench = {
      settings,
      pinning: null,
      twins: {
        nop: 'x',
        echo: 'x',
        storage: 'x',
        load: 'x',
        loadStream: 'x',
        loadUdp: 'x',
        loadHttp: 'x',
        sendZc: 'x',
        notes: [],
      },
      programs: { node: there, bun: there, deno: there, fio: there, nginx: there },
      folder: () => '/nowhere',
    };
    const seconds = chosen.flatMap((scenario) =>
      scenario
        .cases(bench)
        .map((oneCase, index) => planOf(oneCase, index === 0, { settings, counter: null })),
    );
    const sum = seconds.reduce((total, one) => total + one, 0);
    expect(sum).toBeGreaterThan(60);
    expect(sum).toBeLessThan(QUICK_SECONDS_MAX);
  });
});
