/**
 * The storage scenarios: the same work on files by Node, by onering, by C, by whoever is there.
 *
 * All of it runs inside of the process that is measured, so nothing is pinned: a thread pool and
 * kernel workers may use what CPUs there are, and the CPU time says what that has cost. Files from
 * the page cache and O_DIRECT are different scenarios, since they measure different things.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, truncateSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Child, numberIn } from '../child.ts';
import type { Figures } from '../child.ts';
import { driverPath, hasExport, programPath } from '../paths.ts';
import {
  PAGE,
  makePagesFile,
  makeSmallFiles,
  mix,
  smallSize,
  sumOfBytes,
  sumOfPages,
  sumOfRecord,
} from '../pattern.ts';
import { comparison, rateOf, runWorker } from '../sampling.ts';
import type { Reading } from '../sampling.ts';
import { bySize } from '../scenario.ts';
import type { Bench, Case, Contender, Scenario } from '../scenario.ts';
import { runFio } from './fio.ts';

const MIB = 1024 * 1024;
const RECORD_SIZE = 512;
/** What node has by default, whatever the machine. */
const POOL_DEFAULT = 4;

/** One kind of work, as the worker, the twin and the check see it. */
interface Plan {
  readonly title: string;
  readonly unit: string;
  readonly workload: string;
  /** The mode of the C twin; null if it has none. */
  readonly twin: string | null;
  readonly depth: number;
  readonly size: number;
  readonly count: number;
  readonly stride: number;
  readonly isDirect?: boolean;
  /** A file or folder in the folder of this call. */
  readonly name: string;
  /** Values are operations a second, unless they are multiplied. */
  readonly factor?: number;
  readonly hasFio?: boolean;
  /** Drivers of onering beside the usual one, by the names of their rows. */
  readonly more?: Readonly<Record<string, string>>;
  readonly better?: 'more' | 'less';
  readonly load?: Case['load'];
  readonly rate?: () => number;
  /** Whether this machine has nothing to do it with. */
  readonly isImpossible?: boolean;
  prepare?(path: string): void | Promise<void>;
  beforeRun?(path: string): void;
  readonly reading: (path: string) => Reading;
}

export const read: Scenario = {
  name: 'read',
  group: 'storage',
  summary: '4 KiB random reads from the page cache',
  cases: (bench) => depthsOf(bench).map((depth) => readCase(bench, depth, false)),
};

export const readDirect: Scenario = {
  name: 'read-direct',
  group: 'storage',
  summary: '4 KiB random reads with O_DIRECT: from the device',
  cases: (bench) => depthsOf(bench).map((depth) => readCase(bench, depth, true)),
};

export const sequential: Scenario = {
  name: 'sequential',
  group: 'storage',
  summary: 'reads of 1 and 64 MiB, writes of 1 MiB, one after the other, in the page cache',
  cases: (bench) => [
    scanCase(bench, 1, 4),
    // How late a timer is meanwhile is what this one is for.
    ...bySize(bench.settings, [], [], [scanCase(bench, 64, 1)]),
    writeCase(bench),
  ],
};

export const smallFiles: Scenario = {
  name: 'small-files',
  group: 'storage',
  summary: 'files of 1 to 8 KiB, read, written and statted as wholes',
  cases: (bench) => ['read', 'write', 'stat'].map((what) => smallCase(bench, what)),
};

export const log: Scenario = {
  name: 'log',
  group: 'storage',
  summary: 'a log: records of 512 bytes, each followed by fdatasync',
  cases: (bench) =>
    bySize(bench.settings, [4], [64], [1, 64]).map((depth) => logCase(bench, depth)),
};

export const readFile: Scenario = {
  name: 'read-file',
  group: 'storage',
  summary: 'readFile of 16 MiB',
  cases: (bench) => [wholeCase(bench)],
};

export const readRate: Scenario = {
  name: 'read-rate',
  group: 'storage',
  summary: '4 KiB random reads at fixed rates, in bursts every millisecond',
  isDetail: true,
  cases(bench) {
    const rate = new NodeRate(bench);
    return bySize(bench.settings, [50], [50], [25, 50, 75]).map((percent) =>
      rateCase(bench, rate, percent),
    );
  },
};

export const poll: Scenario = {
  name: 'poll',
  group: 'storage',
  summary: 'O_DIRECT reads by interrupts, hybrid and busy polling, where the device can',
  isDetail: true,
  cases: (bench) => [pollCase(bench)],
};

