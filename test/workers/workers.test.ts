/**
 * Workers that end in the middle of I/O: terminated, by `process.exit`, by themselves. Nothing of
 * the process may suffer: no crash, no byte of the main thread's memory or of a file changed, no
 * descriptor and no mapping left.
 *
 * `ONERING_WORKERS` is how many workers each test starts; `ONERING_SEED` replays their timing.
 */

import { describe, expect, it } from 'vitest';
import { hosts, ringHosts, runProgram } from '../loop/host.ts';
import type { Host } from '../loop/host.ts';
import { SeededRandom } from '../support/seeded-random.ts';

interface Resources {
  readonly descriptors: number;
  readonly rings: number;
  readonly segments: number;
  readonly maps: number;
}

interface CrewsReport {
  readonly problems: readonly string[];
  readonly before: Resources;
  readonly after: Resources;
  readonly crews: number;
  readonly directCrews: number;
}

const crews = new URL('programs/crews.mjs', import.meta.url);
const WORKERS = Number(process.env['ONERING_WORKERS'] ?? 50);
/** Those that end by themselves are in the middle of nothing: fewer will do. */
const WORKERS_ENDING = Math.ceil(WORKERS / 3);
/** What Node itself does is not under test: enough to see that the same program works there. */
const WORKERS_WITHOUT_RING = 8;
const AT_ONCE = 3;
/** Each of them is busy with a lot. */
const WORKERS_OF_DROP_INS = Math.min(WORKERS, 20);
const WORKERS_OF_DROP_INS_ENDING = Math.min(WORKERS, 7);
/**
 * Each file that is sent goes through a pipe of its own: a worker that is terminated just when one
 * is made or closed leaves both ends. Seen of one worker in hundreds; of each it would be 40.
 */
const PIPES_SLACK = 2 * 3;
/**
 * koffi 3.3 does not unmap its call stacks when a worker ends: three mappings for calls and three
 * for callbacks. Ours are counted by name: rings, and System V segments for everything else.
 */
const KOFFI_MAPS = 6;
/** What malloc and V8 keep for later: on Node 24 about two hundred, also without a ring. */
const MAPS_SLACK = 250;

async function runCrews(
  host: Host,
  set: string,
  mode: string,
  count: number,
): Promise<CrewsReport> {
  const { seed, replay } = new SeededRandom();
  const report = await runProgram<CrewsReport>(host, crews, [set, mode, count, AT_ONCE, seed], {
    nodeArgs: ['--expose-gc'],
    timeoutMs: 45_000,
  });
  expect(report.problems, replay).toEqual([]);
  // Two to warm up: what Node and koffi make once is there before anything is counted.
  expect(report.crews).toBe(count + 2);
  expect(report.after.rings, replay).toBe(report.before.rings);
  expect(report.after.segments, replay).toBe(report.before.segments);
  const maps = report.after.maps - report.before.maps;
  expect(maps, replay).toBeLessThanOrEqual(KOFFI_MAPS * count + MAPS_SLACK);
  return report;
}

describe.each([
  ['terminate', WORKERS],
  ['exit', WORKERS],
  ['end', WORKERS_ENDING],
] as const)('workers that %s', (mode, count) => {
  it.each(ringHosts)(
    'in the middle of transfers leave nothing behind on $label',
    async (host) => {
      const { before, after } = await runCrews(host, 'transfers', mode, count);
      expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
    },
    60_000,
  );

  it.each(hosts.filter(({ backend }) => backend === 'libuv'))(
    'are the same program without a ring on $label',
    async (host) => {
      const { problems } = await runCrews(host, 'transfers', mode, WORKERS_WITHOUT_RING);
      expect(problems).toEqual([]);
    },
    60_000,
  );
});

describe.each([
  ['exit', WORKERS],
  ['end', WORKERS_ENDING],
] as const)('workers that %s', (mode, count) => {
  it.each(ringHosts)(
    'while connections and files arrive leave nothing behind on $label',
    async (host) => {
      const { before, after } = await runCrews(host, 'arrivals', mode, count);
      expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
    },
    60_000,
  );
});

describe.each([
  ['terminate', WORKERS_OF_DROP_INS],
  ['exit', WORKERS_OF_DROP_INS_ENDING],
  ['end', WORKERS_OF_DROP_INS_ENDING],
] as const)('workers with the drop-ins that %s', (mode, count) => {
  it.each(ringHosts)(
    'in the middle of transfers leave nothing behind on $label',
    async (host) => {
      const { before, after } = await runCrews(host, 'dropIns', mode, count);
      const slack = mode === 'terminate' ? PIPES_SLACK : 0;
      expect(after.descriptors - before.descriptors).toBeLessThanOrEqual(slack);
    },
    60_000,
  );

  it.each(ringHosts)(
    'while whole files and connections come and go leave little behind on $label',
    async (host) => {
      const { before, after } = await runCrews(host, 'dropInArrivals', mode, count);
      const slack = mode === 'terminate' ? 2 * count : 0;
      expect(after.descriptors - before.descriptors).toBeLessThanOrEqual(slack);
    },
    60_000,
  );
});

// Not terminated: Node's own `dgram` then aborts the process while a datagram arrives.
describe.each(['exit', 'end'])('workers with the drop-ins that %s', (mode) => {
  it.each(hosts.filter(({ backend }) => backend === 'libuv'))(
    'are the same program without a ring on $label',
    async (host) => {
      const { problems } = await runCrews(host, 'dropIns', mode, WORKERS_WITHOUT_RING);
      expect(problems).toEqual([]);
    },
    60_000,
  );
});

describe('workers that are terminated while connections and files arrive', () => {
  // What the kernel hands over after the last JavaScript ran is nobody's. Node's own `fs` and `net`
  // leave about one descriptor in two workers behind; here it may be a batch of them, seldom more
  // than one a worker.
  it.each(ringHosts)(
    'leave little behind on $label',
    async (host) => {
      const { before, after } = await runCrews(host, 'arrivals', 'terminate', WORKERS);
      expect(after.descriptors - before.descriptors).toBeLessThanOrEqual(2 * WORKERS);
    },
    60_000,
  );
});
