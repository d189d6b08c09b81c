/**
 * TCP echo over loopback: `echo` is throughput on many connections, `rtt` the latency of one.
 *
 * One load generator drives all servers. It compares every byte that comes back and reads the
 * server's CPU clock at both ends of the measured window. Server and load each have a CPU of
 * their own where there are two. The busy-waiting servers spin before they sleep: latency
 * bought with CPU time.
 */

import { Child, numberIn } from '../child.ts';
import type { Figures } from '../child.ts';
import { driverPath } from '../paths.ts';
import type { Bench, Case, Contender, Sample, Scenario } from '../scenario.ts';

export const echo: Scenario = {
  name: 'echo',
  summary: 'TCP echo throughput: C, node:net, onering/net, callbacks, promises',
  needsLoad: true,
  cases: (bench) => {
    const { connections, messageSize } = bench.settings;
    const title = `echo, ${connections} connections, ${messageSize}-byte messages`;
    const names = ['c', 'node', 'onering-net', 'onering-callback', 'onering-promise'];
    const load = { connections, toValue: messagesPerSecond };
    return [makeCase(bench, { title, unit: 'messages/s', names, load })];
  },
};

export const rtt: Scenario = {
  name: 'rtt',
  summary: 'TCP echo, median round trip on one connection, with and without busy waiting',
  needsLoad: true,
  cases: (bench) => {
    const { busyWaitMicros, messageSize, spins } = bench.settings;
    const loadNote = spins ? 'spinning load' : 'sleeping load';
    const title =
      `rtt, 1 connection, ${messageSize}-byte messages, ` +
      `busy wait of ${busyWaitMicros} µs, ${loadNote}`;
    const names = [
      'c',
      'node',
      'onering-callback',
      'onering-promise',
      'c-busy-wait',
      'onering-callback-busy-wait',
      'onering-promise-busy-wait',
    ];
    const load = { connections: 1, toValue: medianMicros };
    return [makeCase(bench, { title, unit: 'µs', names, load })];
  },
};

interface Plan {
  readonly title: string;
  readonly unit: string;
  readonly names: readonly string[];
  readonly load: Load;
}

interface Load {
  readonly connections: number;
  readonly toValue: (figures: Figures) => number;
}

const READY_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 5_000;

function makeCase(bench: Bench, { title, unit, names, load }: Plan): Case {
  const program = bench.twins.load;
  if (program === null) throw new Error('Expected the load generator');
  return {
    title,
    unit,
    contenders: names.map((name) => contender(bench, name)),
    run: (command) => runOnce(bench, { program, load, command }),
  };
}

function contender(bench: Bench, name: string): Contender {
  const { settings, twins } = bench;
  const spins = name.endsWith('-busy-wait');
  const rest = spins ? ['--busy-wait-micros', String(settings.busyWaitMicros)] : [];
  if (name === 'c' || name === 'c-busy-wait') {
    return { name, command: twins.echo === null ? null : [twins.echo, ...rest] };
  }
  const style = name === 'node' ? 'node/echo' : name.replace('onering-', 'onering/echo-');
  const driver = driverPath(style.replace('-busy-wait', ''));
  return { name, command: [settings.node, driver, ...rest] };
}

interface Run {
  readonly program: string;
  readonly load: Load;
  readonly command: readonly string[];
}

async function runOnce(bench: Bench, { program, load, command }: Run): Promise<Sample> {
  const { settings, pinning } = bench;
  const { seconds, warmupSeconds, messageSize, spins } = settings;
  const server = new Child(command, pinning?.server ?? null);
  const port = numberIn(await server.firstLine(READY_LIMIT_MS), 'port');
  const sizes = [port, load.connections, messageSize, seconds].map(String);
  const rest = ['--warmup', String(warmupSeconds), '--server-pid', String(server.pid)];
  if (spins) rest.push('--spin');
  const client = new Child([program, ...sizes, ...rest], pinning?.load ?? null);
  const limitMs = (seconds + warmupSeconds) * 1000 + 20_000;
  try {
    const figures = await client.lastLine(limitMs);
    await server.lastLine(STOP_LIMIT_MS, 'SIGTERM');
    return toSample(figures, load);
  } catch (error) {
    // A server that has failed explains why its load did.
    await server.lastLine(STOP_LIMIT_MS, 'SIGTERM');
    throw error;
  }
}

function toSample(figures: Figures, load: Load): Sample {
  const messages = numberIn(figures, 'messages');
  return {
    value: load.toValue(figures),
    cpuMicrosPerOperation: (numberIn(figures, 'serverCpuSeconds') * 1e6) / messages,
    extras: {
      'p50 µs': numberIn(figures, 'latencyMicros.p50'),
      'p99 µs': numberIn(figures, 'latencyMicros.p99'),
      'load CPU %': (numberIn(figures, 'cpuSeconds') / numberIn(figures, 'seconds')) * 100,
    },
    problem: findProblem(figures),
  };
}

function findProblem(figures: Figures): string | null {
  if (numberIn(figures, 'messages') === 0) return 'no message came back';
  for (const name of ['mismatches', 'lost', 'idleConnections']) {
    const count = numberIn(figures, name);
    if (count > 0) return `${count} ${name}`;
  }
  return null;
}

function messagesPerSecond(figures: Figures): number {
  return numberIn(figures, 'messages') / numberIn(figures, 'seconds');
}

function medianMicros(figures: Figures): number {
  return numberIn(figures, 'latencyMicros.p50');
}
