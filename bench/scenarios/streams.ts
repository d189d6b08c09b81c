/**
 * TCP in one direction, connections that come and go, readers that never read, and UDP.
 */

import { numberIn } from '../child.ts';
import type { Figures } from '../child.ts';
import { comparison, rateOf } from '../sampling.ts';
import { bySize } from '../scenario.ts';
import type { Bench, Case, Scenario } from '../scenario.ts';
import { serverContenders, serveOnce } from './serving.ts';
import type { ServerDriver } from './serving.ts';

const MIB = 1024 * 1024;

export const sink: Scenario = {
  name: 'sink',
  group: 'sockets',
  summary: 'TCP in one direction: how fast a server takes what comes',
  cases: (bench) =>
    bySize(bench.settings, [1], [8], [1, 8]).map((connections) =>
      streamCase(bench, {
        mode: 'sink',
        connections,
        title: `one-way TCP, ${connections} connection${connections === 1 ? '' : 's'}`,
        unit: 'MiB/s',
        toValue: (figures) => rateOf(figures) / MIB,
        drivers: driversOf('node/sink', 'onering/sink-promise', 'onering-promise'),
      }),
    ),
};

export const accept: Scenario = {
  name: 'accept',
  group: 'sockets',
  summary: 'TCP connections that connect, echo 8 bytes and close',
  cases: (bench) => [
    streamCase(bench, {
      mode: 'accept',
      connections: bySize(bench.settings, 2, 32, 32),
      title: 'connect, echo 8 bytes, close; 32 at a time',
      unit: 'connections/s',
      toValue: rateOf,
      drivers: [
        ...driversOf('node/echo', 'onering/echo-callback', 'onering-callback'),
        { name: 'onering-promise', family: 'onering', driver: 'onering/echo-promise' },
      ],
    }),
  ],
};

export const paused: Scenario = {
  name: 'paused',
  group: 'sockets',
  summary: 'memory of a server whose sockets are paused while peers send',
  isDetail: true,
  cases: (bench) => [
    streamCase(bench, {
      mode: 'paused',
      connections: bySize(bench.settings, 2, 200, 1000),
      title: `paused readers, ${bySize(bench.settings, 2, 200, 1000)} connections, memory of each`,
      unit: 'KiB',
      better: 'less',
      toValue: (figures) =>
        numberIn(figures, 'grownBytes') / 1024 / numberIn(figures, 'operations'),
      drivers: driversOf('node/paused', 'onering/paused', 'onering-callback'),
    }),
  ],
};

export const udp: Scenario = {
  name: 'udp',
  group: 'sockets',
  summary: 'UDP echo of 64 bytes: datagrams per second',
  cases: (bench) => [udpCase(bench)],
};

function driversOf(node: string, ours: string, name: string): ServerDriver[] {
  return [
    { name: 'node', family: 'node', driver: node },
    { name, family: 'onering', driver: ours },
    { name: 'onering/net', family: 'onering', driver: node.replace('node/', 'onering/net-') },
    { name: 'bun (node:net)', family: 'bun', driver: node },
    { name: 'deno (node:net)', family: 'deno', driver: node },
  ];
}

interface StreamPlan {
  readonly mode: string;
  readonly connections: number;
  readonly title: string;
  readonly unit: string;
  readonly better?: 'more' | 'less';
  readonly toValue: (figures: Figures) => number;
  readonly drivers: readonly ServerDriver[];
}

function streamCase(bench: Bench, plan: StreamPlan): Case {
  const { twins, settings } = bench;
  const { mode, connections, title, unit, better = 'more', toValue, drivers } = plan;
  const program = twins.loadStream;
  const isThroughput = mode !== 'paused';
  return comparison({
    title,
    unit,
    better,
    baselines: ['node'],
    contenders: program === null ? [] : serverContenders(bench, drivers),
    runSeconds: settings.seconds + settings.serverWarmupSeconds + 0.4,
    isCountable: isThroughput,
    run: (contender, counter) =>
      serveOnce(
        bench,
        contender,
        {
          program: program ?? '',
          arguments: (port) => [mode, ...[port, connections, settings.seconds].map(String)],
          reading: {
            toValue,
            extras: mode === 'paused' ? takenOf : () => ({}),
            scale: mode === 'sink' ? MIB : 1,
          },
        },
        counter,
      ),
  });
}

/** What the kernel's buffers hold beside the process's memory. */
function takenOf(figures: Figures): Record<string, number> {
  const taken = numberIn(figures, 'takenBytes') / numberIn(figures, 'operations');
  return { 'taken KiB': taken / 1024 };
}

function udpCase(bench: Bench): Case {
  const { twins, settings } = bench;
  const window = bySize(settings, 16, 64, 64);
  const drivers: ServerDriver[] = [
    { name: 'node', family: 'node', driver: 'node/udp' },
    { name: 'onering-callback', family: 'onering', driver: 'onering/udp-callback' },
    { name: 'bun (node:dgram)', family: 'bun', driver: 'node/udp' },
    { name: 'deno (node:dgram)', family: 'deno', driver: 'node/udp' },
  ];
  return comparison({
    title: `UDP echo, 64 bytes, ${window} in flight`,
    unit: 'datagrams/s',
    baselines: ['node'],
    contenders: twins.loadUdp === null ? [] : serverContenders(bench, drivers),
    runSeconds: settings.seconds + settings.serverWarmupSeconds + 0.2,
    run: (contender, counter) =>
      serveOnce(
        bench,
        contender,
        {
          program: twins.loadUdp ?? '',
          arguments: (port) => [port, window, 64, settings.seconds].map(String),
          reading: {},
        },
        counter,
      ),
  });
}
