/**
 * Random programs over the whole public API, checked against a model; see `everything.mjs`.
 *
 * `ONERING_SEEDS` is how many of them run (`npm run test:stress`: 100), `ONERING_STEPS` how long
 * each is, `ONERING_SEED` replays one. With `ONERING_STRESS_MINUTES` one process on the ring
 * repeats them for so long instead, and its figures of start and end are printed.
 */

import { describe, expect, it } from 'vitest';
import { hosts, ringHosts, runProgram } from '../loop/host.ts';
import type { Host } from '../loop/host.ts';
import { SeededRandom } from '../support/seeded-random.ts';

interface Resources {
  readonly descriptors: number;
  readonly maps: number;
  readonly rssMiB: number;
}

interface EverythingReport {
  readonly problems: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly rounds: number;
  readonly before: Resources;
  readonly samples: readonly (Resources & { readonly minute: number })[];
  readonly after: Resources;
  readonly metrics: {
    readonly inFlight: number;
    readonly timers: number;
    readonly lateCompletions: number;
    readonly resizesGrown: number;
  };
}

const everything = new URL('programs/everything.mjs', import.meta.url);

const MINUTES = Number(process.env['ONERING_STRESS_MINUTES'] ?? 0);
const SEEDS = MINUTES > 0 ? 0 : Number(process.env['ONERING_SEEDS'] ?? 1);
const STEPS = Number(process.env['ONERING_STEPS'] ?? 25);
/** Beyond what the program allows itself before it says what hangs. */
const TIMEOUT_MS = 90_000 + STEPS * 600 + MINUTES * 60_000;
/** What V8 has not collected yet, and koffi keeps of each worker. */
const RSS_SLACK_MIB = 150;
/** Of a worker that is terminated between taking a descriptor and hanging its clean-up hook. */
const DESCRIPTORS_SLACK = 2;

/** In every program, whatever its seed. */
const MUST_HAPPEN =
  'files|drop-in files|logs|lent memory|bursts|sleeps|sockets|drop-in sockets|datagrams|channels';

async function run(host: Host, random: SeededRandom, n: number): Promise<EverythingReport> {
  const seed = random.seed + (process.env['ONERING_SEED'] === undefined ? 0 : n);
  const replay = `replay with ONERING_SEED=${seed}`;
  const report = await runProgram<EverythingReport>(host, everything, [seed, STEPS, MINUTES], {
    nodeArgs: ['--expose-gc'],
    timeoutMs: TIMEOUT_MS,
  });
  expect(report.problems, replay).toEqual([]);
  expect(report.metrics, replay).toMatchObject({ inFlight: 0, timers: 0, lateCompletions: 0 });
  const { descriptors, rssMiB, maps: _, ...after } = report.after;
  expect(report.before, replay).toMatchObject(after);
  const more = descriptors - report.before.descriptors;
  expect(more, replay).toBeLessThanOrEqual(DESCRIPTORS_SLACK * report.rounds);
  expect(rssMiB - report.before.rssMiB, replay).toBeLessThan(RSS_SLACK_MIB);
  // Otherwise nothing was pressed.
  if (host.backend === 'uring') expect(report.metrics.resizesGrown, replay).toBeGreaterThan(0);
  return report;
}

describe.skipIf(SEEDS === 0)('random programs', () => {
  for (let n = 0; n < SEEDS; n += 1) {
    it.each(hosts)(
      `number ${n} leaves nothing behind on $label`,
      async (host) => {
        const { counts } = await run(host, new SeededRandom(), n);
        expect(Object.keys(counts)).toEqual(expect.arrayContaining(MUST_HAPPEN.split('|')));
      },
      TIMEOUT_MS + 5000,
    );
  }
});

describe.skipIf(MINUTES === 0)(`random programs for ${MINUTES} minutes`, () => {
  it.each(ringHosts)(
    'leave nothing behind on $label',
    async (host) => {
      const { rounds, before, samples, after } = await run(host, new SeededRandom(), 0);
      console.log(JSON.stringify({ rounds, before, samples, after }, null, 1));
      expect(rounds).toBeGreaterThan(MINUTES);
    },
    TIMEOUT_MS + 5000,
  );
});
