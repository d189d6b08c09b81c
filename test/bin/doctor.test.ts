/**
 * `onering doctor` as built: what it prints and exits with, with io_uring and without.
 *
 * What the features mean is tested where they are tried; here it is the report.
 */

import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatDiagnosis } from '../../bin/doctor.ts';
import type { Diagnosis } from '../../src/runtime/diagnosis.ts';
import { runFile } from '../support/child.ts';
import type { ChildResult } from '../support/child.ts';
import { ringTest } from '../support/ring-test.ts';

const command = fileURLToPath(new URL('../../dist/bin/onering.js', import.meta.url));
const COLUMNS_MAX = 100;

function doctor(args: string[], backend?: string): Promise<ChildResult> {
  return runFile(command, { args: ['doctor', ...args], env: { ONERING_BACKEND: backend } });
}

/** The outcome as one line, so that a failure shows what was said. */
function outcomeOf({ code, signal, stderr }: ChildResult): string {
  return `${code} ${signal} ${stderr}`;
}

function columnsOf(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length));
}

const sample: Diagnosis = {
  backend: 'uring',
  reason: null,
  kernel: '6.12.1',
  node: 'v20.20.0',
  features: {
    ringResize: { available: false, inUse: false, since: '6.13', note: 'long words '.repeat(20) },
    minWait: { available: true, inUse: true, since: '6.12', note: 'short' },
  } as Diagnosis['features'],
};

describe('onering doctor --json', () => {
  ringTest('6.18', 'prints every feature as available', async () => {
    const result = await doctor(['--json']);
    expect(outcomeOf(result)).toBe('0 null ');
    const diagnosis = JSON.parse(result.stdout) as Diagnosis;
    expect(Object.keys(diagnosis)).toEqual(['backend', 'reason', 'kernel', 'node', 'features']);
    expect(diagnosis).toMatchObject({
      backend: 'uring',
      reason: null,
      kernel: release(),
      node: process.version,
    });
    const { features } = diagnosis;
    expect(Object.values(features)).toHaveLength(19);
    expect(Object.values(features).filter(({ available }) => !available)).toEqual([]);
    for (const feature of Object.values(features)) {
      expect(Object.keys(feature)).toEqual(['available', 'inUse', 'since', 'note']);
    }
    expect(features.registeredWaits.inUse).toBe(true);
    expect(features.ringResize.inUse).toBe(true);
    expect(features.noIowait.inUse).toBe(true);
    expect(features.zeroCopySend.inUse).toBe(false);
  });

  it('prints the reason on the libuv backend', async () => {
    const result = await doctor(['--json'], 'libuv');
    expect(outcomeOf(result)).toBe('0 null ');
    const diagnosis = JSON.parse(result.stdout) as Diagnosis;
    expect(diagnosis.backend).toBe('libuv');
    expect(diagnosis.reason).toContain('ONERING_BACKEND is libuv');
    expect(Object.values(diagnosis.features).filter(({ available }) => available)).toEqual([]);
  });
});

describe('onering doctor', () => {
  ringTest('6.18', 'prints a header and a table', async () => {
    const result = await doctor([]);
    expect(outcomeOf(result)).toBe('0 null ');
    const { stdout } = result;
    expect(columnsOf(stdout)).toBeLessThanOrEqual(COLUMNS_MAX);
    expect(stdout).not.toContain('\u001B');
    expect(stdout).toContain(`kernel   Linux ${release()}\n`);
    expect(stdout).toContain(`node     ${process.version}\n`);
    expect(stdout).toContain(`libuv    ${process.versions.uv}\n`);
    expect(stdout).toMatch(/^backend {2}uring: /m);
    expect(stdout).toMatch(/^feature +available +in use +since +note$/m);
    expect(stdout).toMatch(/^ringResize +yes +yes +6\.13 +\S/m);
    expect(stdout).toMatch(/^hybridIopoll +yes +no +6\.13 +\S/m);
  });

  it('says why there is no io_uring and what to do', async () => {
    const result = await doctor([], 'libuv');
    expect(outcomeOf(result)).toBe('0 null ');
    const { stdout } = result;
    expect(columnsOf(stdout)).toBeLessThanOrEqual(COLUMNS_MAX);
    expect(stdout).toMatch(/^backend {2}libuv: /m);
    expect(stdout).toMatch(/^reason {3}ONERING_BACKEND is libuv: unset it/m);
    expect(stdout).toMatch(/^ringResize +no +no +6\.13 +see the reason above$/m);
  });

  it('explains itself', async () => {
    const result = await doctor(['--help']);
    expect(outcomeOf(result)).toBe('0 null ');
    expect(result.stdout).toMatch(/^Usage: onering doctor/);
  });

  it.each([
    [['--jsno'], "unknown option '--jsno'"],
    [['--json=yes'], "option '--json' does not take an argument"],
    [['now'], "unexpected argument 'now'"],
  ])('refuses %j in one line', async (args, complaint) => {
    const { code, stdout, stderr } = await doctor(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^onering: .*; see onering help\n$/);
    expect(stderr).toContain(complaint);
  });

  it('refuses a backend that does not exist in one line', async () => {
    const { code, stdout, stderr } = await doctor([], 'epoll');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^onering: .*ONERING_BACKEND.*\n$/);
  });
});

describe('formatDiagnosis', () => {
  it('breaks long notes under their column', () => {
    const lines = formatDiagnosis(sample, '1.46.0', false).trimEnd().split('\n');
    const at = lines.findIndex((line) => line.startsWith('ringResize'));
    expect(lines[at]).toMatch(/^ringResize {2}no {9}no {6}6\.13 {3}long words/);
    expect(lines[at + 1]).toMatch(/^ {38}(long|words) /);
    expect(lines.at(-1)).toBe('minWait     yes        yes     6.12   short');
    expect(columnsOf(lines.join('\n'))).toBeLessThanOrEqual(COLUMNS_MAX);
  });

  it('paints only where it may', () => {
    expect(formatDiagnosis(sample, '1.46.0', false)).not.toContain('\u001B');
    const painted = formatDiagnosis(sample, '1.46.0', true);
    expect(painted).toContain('\u001B[32myes      \u001B[39m');
    expect(painted).toContain('\u001B[33mno       \u001B[39m');
  });
});
