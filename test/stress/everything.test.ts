/**
 * Random programs over the whole public API, checked against a model; see `everything.mjs`.
 *
 * `ONERING_SEEDS` is how many of them run (`npm run test:stress`: 100), `ONERING_STEPS` how long
 * each is, `ONERING_SEED` replays one.
 */

import { describe, expect, it } from 'vitest';
import { hosts, runProgram } from '../loop/host.ts';
import { SeededRandom } from '../support/seeded-random.ts';

interface Resources {
  readonly descriptors: number;
  readonly segments: number;
  readonly buffers: number;
  readonly files: number;
  readonly resources: number;
  readonly rssMiB: number;
}

interface EverythingReport {
  readonly problems: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly before: Resources;
  readonly after: Resources;
  readonly inFlight: number;
  readonly timers: number;
  readonly lateCompletions: number;
  readonly resizesGrown: number;
}

const everything = new URL('programs/everything.mjs', import.meta.url);

const SEEDS = Number(process.env['ONERING_SEEDS'] ?? 1);
const STEPS = Number(process.env['ONERING_STEPS'] ?? 50);
const TIMEOUT_MS = 30_000 + STEPS * 600;
/** What V8 has not collected yet, and koffi keeps of each worker. */
const RSS_SLACK_MIB = 150;
/** Of a worker that is terminated between taking a descriptor and hanging its clean-up hook. */
const DESCRIPTORS_SLACK = 2;

describe('random programs', () => {
  for (let n = 0; n < SEEDS; n += 1) {
    it.each(hosts)(
      `number ${n} leaves nothing behind on $label`,
      async (host) => {
        const random = new SeededRandom();
        const seed = random.seed + (process.env['ONERING_SEED'] === undefined ? 0 : n);
        const replay = `replay with ONERING_SEED=${seed}`;
        const report = await runProgram<EverythingReport>(host, everything, [seed, STEPS], {
          timeoutMs: TIMEOUT_MS,
        });
        expect(report.problems, replay).toEqual([]);
        expect(report, replay).toMatchObject({ inFlight: 0, timers: 0, lateCompletions: 0 });
        const { descriptors, rssMiB, ...after } = report.after;
        expect(report.before, replay).toMatchObject(after);
        expect(descriptors - report.before.descriptors, replay).toBeLessThanOrEqual(
          DESCRIPTORS_SLACK,
        );
        expect(rssMiB - report.before.rssMiB, replay).toBeLessThan(RSS_SLACK_MIB);
        // Otherwise nothing was pressed.
        if (host.backend === 'uring') expect(report.resizesGrown, replay).toBeGreaterThan(0);
      },
      TIMEOUT_MS + 5000,
    );
  }
});
