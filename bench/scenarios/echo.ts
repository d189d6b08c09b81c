/**
 * TCP echo over loopback: throughput on many connections, the latency of one, and latency at fixed
 * rates.
 *
 * One load generator drives all servers and compares every byte that comes back. `rtt` has busy
 * waiting servers too: latency bought with CPU time. `echo-rate` sends at shares of what node:net
 * could do a moment ago, and counts latency from the time a message was due, so that a server that
 * stalls cannot hide it; its min-wait servers trade latency for CPU time.
 */

import { Child, numberIn } from '../child.ts';
import type { Figures } from '../child.ts';
import { comparison, rateOf } from '../sampling.ts';
import { bySize } from '../scenario.ts';
import type { Bench, Case, Contender, Scenario } from '../scenario.ts';
import { serverContenders, serveOnce } from './serving.ts';
import type { ServerDriver } from './serving.ts';

const SMALL = 64;
const LARGE = 16_384;

const DRIVERS: readonly ServerDriver[] = [
  { name: 'node', family: 'node', driver: 'node/echo' },
  { name: 'onering-callback', family: 'onering', driver: 'onering/echo-callback' },
  { name: 'onering-promise', family: 'onering', driver: 'onering/echo-promise' },
  { name: 'onering/net', family: 'onering', driver: 'onering/net-echo' },
  { name: 'bun', family: 'bun', driver: 'bun/echo' },
  { name: 'deno', family: 'deno', driver: 'deno/echo' },
];

/** Large messages are lent as well: echoed from where the kernel put them. */
const LARGE_DRIVERS: readonly ServerDriver[] = [
  ...DRIVERS,
  { name: 'onering-promise (lease)', family: 'onering', driver: 'onering/echo-lease' },
];

export const echo: Scenario = {
  name: 'echo',
  group: 'sockets',
  summary: 'TCP echo of 64 bytes: throughput on 1 to 10,000 connections',
  cases: (bench) =>
    connectionsOf(bench, [4], [32], [1, 32, 256, 1000, 10_000]).map((connections) =>
      throughputCase(bench, DRIVERS, connections, bench.settings.messageSize ?? SMALL),
    ),
};

export const echoLarge: Scenario = {
  name: 'echo-large',
  group: 'sockets',
  summary: 'TCP echo of 16 KiB',
  cases: (bench) =>
    connectionsOf(bench, [4], [32], [32, 256]).map((connections) =>
      throughputCase(bench, LARGE_DRIVERS, connections, bench.settings.messageSize ?? LARGE),
    ),
};

export const rtt: Scenario = {
  name: 'rtt',
  group: 'sockets',
  summary: 'TCP echo, median round trip on one connection, with and without busy waiting',
  cases: (bench) => [roundTripCase(bench)],
};

export const echoRate: Scenario = {
  name: 'echo-rate',
  group: 'sockets',
  summary: 'TCP echo at fixed rates: latency from when each message was due',
  isDetail: true,
  cases: (bench) => {
    const rate = new NodeRate(bench);
    return bySize(bench.settings, [50], [50], [25, 50, 75]).map((percent) =>
      rateCase(bench, rate, percent),
    );
  },
};

function connectionsOf(
  { settings }: Bench,
  smoke: readonly number[],
  quick: readonly number[],
  full: readonly number[],
): readonly number[] {
  return settings.connections.length > 0
    ? settings.connections
    : bySize(settings, smoke, quick, full);
}

function contendersOf(bench: Bench, drivers: readonly ServerDriver[]): Contender[] {
  const { twins } = bench;
  const twin = twins.echo === null ? null : [twins.echo];
  return [...serverContenders(bench, drivers), { name: 'c', family: 'c', command: twin }];
}

function throughputCase(
  bench: Bench,
  drivers: readonly ServerDriver[],
  connections: number,
  size: number,
): Case {
  const count = `${connections} connection${connections === 1 ? '' : 's'}`;
  return echoCase(bench, {
    title: `TCP echo, ${count}, ${size >= 1024 ? `${size / 1024} KiB` : `${size} bytes`}`,
    contenders: contendersOf(bench, drivers),
    sizes: [connections, size],
  });
}

