/**
 * The micro benchmarks in their smoke size, so that they cannot rot: every part runs, checks its
 * own work, and gets its row. What the figures are is nobody's business here.
 */

import { describe, expect, it } from 'vitest';
import { SMOKE, measureParts, scatter } from '../../bench/micro/measurement.ts';
import { runFile } from '../support/child.ts';
import { ringTest } from '../support/ring-test.ts';
import { root } from '../support/source-tree.ts';

const program = `${root}/dist/bench/micro/run.js`;

interface Table {
  readonly title: string;
  readonly rows: readonly { readonly name: string; readonly medianNs: number }[];
}

async function runMicros(...names: string[]): Promise<Table[]> {
  const { code, stdout, stderr } = await runFile(program, { args: ['--smoke', ...names] });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [head, ...tables] = stdout.trimEnd().split('\n\n');
  expect(head).toContain(`Node ${process.version}`);
  return tables.map(parseTable);
}

/** Cells are two spaces apart; the header's first cell is the title. */
function parseTable(text: string): Table {
  const [header, ...rows] = text.split('\n').map((line) => line.split(/ {2,}/));
  return {
    title: header?.[0] ?? '',
    rows: rows.map(([name = '', median]) => ({ name, medianNs: Number(median) })),
  };
}

function expectRows({ rows }: Table, names: readonly string[]): void {
  expect(rows.map(({ name }) => name)).toEqual(names);
  for (const { name, medianNs } of rows) {
    // The system may count too coarsely to see the CPU time of a few waits.
    const min = name.endsWith('CPU time') ? 0 : 0.1;
    expect(medianNs, name).toBeGreaterThanOrEqual(min);
  }
}

describe('smoke run', () => {
  ringTest('6.1', 'of what needs a ring', async ({ open }) => {
    const runtime = open();
    const hasSlots = runtime.engine?.waiter.usesSlots === true;
    const [nop, wait, tick, ...others] = await runMicros('nop', 'wait', 'tick');
    expect(others).toEqual([]);
    const styles = ['promise', 'callback'];
    expectRows(
      nop!,
      styles.flatMap((style) => [1, 8, 64, 512].map((depth) => `${style}, depth ${depth}`)),
    );
    const timed = (way: string): string[] =>
      ['satisfied at once', '50 µs, elapsed', '50 µs, CPU time'].map((what) => `${way}, ${what}`);
    expectRows(wait!, [
      ...(hasSlots ? timed('registered slot') : []),
      ...timed('TIMEOUT'),
      'plain, satisfied at once',
      ...timed('EXT_ARG'),
    ]);
    expectRows(tick!, [
      'no runtime',
      'nothing in flight',
      'an unreferenced timer',
      'an unreferenced operation',
    ]);
  });

  it('of the data structures', async () => {
    const [operations, timers, ...others] = await runMicros('operation-table', 'timer-heap');
    expect(others).toEqual([]);
    const kinds = ['release and acquire', 'find', "find a late completion's"];
    expectRows(
      operations!,
      [1, 64, 4096].flatMap((count) => kinds.map((kind) => `${kind}, ${count} in flight`)),
    );
    expectRows(
      timers!,
      [10, 100].flatMap((count) =>
        ['add', 'remove', 'takeDue'].map((kind) => `${kind}, ${count} timers`),
      ),
    );
  });
});

describe('the command', () => {
  it('names what it knows when it is asked for something else', async () => {
    const { code, stdout, stderr } = await runFile(program, { args: ['nap'] });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('"nap"; expected one of nop, wait, tick, operation-table, timer-heap');
  });

  it('is behind the harness too', async () => {
    const harness = `${root}/dist/bench/run.js`;
    const help = await runFile(harness, { args: ['micro', '--help'] });
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('timer-heap');
    const wrong = await runFile(harness, { args: ['micro', 'nap'] });
    expect(wrong.code).toBe(1);
  });
});

describe('measureParts', () => {
  it('divides what a part says by its count', async () => {
    const [row] = await measureParts(SMOKE, [{ name: 'a', count: 10, measure: () => 5 }]);
    expect(row).toMatchObject({ name: 'a', medianNs: 500_000, spreadNs: 0, samples: 3 });
  });

  it('fails with a part', async () => {
    const measure = (): Promise<number> => Promise.reject(new Error('wrong result'));
    await expect(measureParts(SMOKE, [{ name: 'a', count: 1, measure }])).rejects.toThrow(
      'wrong result',
    );
  });
});

describe('scatter', () => {
  it('gives every index a place of its own, far from its neighbors', () => {
    const places = Array.from({ length: 1000 }, (_, index) => scatter(index));
    expect(new Set(places).size).toBe(1000);
    const ascents = places.filter((place, index) => index > 0 && place > places[index - 1]!);
    expect(ascents.length).toBeLessThan(700);
  });
});
