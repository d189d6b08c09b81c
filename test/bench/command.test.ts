/**
 * The command around the benchmarks: arguments, Ctrl-C, the bar, and the small parts that measure.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Histogram } from '../../bench/histogram.ts';
import { mix, smallSize, stampRecord, sumOfBytes, sumOfRecord } from '../../bench/pattern.ts';
import { Progress } from '../../bench/progress.ts';
import type { Result } from '../../bench/result.ts';
import { runFile } from '../support/child.ts';
import { ringTest } from '../support/ring-test.ts';
import { root } from '../support/source-tree.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const program = `${root}/dist/bench/run.js`;

describe('the command', () => {
  it.each([
    [['nap'], /^Unknown scenario "nap"; expected one of read, /],
    [['--depths', '0'], /^Expected a positive whole number for --depths, got "0"$/],
    [['--message-size', 'x'], /^Expected a positive whole number for --message-size, got "x"$/],
    [['--against', 'java'], /^Unknown "java" in --against; expected some of node, c, /],
    [['nop', '--only', 'java'], /^Nothing to run for "NOP, .*: --only knows c, onering-callback/],
  ])('refuses %j before anything is started', async (args, message) => {
    const { code, stdout, stderr } = await runFile(program, { args: ['--smoke', ...args] });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trim()).toMatch(message);
  });

  it('explains itself and lists what it has', async () => {
    const help = await runFile(program, { args: ['--help'] });
    expect(help.stdout).toContain('--against A,B');
    const list = await runFile(program, { args: ['--list', 'read'] });
    expect(list.stdout).toMatch(/^read: 4 KiB random reads/m);
  });

  ringTest('6.1', 'keeps what is done when it is interrupted', async () => {
    const json = join(tempDirectory(), 'result.json');
    const args = ['nop', '--depths', '1,64', '--rounds', '3', '--seconds', '0.4'];
    const more = ['--only', 'onering-promise', '--smoke', '--json', json];
    const child = spawn(process.execPath, [program, ...args, ...more], { stdio: 'pipe' });
    onTestFinished(() => void child.kill('SIGKILL'));
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      // The first table is out, the second case has begun and takes another second.
      if (text.includes('NOP, 1 in flight\n')) child.kill('SIGINT');
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(130);
    const result = JSON.parse(readFileSync(json, 'utf8')) as Result;
    expect(result.isInterrupted).toBe(true);
    expect(result.cases[0]?.series[0]?.samples).toHaveLength(3);
    expect(
      result.cases.flatMap(({ series }) => series).map(({ failure }) => failure),
    ).not.toContain(expect.any(String));
    expect(stdout).toMatch(/^onering-promise +\d/m);
  });
});

describe('Progress', () => {
  it('corrects the plan by how long runs have taken', () => {
    let text = '';
    let nowMs = 0;
    const target = { isTTY: true, columns: 60, write: (more: string) => void (text += more) };
    const progress = new Progress(target, 10, () => nowMs);
    expect(progress.leftSeconds).toBe(10);
    progress.begin('a');
    nowMs = 4000;
    progress.end(2);
    expect(progress.leftSeconds).toBe(16);
    progress.begin('b');
    expect(text).toContain('16 s left · b');
  });

  it('draws nothing where nobody looks', () => {
    let text = '';
    const progress = new Progress({ write: (more) => void (text += more) }, 10, () => 0);
    progress.begin('a');
    progress.clear();
    expect(text).toBe('');
  });
});

describe('Histogram', () => {
  it('has percentiles that are off by less than a hundredth', () => {
    const histogram = new Histogram();
    expect(histogram.micros()).toBe(null);
    for (let micros = 1; micros <= 10_000; micros += 1) histogram.record(micros / 1000);
    const { p50 = 0, p99 = 0, p999 = 0, max = 0 } = histogram.micros() ?? {};
    expect(p50 / 5000).toBeCloseTo(1, 2);
    expect(p99 / 9900).toBeCloseTo(1, 2);
    expect(p999 / 9990).toBeCloseTo(1, 2);
    expect(max).toBe(10_000);
  });

  it('takes nothing and what is longer than it can tell apart', () => {
    const histogram = new Histogram();
    histogram.record(0);
    histogram.record(10_000);
    expect(histogram.micros()).toMatchObject({ max: 10_000_000 });
    histogram.reset();
    expect(histogram.count).toBe(0);
  });
});

describe('pattern', () => {
  it('tells records apart, whole from half', () => {
    const bytes = new Uint8Array(512);
    stampRecord(bytes, 7);
    expect(sumOfBytes(bytes)).toBe(sumOfRecord(7));
    expect(sumOfBytes(bytes.subarray(0, 256))).not.toBe(sumOfRecord(7));
    expect(sumOfRecord(8)).not.toBe(sumOfRecord(7));
    expect(new Set(Array.from({ length: 1000 }, (_, word) => mix(word))).size).toBe(1000);
    expect(smallSize(3)).toBeLessThan(8192);
  });
});
