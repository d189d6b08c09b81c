/**
 * The harness in its smoke size: every contender of every scenario runs and does its work, and
 * whoever does not do it gets no ratio. What the ratios are is nobody's business here.
 *
 * A broken contender is made with `--node`: a program of the test's own, or Node with its modules
 * changed so that they drop or halve some of the work and say nothing about it.
 */

import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Result, Series } from '../../bench/result.ts';
import { scenarios } from '../../bench/scenarios/index.ts';
import { buildTwins } from '../../bench/twins.ts';
import { runFile } from '../support/child.ts';
import type { ChildResult } from '../support/child.ts';
import { ringTest } from '../support/ring-test.ts';
import { root } from '../support/source-tree.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const TIMEOUT_MS = 90_000;
/** `0.39 (0.39–0.39)`: a ratio with its range. */
const ratio = /\d\.\d\d \(\d+\.\d\d–\d+\.\d\d\)/;
const twins = buildTwins();

interface BenchRun extends ChildResult {
  readonly result: Result;
}

async function runBench(...args: string[]): Promise<BenchRun> {
  const json = join(tempDirectory(), 'result.json');
  const child = await runFile(`${root}/dist/bench/run.js`, {
    args: ['--smoke', '--against', 'node,c', ...args, '--json', json],
    timeoutMs: TIMEOUT_MS,
  });
  return { ...child, result: JSON.parse(readFileSync(json, 'utf8')) as Result };
}

function seriesOf({ result }: BenchRun): readonly Series[] {
  return result.cases.flatMap(({ series }) => series);
}

