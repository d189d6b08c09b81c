/**
 * What single features of the ring are worth: each on and off, everything else the same.
 *
 * These compare onering with itself, so the first row of each table is the baseline. Rows that the
 * kernel cannot run fail, and say so.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { numberIn } from '../child.ts';
import type { Figures } from '../child.ts';
import { driverPath, programPath } from '../paths.ts';
import { comparison, runWorker } from '../sampling.ts';
import { bySize } from '../scenario.ts';
import type { Bench, Case, Contender, Scenario } from '../scenario.ts';
import { ringCase } from './nop.ts';

export const nopResources: Scenario = {
  name: 'nop-resources',
  group: 'runtime',
  summary: 'NOPs that look up nothing, a registered file, a registered buffer',
  isDetail: true,
  cases: (bench) => {
    const rows = ['nothing', 'file', 'buffer'].map((resource) =>
      ours(bench, resource, 'onering/nop-resource', [`--resource=${resource}`]),
    );
    const title = 'NOP that looks something up, 64 in flight';
    return [ringCase(bench, { title, contenders: rows, depth: 64, baseline: 'nothing' })];
  },
};

export const wait: Scenario = {
  name: 'wait',
  group: 'runtime',
  summary: 'waits with a limit: registered slot, EXT_ARG, TIMEOUT operation, none',
  isDetail: true,
  cases: (bench) => {
    const program = [bench.programs.node.path, programPath('micro/wait-process')];
    const row = (name: string, way: string): Contender => ({
      name,
      family: 'onering',
      command: [...program, `--way=${way}`],
    });
    const contenders = [
      row('EXT_ARG', 'ext-arg'),
      row('registered slot', 'slot'),
      row('TIMEOUT operation', 'timeout'),
      row('no limit', 'none'),
    ];
    const title = 'a wait that is satisfied at once, by how it says its limit';
    return [ringCase(bench, { title, unit: 'waits/s', contenders, depth: 1, baseline: 'EXT_ARG' })];
  },
};

export const pressure: Scenario = {
  name: 'pressure',
  group: 'runtime',
  summary: 'storms of completions: a queue that is resized, one that is not, a large one',
  isDetail: true,
  cases: (bench) => [pressureCase(bench)],
};

export const timers: Scenario = {
  name: 'timers',
  group: 'runtime',
  summary: 'a million timers',
  cases: (bench) => [timersCase(bench)],
};

export const sendZc: Scenario = {
  name: 'send-zc',
  group: 'runtime',
  summary: 'SEND against SEND_ZC by size, in C over loopback',
  isDetail: true,
  cases: (bench) =>
    bySize(bench.settings, [65_536], [65_536], [4096, 65_536, 1_048_576]).map((size) =>
      sendZcCase(bench, size),
    ),
};

function ours({ programs }: Bench, name: string, driver: string, words: string[]): Contender {
  return { name, family: 'onering', command: [programs.node.path, driverPath(driver), ...words] };
}

function pressureCase(bench: Bench): Case {
  const storm = bySize(bench.settings, 2048, 8192, 8192);
  const fifo = (): string => join(bench.folder(), 'fifo');
  // A wait for one completion comes back with about twenty: only one for many fills the queue.
  const common = { entries: 256, completionEntries: 512, minWait: { count: storm, micros: 200 } };
  const row = (name: string, options: object): Contender =>
    ours(bench, name, 'onering/pressure', [JSON.stringify({ ...common, ...options })]);
  const base = ringCase(bench, {
    title: `storms of ${storm} completions at once, 512 entries to begin with`,
    unit: 'completions/s',
    contenders: [
      row('never resized', { resize: false }),
      row('resized', { resize: true }),
      row('large from the start', { completionEntries: 16_384, resize: false }),
    ],
    depth: storm,
    baseline: 'never resized',
    words: () => [`--fifo=${fifo()}`],
    extras: (figures) => ({
      overflows: numberIn(figures, 'completionOverflows'),
      'entries in the end': numberIn(figures, 'completionEntries'),
    }),
  });
  return {
    ...base,
    async prepare() {
      if (existsSync(fifo())) return;
      const { status } = spawnSync('mkfifo', [fifo()]);
      if (status !== 0) throw new Error('mkfifo does not work here');
    },
  };
}

function timersCase(bench: Bench): Case {
  const { programs, settings } = bench;
  const [count, spanMs] = bySize(settings, [10_000, 100], [100_000, 300], [1_000_000, 1000]);
  const { node, bun, deno } = programs;
  const contenders: Contender[] = [
    { name: 'node', family: 'node', command: [node.path, driverPath('node/timers')] },
    {
      name: 'node-promise',
      family: 'node',
      command: [node.path, driverPath('node/timers-promises')],
    },
    ours(bench, 'onering-promise', 'onering/timers-promises', []),
    {
      name: 'bun',
      family: 'bun',
      command: bun === null ? null : [bun.path, driverPath('node/timers')],
    },
    {
      name: 'deno',
      family: 'deno',
      command: deno === null ? null : [deno.path, 'run', '-A', driverPath('node/timers')],
    },
  ];
  const perTimer = (figures: Figures): number =>
    (numberIn(figures, 'cpuSeconds') * 1e6) / numberIn(figures, 'operations');
  return comparison({
    title: `${count.toLocaleString('en-US')} timers within ${spanMs} ms; latency is lateness`,
    unit: 'CPU µs/timer',
    better: 'less',
    baselines: ['node', 'node-promise'],
    contenders,
    runSeconds: spanMs / 1000 + count / 400_000,
    isCountable: false,
    run: (contender) =>
      runWorker(
        contender,
        {
          seconds: 60,
          cpu: bench.pinning?.server ?? null,
          arguments: () => [count, spanMs].map(String),
          reading: { toValue: perTimer, expected: () => ((count * (count - 1)) / 2) % 2 ** 32 },
        },
        null,
      ),
  });
}

function sendZcCase(bench: Bench, size: number): Case {
  const { twins, settings } = bench;
  const { seconds, warmupSeconds } = settings;
  const row = (name: string, mode: string): Contender => ({
    name,
    family: 'c',
    command: twins.sendZc === null ? null : [twins.sendZc, mode],
  });
  const mib = size / (1024 * 1024);
  return comparison({
    title: `sends of ${size / 1024} KiB over loopback, in C`,
    unit: 'MiB/s',
    baselines: ['SEND'],
    contenders: [row('SEND', 'copy'), row('SEND_ZC', 'zc')],
    runSeconds: seconds + warmupSeconds,
    run: (contender, counter) =>
      runWorker(
        contender,
        {
          seconds: seconds + warmupSeconds,
          cpu: null,
          arguments: (isCounted) => [
            ...[size, seconds, isCounted ? 0 : warmupSeconds].map(String),
            ...(isCounted ? ['--counted'] : []),
          ],
          reading: {
            toValue: (figures) =>
              (numberIn(figures, 'operations') / numberIn(figures, 'seconds')) * mib,
            expected: (figures) => numberIn(figures, 'completions'),
          },
        },
        counter,
      ),
  });
}