function depthsOf({ settings }: Bench): readonly number[] {
  if (settings.depths.length > 0) return settings.depths;
  return bySize(settings, [4], [32], [1, 32, 128]);
}

function readCase(bench: Bench, depth: number, isDirect: boolean): Case {
  const pages = bySize(bench.settings, 256, 16_384, 65_536);
  const where = isDirect ? 'O_DIRECT' : 'page cache';
  return caseOf(bench, {
    title: `4 KiB random reads, ${where}, ${depth} at a time`,
    unit: 'reads/s',
    workload: 'places/read',
    twin: isDirect ? 'read-direct' : 'read',
    depth,
    size: PAGE,
    count: pages,
    stride: isDirect ? 1 : 16,
    isDirect,
    name: 'pages',
    more: { 'onering (registered memory)': 'onering-registered' },
    hasFio: true,
    prepare: (path) => makePagesFile(path, pages),
    reading: () => ({ expected: sumOver((number) => sumOfPages(mix(number) % pages, 1)) }),
  });
}

function scanCase(bench: Bench, mebibytes: number, depth: number): Case {
  const places = bySize(bench.settings, 4, 64, 256) / mebibytes;
  const pages = (mebibytes * MIB) / PAGE;
  return caseOf(bench, {
    title: `${mebibytes} MiB reads in order, page cache, ${depth} at a time`,
    unit: 'MiB/s',
    workload: 'places/scan',
    twin: 'scan',
    depth,
    size: mebibytes * MIB,
    count: places,
    stride: 1,
    name: `scanned-${mebibytes}-${places}`,
    factor: mebibytes,
    prepare: (path) => makePagesFile(path, places * pages),
    reading: () => ({
      expected: sumOver((number) => sumOfPages((number % places) * pages, pages)),
    }),
  });
}

function writeCase(bench: Bench): Case {
  const places = bySize(bench.settings, 16, 64, 64);
  return caseOf(bench, {
    title: '1 MiB writes in order, page cache, 4 at a time',
    unit: 'MiB/s',
    workload: 'places/write',
    twin: 'write',
    depth: 4,
    size: MIB,
    count: places,
    stride: 1,
    name: 'written',
    // What a run before has left would look like the work of this one.
    beforeRun(path) {
      rmSync(path, { force: true });
      makePagesFile(path, (places * MIB) / PAGE);
    },
    reading: () => ({ expected: sumOver(sumOfRecord) }),
  });
}

function smallCase(bench: Bench, what: string): Case {
  const count = bySize(bench.settings, 2000, 10_000, 10_000);
  const depth = bySize(bench.settings, 8, 64, 64);
  const titles: Record<string, string> = {
    read: 'read as wholes',
    write: 'written as wholes',
    stat: 'statted',
  };
  const readings: Record<string, (folder: string) => Reading> = {
    read: () => ({ expected: sumOver((number) => sumOfRecord(number % count)) }),
    write: (folder) => ({
      expected: (figures) => sumOfLastVersions(numberIn(figures, 'completions'), count),
      found: (figures) => sumOfFiles(folder, Math.min(count, numberIn(figures, 'completions'))),
    }),
    stat: () => ({ expected: sumOver((number) => smallSize(number % count)) }),
  };
  return caseOf(bench, {
    title: `files of 1 to 8 KiB, ${titles[what] ?? what}, ${depth} at a time`,
    unit: 'files/s',
    workload: `small-files/${what}`,
    twin: what === 'stat' ? 'stat' : `small-${what}`,
    depth,
    size: 0,
    count,
    stride: 1,
    name: `small-${what}`,
    prepare: (folder) => makeSmallFiles(folder, count),
    beforeRun(folder) {
      if (what !== 'write') return;
      for (let number = 0; number < count; number += 1) truncateSync(join(folder, `${number}`));
    },
    reading: readings[what] ?? (() => ({})),
  });
}

function logCase(bench: Bench, depth: number): Case {
  return caseOf(bench, {
    title: `log with fdatasync, ${depth === 1 ? 'one writer' : `${depth} writers`}`,
    unit: 'records/s',
    workload: 'places/log',
    twin: 'log',
    depth,
    size: RECORD_SIZE,
    count: 1,
    stride: 1,
    name: 'log',
    more: { 'onering (group commit)': 'onering-append' },
    beforeRun: (path) => rmSync(path, { force: true }),
    reading: (path) => ({
      expected: sumOver(sumOfRecord),
      found: () => sumOfRecords(readFileSync(path)),
    }),
  });
}

