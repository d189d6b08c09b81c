/**
 * How what a machine says is judged: that nothing which went wrong, and nothing that is missing,
 * can be taken for success.
 */

import type { Diagnosis } from 'onering';
import { describe, expect, it } from 'vitest';
import { featureNames, isExpected } from './expectations.ts';
import type { CheckLine, Line } from './guest/protocol.ts';
import type { Shutdown } from './machine.ts';
import { formatFeatures, formatOutcomes, judge, parseLine, readFeatures } from './report.ts';
import { diagnose } from '../../src/runtime/index.ts';

const release = '6.1.0-50-cloud-amd64';
const ended: Shutdown = { isSilent: false, isCut: false, code: 0, console: 'last words' };

function doctorLine(backend: 'uring' | 'libuv', changes: Record<string, boolean> = {}): Line {
  const features = Object.fromEntries(
    featureNames.map((name) => {
      const available = changes[name] ?? isExpected(name, release);
      return [name, { available, note: 'EINVAL' }];
    }),
  );
  return {
    type: 'doctor',
    diagnosis: { backend, kernel: release, features } as unknown as Diagnosis,
  };
}

function checkLine(outcome: CheckLine['outcome']): CheckLine {
  const rest = { program: 'files', backend: 'uring', name: 'reads', elapsedMs: 1 };
  return { type: 'check', outcome, ...rest, detail: 'because' };
}

const boot: Line = { type: 'boot', release, node: 'v20' };
const end: Line = { type: 'end' };
const good: readonly Line[] = [boot, doctorLine('uring'), checkLine('passed'), end];

function problemsOf(lines: readonly Line[], shutdown: Shutdown = ended): readonly string[] {
  return judge('6.1', lines, shutdown).problems;
}

describe('judge', () => {
  it('finds nothing wrong with what is right', () => {
    expect(problemsOf(good)).toEqual([]);
    expect(problemsOf([...good, checkLine('skipped')])).toEqual([]);
  });

  it('reports a check that failed', () => {
    expect(problemsOf([...good, checkLine('failed')])).toEqual(['files on uring: reads: because']);
  });

  it('reports features that are missing, and such as should be', () => {
    const lines = [boot, doctorLine('uring', { deferTaskrun: false, minWait: true }), end];
    expect(problemsOf(lines)).toEqual([
      'deferTaskrun is expected: EINVAL',
      'minWait is not expected',
    ]);
  });

  it('reports a machine without the ring, and one that says nothing', () => {
    expect(problemsOf([boot, doctorLine('libuv'), end])).toEqual(['the ring is not in use']);
    expect(problemsOf([end])).toEqual(['the ring is not in use']);
    expect(problemsOf([])).toHaveLength(2);
  });

  it('reports how it ended, with its console', () => {
    expect(problemsOf(good.slice(0, -1))[0]).toMatch(/^it ended too early.*\nlast words$/);
    expect(problemsOf(good, { ...ended, code: 1 })[0]).toMatch(/^it ended too early, with 1/);
    expect(problemsOf(good, { ...ended, isSilent: true })[0]).toMatch(/^it was silent/);
  });

  it('holds against a machine whose time was over only what it has said', () => {
    const cut = { ...ended, isCut: true, code: null };
    for (const said of [[], [boot], good.slice(0, -1)]) {
      expect(judge('6.1', said, cut)).toMatchObject({ problems: [], isCut: true });
    }
    expect(problemsOf([boot, doctorLine('libuv')], cut)).toEqual(['the ring is not in use']);
    expect(problemsOf([...good.slice(0, -1), checkLine('failed')], cut)).toHaveLength(1);
  });
});

describe('parseLine', () => {
  it('takes JSON and nothing else', () => {
    expect(parseLine(JSON.stringify(end))).toEqual(end);
    for (const text of ['', '[    1.0] nvme', '{"type":"en', '[1]']) {
      expect(parseLine(text)).toBeNull();
    }
  });
});

describe('tables', () => {
  const old = judge('6.1', good, ended);
  const none = judge('7', [], ended);

  it('have the features, and can be read back', () => {
    const table = formatFeatures([old, none]);
    expect(table).toContain('| `deferTaskrun` | yes | no |\n');
    const read = readFeatures(`# Title\n\n${table}\ntext\n`);
    expect([...read.keys()]).toEqual(['6.1', '7']);
    expect(read.get('6.1')).toEqual(old.available);
    expect(read.get('7')).toEqual(new Set());
    expect(readFeatures('nothing')).toEqual(new Map());
  });

  it('have the outcomes', () => {
    expect(formatOutcomes([judge('6.1', [...good, checkLine('failed')], ended)])).toContain(
      `| 6.1 | ${release} | 2 | 1 | 0 | 1 |\n`,
    );
  });
});

describe('expectations', () => {
  it('are about the features that there are', () => {
    expect(Object.keys(diagnose().features)).toEqual(featureNames);
  });

  it('go by the release', () => {
    expect(isExpected('ringResize', '6.12.107+deb13')).toBe(false);
    expect(isExpected('ringResize', '6.13.0')).toBe(true);
    expect(isExpected('ringResize', '7.0.1')).toBe(true);
    expect(isExpected('multishotAccept', '5.18.3')).toBe(false);
  });
});
