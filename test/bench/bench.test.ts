/**
 * The harness in its smoke size: every contender runs and gets its row and its ratios, and whoever
 * does not do its work gets none. What the ratios are is nobody's business here.
 *
 * A broken contender is made with `--node`: what is measured then is a program of the test's own.
 */

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatCase, problemOf } from '../../bench/report.ts';
import type { Series } from '../../bench/report.ts';
import type { Case, Sample } from '../../bench/scenario.ts';
import { ratioOf, summarize } from '../../bench/statistics.ts';
import { formatTable } from '../../bench/table.ts';
import { buildTwins } from '../../bench/twins.ts';
import { runFile } from '../support/child.ts';
import type { ChildResult } from '../support/child.ts';
import { ringTest } from '../support/ring-test.ts';
import { root } from '../support/source-tree.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const TIMEOUT_MS = 60_000;
/** `0.39 (0.39–0.39)`: a ratio with its range. */
const ratio = /\d\.\d\d \(\d+\.\d\d–\d+\.\d\d\)/g;
const twins = buildTwins();

function runBench(...args: string[]): Promise<ChildResult> {
  return runFile(`${root}/dist/bench/run.js`, {
    args: [...args, '--quick', '--rounds', '1', '--seconds', '0.2', '--connections', '4'],
    timeoutMs: TIMEOUT_MS,
  });
}

/** The lines of the table with this title, by contender. */
function rowsOf(stdout: string, title: string): Map<string, string> {
  const table = stdout.split('\n\n').find((text) => text.startsWith(title));
  const rows = table?.trimEnd().split('\n').slice(2) ?? [];
  return new Map(rows.map((row) => [row.split(' ')[0] ?? '', row]));
}

function ratiosIn(row: string | undefined): number {
  return row?.match(ratio)?.length ?? 0;
}

/** An executable that behaves like no Node.js should, once it has said its version. */
function fakeNode(script: string): string {
  const path = join(tempDirectory(), 'node');
  writeFileSync(path, `#!/bin/sh\n[ "$1" = --version ] && exec echo fake\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('smoke run', () => {
  const echoNames = ['c', 'node', 'onering-callback', 'onering-promise'];
  const nopNames = ['c', 'onering-callback', 'onering-promise'];
  const busy = (name: string): string => `${name}-busy-wait`;
  const rttNames = [...echoNames, ...nopNames.map(busy)];
  const present = (name: string): boolean =>
    !/^c\b/.test(name) || (name === 'c' ? twins.nop : twins.echo) !== null;

  ringTest(
    '6.1',
    'gives every contender a row and its ratios',
    async () => {
      const { code, stdout, stderr } = await runBench();
      expect({ code, failed: stdout.match(/failed|refused/g) }).toEqual({ code: 0, failed: null });
      for (const depth of [1, 64]) {
        const rows = rowsOf(stdout, `nop, depth ${depth}\n`);
        expect([...rows.keys()]).toEqual(nopNames.filter(present));
        const ratios = twins.nop === null ? 0 : 1;
        expect(ratiosIn(rows.get('onering-callback'))).toBe(ratios);
        expect(ratiosIn(rows.get('onering-promise'))).toBe(ratios);
      }
      if (twins.load === null) {
        expect(stderr).toContain('echo is left out');
        return;
      }
      const baselines = twins.echo === null ? 1 : 2;
      for (const [title, names] of [
        ['echo,', echoNames],
        ['rtt,', rttNames],
      ] as const) {
        const rows = rowsOf(stdout, title);
        expect([...rows.keys()]).toEqual(names.filter(present));
        for (const name of names.slice(2).filter(present)) {
          expect(ratiosIn(rows.get(name)), name).toBe(baselines);
        }
      }
    },
    TIMEOUT_MS,
  );
});

describe('a contender that does not do its work', () => {
  it('gets no ratio for NOPs with the wrong checksum', async () => {
    const figures = { operations: 10, seconds: 1, cpuSeconds: 1, completions: 10, checksum: 44 };
    const node = fakeNode(`echo '${JSON.stringify(figures)}'`);
    const { code, stdout } = await runBench('nop', '--depths', '1', '--node', node);
    const row = rowsOf(stdout, 'nop, depth 1').get('onering-callback');
    expect(row).toContain('refused: checksum 44 instead of 45');
    expect(ratiosIn(stdout)).toBe(0);
    expect(code).toBe(1);
  });

  it('gets no ratio, and gives none, for echoes that differ', async ({ skip }) => {
    if (twins.load === null) skip(twins.notes.join('; '));
    const node = fakeNode(`exec "${process.execPath}" --input-type=module --eval '${corruptEcho}'`);
    const { code, stdout } = await runBench('echo', '--only', 'c,node', '--node', node);
    const rows = rowsOf(stdout, 'echo,');
    expect(rows.get('node')).toMatch(/ refused: \d+ mismatches$/);
    expect(ratiosIn(stdout)).toBe(0);
    expect(code).toBe(1);
  });

  it('is reported when it breaks off', async () => {
    const node = fakeNode('echo "Error: no luck" >&2; exit 3');
    const { code, stdout } = await runBench('nop', '--depths', '1', '--node', node);
    const row = rowsOf(stdout, 'nop, depth 1').get('onering-promise');
    expect(row).toContain('failed: node nop-promise.js has failed: Error: no luck');
    expect(ratiosIn(stdout)).toBe(0);
    expect(code).toBe(1);
  });
});

/** Single quotes would end the argument that it is. */
const corruptEcho = `
  import net from "node:net";
  const server = net.createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      chunk[chunk.length - 1] ^= 1;
      socket.write(chunk);
    });
  });
  server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(server.address())));
  process.on("SIGTERM", () => {
    console.log("{}");
    process.exit(0);
  });