function roundTripCase(bench: Bench): Case {
  const { busyWaitMicros, messageSize, spins } = bench.settings;
  const size = messageSize ?? SMALL;
  const busy = (name: string, driver: string): ServerDriver => ({
    name: `${name} (busy wait)`,
    family: 'onering',
    driver,
    options: { busyWaitMicros },
  });
  const { twins } = bench;
  const twin = twins.echo === null ? null : [twins.echo];
  const spinning = twin === null ? null : [...twin, '--busy-wait-micros', String(busyWaitMicros)];
  return echoCase(bench, {
    title:
      `round trip on one connection, ${size} bytes, busy wait of ${busyWaitMicros} µs, ` +
      `${spins ? 'spinning' : 'sleeping'} load`,
    unit: 'µs',
    better: 'less',
    contenders: [
      ...contendersOf(bench, DRIVERS),
      ...serverContenders(bench, [
        busy('onering-callback', 'onering/echo-callback'),
        busy('onering-promise', 'onering/echo-promise'),
      ]),
      { name: 'c (busy wait)', family: 'c', command: spinning },
    ],
    sizes: [1, size],
    toValue: (figures) => numberIn(figures, 'latencyMicros.p50'),
  });
}

function rateCase(bench: Bench, rate: NodeRate, percent: number): Case {
  const connections = 32;
  const minWait = (count: number, micros: number): ServerDriver => ({
    name: `onering (min-wait ${count} in ${micros} µs)`,
    family: 'onering',
    driver: 'onering/echo-callback',
    options: { minWait: { count, micros } },
  });
  const drivers = [...DRIVERS, minWait(8, 50), minWait(32, 200)];
  return echoCase(bench, {
    title: `TCP echo at ${percent} % of what node can, ${connections} connections, 64 bytes`,
    unit: 'µs, p99',
    better: 'less',
    contenders: contendersOf(bench, drivers),
    sizes: [connections, SMALL],
    toValue: (figures) => numberIn(figures, 'latencyMicros.p99'),
    extras: (figures) => ({ 'messages/s': rateOf(figures) }),
    load: { curve: 'TCP echo, 32 connections, 64 bytes', percent },
    prepare: () => rate.find(),
    moreArguments: () => ['--rate', String(Math.round((rate.perSecond * percent) / 100))],
  });
}

interface EchoPlan {
  readonly title: string;
  readonly unit?: string;
  readonly better?: 'more' | 'less';
  readonly contenders: readonly Contender[];
  /** Connections, and bytes of a message. */
  readonly sizes: readonly [number, number];
  readonly toValue?: (figures: Figures) => number;
  readonly extras?: (figures: Figures) => Record<string, number>;
  readonly load?: Case['load'];
  readonly prepare?: () => Promise<void>;
  readonly moreArguments?: () => string[];
}

function echoCase(bench: Bench, plan: EchoPlan): Case {
  const { twins, settings } = bench;
  const { title, unit = 'messages/s', better = 'more', contenders, sizes } = plan;
  const [connections, size] = sizes;
  const { toValue = rateOf, extras = () => ({}) } = plan;
  return comparison({
    title,
    unit,
    better,
    baselines: ['node', 'c'],
    contenders: twins.load === null ? [] : contenders,
    runSeconds: settings.seconds + settings.serverWarmupSeconds + 0.2 + connections / 10_000,
    ...(plan.load === undefined ? {} : { load: plan.load }),
    ...(plan.prepare === undefined ? {} : { prepare: plan.prepare }),
    run: (contender, counter) =>
      serveOnce(
        bench,
        contender,
        {
          program: twins.load ?? '',
          arguments: (port) => [
            ...[port, connections, size, settings.seconds].map(String),
            ...(settings.spins ? ['--spin'] : []),
            ...(plan.moreArguments?.() ?? []),
          ],
          reading: {
            toValue,
            extras: (figures) => ({ ...extras(figures), 'load CPU %': loadPercent(figures) }),
          },
        },
        counter,
      ),
  });
}

function loadPercent(figures: Figures): number {
  return (numberIn(figures, 'loadCpuSeconds') / numberIn(figures, 'seconds')) * 100;
}

/** What node:net can do in a closed loop, measured once: the yardstick of the fixed rates. */
class NodeRate {
  perSecond = 0;
  readonly #bench: Bench;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  async find(): Promise<void> {
    if (this.perSecond > 0) return;
    const [node] = serverContenders(this.#bench, DRIVERS.slice(0, 1));
    const { twins, settings, pinning } = this.#bench;
    const server = new Child(node?.command ?? [], { cpu: pinning?.server ?? null });
    const port = numberIn(await server.firstLine(20_000), 'port');
    const sizes = [port, 32, SMALL, settings.seconds].map(String);
    const client = new Child([twins.load ?? '', ...sizes], { cpu: pinning?.load ?? null });
    this.perSecond = rateOf(await client.lastLine(60_000));
    await server.lastLine(10_000, 'SIGTERM');
  }
}