function wholeCase(bench: Bench): Case {
  const pages = bySize(bench.settings, 256, 4096, 4096);
  return caseOf(bench, {
    title: `readFile of ${(pages * PAGE) / MIB} MiB, page cache, one after the other`,
    unit: 'MiB/s',
    workload: 'small-files/whole',
    twin: null,
    depth: 1,
    size: PAGE,
    count: pages,
    stride: 1,
    name: 'whole',
    factor: (pages * PAGE) / MIB,
    prepare: (path) => makePagesFile(path, pages),
    reading: () => ({ expected: sumOver(() => sumOfPages(0, pages)) }),
  });
}

/** Latency counts from when a burst was due; the callbacks of node are the tougher rival here. */
function rateCase(bench: Bench, rate: NodeRate, percent: number): Case {
  const depth = 128;
  const pages = bySize(bench.settings, 256, 16_384, 65_536);
  return caseOf(bench, {
    title: `4 KiB random reads at ${percent} % of what node can, in bursts every 1 ms`,
    unit: 'µs, p99',
    better: 'less',
    workload: 'places/read',
    twin: null,
    depth,
    size: PAGE,
    count: pages,
    stride: 1,
    name: 'pages',
    load: { curve: '4 KiB random reads, page cache', percent },
    rate: () => (rate.perSecond * percent) / 100,
    async prepare(path) {
      makePagesFile(path, pages);
      await rate.find(path, pages);
    },
    reading: () => ({
      expected: sumOver((number) => sumOfPages(mix(number) % pages, 1)),
      toValue: (figures) => numberIn(figures, 'latencyMicros.p99'),
      extras: (figures) => ({ 'reads/s': rateOf(figures) }),
    }),
  });
}

/** Without poll queues there is nothing to compare: then the rows that poll are left out. */
function pollCase(bench: Bench): Case {
  const pages = bySize(bench.settings, 256, 16_384, 65_536);
  const path = join(bench.folder(), 'pages');
  makePagesFile(path, pages);
  const { stdout } = spawnSync(bench.programs.node.path, [driverPath('onering/polls'), path], {
    encoding: 'utf8',
  });
  const canPoll = (stdout ?? '').includes('"hybrid"');
  const rows = {
    'onering (hybrid polling)': 'onering-hybrid',
    'onering (busy polling)': 'onering-busy',
  };
  return caseOf(bench, {
    title: `4 KiB random reads, O_DIRECT, ${canPoll ? 'polled' : 'not polled: no poll queues'}`,
    unit: 'reads/s',
    workload: 'places/read',
    twin: null,
    depth: 32,
    size: PAGE,
    count: pages,
    stride: 1,
    isDirect: true,
    name: 'pages',
    more: rows,
    isImpossible: !canPoll,
    prepare: () => makePagesFile(path, pages),
    reading: () => ({ expected: sumOver((number) => sumOfPages(mix(number) % pages, 1)) }),
  });
}

/** What node reads in a closed loop, measured once: the yardstick of the fixed rates. */
class NodeRate {
  perSecond = 0;
  readonly #bench: Bench;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  async find(path: string, count: number): Promise<void> {
    if (this.perSecond > 0) return;
    const { programs, settings } = this.#bench;
    const { seconds, warmupSeconds } = settings;
    const sizes = { depth: 32, size: PAGE, count, stride: 16, rate: 0, path, isDirect: false };
    const words = ['places/read', 'storage/node-promises'];
    const run = JSON.stringify({ ...sizes, seconds, warmupSeconds });
    const child = new Child([programs.node.path, programPath('worker'), ...words, run]);
    this.perSecond = rateOf(await child.lastLine(60_000));
  }
}

function caseOf(bench: Bench, plan: Plan): Case {
  const { settings } = bench;
  const { title, unit, factor = 1, better = 'more', load } = plan;
  const runSeconds = settings.seconds + settings.warmupSeconds;
  const pathOf = (): string => join(bench.folder(), plan.name);
  return comparison({
    title,
    unit,
    better,
    ...(load === undefined ? {} : { load }),
    baselines: ['node', 'c'],
    contenders: plan.isImpossible === true ? [] : contendersOf(bench, plan),
    runSeconds,
    prepare: async () => plan.prepare?.(pathOf()),
    run(contender, counter) {
      const path = pathOf();
      plan.beforeRun?.(path);
      if (contender.family === 'fio') return runFio(contender, { ...settings, ...plan, path });
      const reading = plan.reading(path);
      const toValue = (figures: Figures): number =>
        (numberIn(figures, 'operations') / numberIn(figures, 'seconds')) * factor;
      const toArguments = contender.family === 'c' ? twinArguments : workerArguments;
      return runWorker(
        contender,
        {
          seconds: runSeconds,
          cpu: null,
          arguments: (isCounted) => toArguments(bench, plan, { path, isCounted }),
          reading: { toValue, ...reading },
        },
        counter,
      );
    },
  });
}