/** An executable that behaves like no Node.js should, once it has said its version. */
function fakeNode(script: string): string {
  const path = join(tempDirectory(), 'node');
  const versions = `[ "$1" = --version ] || [ "$1" = -p ] && exec "${process.execPath}" "$@"`;
  writeFileSync(path, `#!/bin/sh\n${versions}\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Node with something changed before anything runs. */
function changedNode(change: string): string {
  const path = join(tempDirectory(), 'change.cjs');
  writeFileSync(path, change);
  return fakeNode(`exec "${process.execPath}" --require "${path}" "$@"`);
}

describe.each(['storage', 'sockets', 'runtime'] as const)('the smoke size of %s', (group) => {
  ringTest(
    '6.1',
    'runs every contender, and each proves its work',
    async () => {
      const run = await runBench(group);
      const problems = seriesOf(run).flatMap(({ name, failure, samples }) =>
        [failure, ...samples.map(({ problem }) => problem)].flatMap((problem) =>
          problem === null ? [] : [`${name}: ${problem}`],
        ),
      );
      expect({ problems, code: run.code, stderr: run.stderr }).toEqual({
        problems: [],
        code: 0,
        stderr: '',
      });
      const names = scenarios.filter((one) => one.group === group).map(({ name }) => name);
      const present = new Set(run.result.cases.map(({ scenario }) => scenario));
      expect([...present]).toEqual(names);
      for (const { title, series } of run.result.cases) {
        if (twins.load === null && group === 'sockets') continue;
        const ours = series.filter(({ family }) => family === 'onering');
        expect(
          series.every(({ samples }) => samples.length === 1),
          title,
        ).toBe(true);
        if (/^sends|no poll queues/.test(title)) continue;
        expect(ours.length, title).toBeGreaterThan(0);
      }
    },
    TIMEOUT_MS,
  );
});

describe('a contender that does not do its work', () => {
  /** What the report says about node, and whether it has kept all ratios to itself. */
  const verdictOf = ({ result, stdout, code }: BenchRun): object => {
    const [series] = result.cases.flatMap((one) => one.series).filter(isNode);
    return {
      problem: series?.samples[0]?.problem ?? series?.failure,
      isRefused: /^node .* refused: /m.test(stdout),
      hasRatios: ratio.test(stdout),
      code,
    };
  };
  const isNode = ({ name }: Series): boolean => name === 'node';
  const refused = { isRefused: true, hasRatios: false, code: 1 };

  it.each([
    ['reads, one in a thousand dropped', 'read', dropping('read', '{ bytesRead: args[0].length }')],
    ['reads, only the first half done', 'read', halving()],
    [
      // A megabyte each: a machine that is busy reads few of them in the time of a smoke run.
      'a scan, one read in ten dropped',
      'sequential',
      dropping('read', '{ bytesRead: args[0].length }', 10),
    ],
    [
      'a log, one record in ten not written',
      'log',
      dropping('write', '{ bytesWritten: args[0].length }', 10),
    ],
    ['whole files, one in a thousand not written', 'small-files', droppingFiles()],
  ])(
    'gets no ratio for %s',
    async (_what, scenario, change) => {
      const node = changedNode(change);
      const run = await runBench(scenario, '--only', 'node,c', '--node', node, '--seconds', '0.4');
      const broken = run.result.cases
        .flatMap(({ series }) => series)
        .filter(({ samples }) => samples.some(({ problem }) => problem !== null));
      expect(broken.map(({ name }) => name)).toContain('node');
      expect(broken[0]?.samples[0]?.problem).toMatch(/^checksum \d+, not \d+$/);
      expect(run.code).toBe(1);
    },
    TIMEOUT_MS,
  );

  it('gets no ratio for echoes that differ', async ({ skip }) => {
    if (twins.load === null) skip(twins.notes.join('; '));
    const run = await runBench('echo', '--only', 'node,c', '--node', fakeEcho('corrupt'));
    const problem = expect.stringMatching(/^\d+ mismatches$/);
    expect(verdictOf(run)).toEqual({ ...refused, problem });
  });

  it('gets no ratio for one echo in a thousand that is dropped', async ({ skip }) => {
    if (twins.load === null) skip(twins.notes.join('; '));
    const sizes = ['--connections', '16', '--seconds', '1.5'];
    const args = ['--only', 'node,c', '--node', fakeEcho('drop'), ...sizes];
    const problem = expect.stringMatching(/^\d+ lost$/);
    expect(verdictOf(await runBench('echo', ...args))).toEqual({ ...refused, problem });
  });

  it('is reported when it breaks off', async () => {
    const node = fakeNode('echo "Error: no luck" >&2; exit 3');
    const run = await runBench('nop', '--depths', '1', '--node', node);
    const [ours] = seriesOf(run).filter(({ name }) => name === 'onering-promise');
    expect(ours?.failure).toContain('has failed: Error: no luck');
    expect(run.stdout).toMatch(/^onering-promise +failed: /m);
    expect(run.code).toBe(1);
  });
});

/** Every `every`th call of a method of a file handle does nothing and says that it did. */
function dropping(method: string, answer: string, every = 1000): string {
  return `
    const fs = require('node:fs/promises');
    const { open } = fs;
    let count = 0;
    fs.open = async (...names) => {
      const handle = await open(...names);
      const whole = handle.${method}.bind(handle);
      handle.${method} = async (...args) => {
        count += 1;
        return count % ${every} === 0 ? ${answer} : whole(...args);
      };
      return handle;
    };
  `;
}

function halving(): string {
  return `
    const fs = require('node:fs/promises');
    const { open } = fs;
    fs.open = async (...names) => {
      const handle = await open(...names);
      const whole = handle.read.bind(handle);
      handle.read = async (buffer, offset, length, position) => {
        await whole(buffer, offset, length / 2, position);
        return { bytesRead: length };
      };
      return handle;
    };
  `;
}

function droppingFiles(): string {
  return `
    const fs = require('node:fs/promises');
    const { writeFile } = fs;
    let count = 0;
    fs.writeFile = async (...args) => {
      count += 1;
      if (count % 1000 !== 0) await writeFile(...args);
    };
  `;
}

/** A server that is run instead of the driver. Single quotes would end the argument that it is. */
function fakeEcho(fault: 'corrupt' | 'drop'): string {
  const corrupt = 'chunk[chunk.length - 1] ^= 1;';
  const drop = 'count += 1; if (count % 1000 === 0) return;';
  const script = `
    import net from "node:net";
    let count = 0;
    const server = net.createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.on("data", (chunk) => {
        ${fault === 'corrupt' ? corrupt : drop}
        socket.write(chunk);
      });
    });
    server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(server.address())));
    process.on("SIGTERM", () => {
      console.log("{}");
      process.exit(0);
    });
  `;
  return fakeNode(`exec "${process.execPath}" --input-type=module --eval '${script}'`);
}