`;

describe('report', () => {
  const sample = (value: number, problem: string | null = null): Sample => {
    return { value, cpuMicrosPerOperation: 1, extras: {}, problem };
  };
  const series = (name: string, ...samples: Sample[]): Series => {
    return { name, samples, failure: null };
  };
  const oneCase: Case = {
    title: 'work',
    unit: 'op/s',
    contenders: [],
    run: () => Promise.reject(new Error('not here')),
  };

  it('takes ratios of medians, with their range round by round', () => {
    const baseline = series('c', sample(100), sample(200));
    const text = formatCase(oneCase, [baseline, series('ours', sample(50), sample(150))]);
    expect(text).toMatch(/^ours .* 0\.67 \(0\.50–0\.75\)/m);
  });

  it('refuses a ratio to everybody when the baseline has a problem', () => {
    const baseline = series('c', sample(100), sample(100, 'lost one'));
    const text = formatCase(oneCase, [baseline, series('ours', sample(50), sample(50))]);
    expect(ratiosIn(text)).toBe(0);
    expect(text).toMatch(/^c .* refused: lost one$/m);
    expect(problemOf(baseline)).toBe('lost one');
  });

  it('refuses it to a contender when one of its rounds has a problem', () => {
    const broken = series('ours', sample(50), sample(50, 'wrong sum'));
    const text = formatCase(oneCase, [series('c', sample(100), sample(100)), broken]);
    expect(ratiosIn(text)).toBe(0);
    expect(text).toMatch(/^ours .* refused .* refused: wrong sum$/m);
  });
});

describe('statistics', () => {
  it('finds the middle of even and odd series', () => {
    expect(summarize([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(summarize([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(() => summarize([])).toThrow(RangeError);
  });

  it('compares only rounds that have a counterpart', () => {
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

describe('the command', () => {
  it.each([
    [['nap'], 'Unknown scenario "nap"; expected one of nop, echo, rtt'],
    [['--depths', '0'], 'Expected a positive whole number for --depths, got "0"'],
    [['--size', 'x'], 'Expected a positive whole number for --size, got "x"'],
  ])('refuses %j before anything is started', async (args, message) => {
    const { code, stdout, stderr } = await runBench(...args);
    expect({ code, stdout, stderr: stderr.trim() }).toEqual({
      code: 1,
      stdout: '',
      stderr: message,
    });
  });

  it('refuses a contender that nobody knows', async () => {
    const { code, stderr } = await runBench('nop', '--only', 'java');
    expect(code).toBe(1);
    expect(stderr).toContain('--only knows c, onering-callback, onering-promise');
  });
});