/** Who takes part; the driver is the second word of a worker's command. */
function contendersOf({ programs, twins, settings }: Bench, plan: Plan): Contender[] {
  const worker = programPath('worker');
  const by = (program: { path: string } | null, driver: string, flags: string[] = []) =>
    program === null ? null : [program.path, ...flags, worker, plan.workload, `storage/${driver}`];
  const cores = availableParallelism();
  const { node, bun, deno, fio } = programs;
  const contenders: Contender[] = [
    { name: 'node', family: 'node', command: by(node, 'node-promises') },
    { name: 'node-callback', family: 'node', command: by(node, 'node-callbacks') },
    { name: 'onering', family: 'onering', command: by(node, 'onering-file') },
    {
      name: 'onering/fs/promises',
      family: 'onering',
      command: hasExport('./fs/promises') ? by(node, 'onering-fs') : null,
    },
    {
      name: 'c',
      family: 'c',
      command: twins.storage === null || plan.twin === null ? null : [twins.storage, plan.twin],
    },
    { name: 'bun', family: 'bun', command: by(bun, 'node-promises') },
    { name: 'deno', family: 'deno', command: by(deno, 'node-promises', ['run', '-A']) },
    {
      name: 'fio (unchecked)',
      family: 'fio',
      command: plan.hasFio === true && fio !== null ? [fio.path] : null,
    },
  ];
  if (cores !== POOL_DEFAULT && settings.size === 'full') {
    const env = { UV_THREADPOOL_SIZE: String(cores) };
    const command = by(node, 'node-promises');
    contenders.splice(2, 0, { name: `node (pool of ${cores})`, family: 'node', command, env });
  }
  const more = Object.entries(plan.more ?? {}).map(([name, driver]): Contender => {
    return { name, family: 'onering', command: by(node, driver) };
  });
  const behind = contenders.findIndex(({ family }) => family === 'onering') + 1;
  return contenders.toSpliced(behind, 0, ...more);
}

interface Place {
  readonly path: string;
  readonly isCounted: boolean;
}

function workerArguments({ settings }: Bench, plan: Plan, { path, isCounted }: Place): string[] {
  const { depth, size, count, stride, isDirect = false } = plan;
  const { seconds, warmupSeconds } = settings;
  const warmup = isCounted ? 0 : warmupSeconds;
  const rate = plan.rate?.() ?? 0;
  const sizes = { depth, size, count, stride, isDirect, rate, path, isCounted };
  return [JSON.stringify({ ...sizes, seconds, warmupSeconds: warmup })];
}

function twinArguments({ settings }: Bench, plan: Plan, { path, isCounted }: Place): string[] {
  const { depth, size, count, stride } = plan;
  const { seconds, warmupSeconds } = settings;
  const sizes = [depth, seconds, isCounted ? 0 : warmupSeconds, size, count, stride].map(String);
  return [path, ...sizes, ...(isCounted ? ['--counted'] : [])];
}

/** Sum over all operations that were done, modulo 2^32. */
function sumOver(term: (number: number) => number): (figures: Figures) => number {
  return (figures) => {
    const completions = numberIn(figures, 'completions');
    let sum = 0;
    for (let number = 0; number < completions; number += 1) sum = (sum + term(number)) | 0;
    return sum >>> 0;
  };
}

/** Each file holds what the last operation on it has written. */
function sumOfLastVersions(completions: number, count: number): number {
  let sum = 0;
  for (let file = 0; file < Math.min(count, completions); file += 1) {
    const last = file + count * Math.floor((completions - 1 - file) / count);
    sum = (sum + sumOfRecord(last)) | 0;
  }
  return sum >>> 0;
}

/** Files of the wrong size count nothing. */
function sumOfFiles(folder: string, count: number): number {
  let sum = 0;
  for (let number = 0; number < count; number += 1) {
    const bytes = readFileSync(join(folder, String(number)));
    if (bytes.length === smallSize(number)) sum = (sum + sumOfBytes(bytes)) | 0;
  }
  return sum >>> 0;
}

function sumOfRecords(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += RECORD_SIZE) {
    sum = (sum + sumOfBytes(bytes.subarray(at, at + RECORD_SIZE))) | 0;
  }
  return sum >>> 0;
}
