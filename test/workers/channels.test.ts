/**
 * Channels between threads: no message is lost or doubled, whatever happens to the rings and the
 * threads meanwhile.
 *
 * `ONERING_MESSAGES` is how many go each way (5,000,000 in the full size).
 */

import { describe, expect, it } from 'vitest';
import { diagnose } from '../../src/runtime/index.ts';
import { hosts, ringHosts, runProgram } from '../loop/host.ts';
import { SeededRandom } from '../support/seeded-random.ts';

interface Half {
  readonly problems: readonly string[];
  readonly messages: number;
  readonly completionOverflows: number;
  readonly resizesGrown: number;
  readonly resizesShrunk: number;
  readonly lateCompletions: number;
}

interface EndsReport {
  readonly problems: readonly string[];
  readonly leaked: number;
  readonly inFlight: number;
  readonly lateCompletions: number;
}

const channels = new URL('programs/channels.mjs', import.meta.url);
const channelOrphans = new URL('programs/channel-orphans.mjs', import.meta.url);
const channelEnds = new URL('programs/channel-ends.mjs', import.meta.url);

const MESSAGES = Number(process.env['ONERING_MESSAGES'] ?? 100_000);
const TIMEOUT_MS = 20_000 + MESSAGES / 50;
const WORKERS = 8;
const canResize = diagnose().features.ringResize.available;

describe('messages between threads', () => {
  it.each(hosts)(
    'arrive once and in order while both queues overflow and resize on $label',
    async (host) => {
      const { seed, replay } = new SeededRandom();
      const report = await runProgram<{ main: Half; worker: Half }>(
        host,
        channels,
        [MESSAGES, seed],
        { timeoutMs: TIMEOUT_MS },
      );
      for (const half of [report.main, report.worker]) {
        expect(half.problems, replay).toEqual([]);
        expect(half.lateCompletions, replay).toBe(0);
        if (host.backend === 'libuv') continue;
        expect(half.messages, replay).toBeGreaterThan(0);
        expect(half.completionOverflows, replay).toBeGreaterThan(0);
        if (!canResize) continue;
        expect(half.resizesGrown, replay).toBeGreaterThan(0);
        expect(half.resizesShrunk, replay).toBeGreaterThan(0);
      }
    },
    TIMEOUT_MS + 5000,
  );
});

describe.each(['terminate', 'exit', 'close'])('workers that end by %s', (mode) => {
  it.each(hosts)(
    'are missed at once, and leave nothing, on $label',
    async (host) => {
      const report = await runProgram<EndsReport>(host, channelEnds, [mode, WORKERS], {
        timeoutMs: 30_000,
      });
      expect(report.problems).toEqual([]);
      expect(report).toMatchObject({ inFlight: 0, lateCompletions: 0 });
      // Terminated between taking a descriptor and its clean-up hook, a worker leaves it behind.
      expect(report.leaked).toBeLessThanOrEqual(mode === 'terminate' ? 1 : 0);
    },
    35_000,
  );
});

describe('connections on their way to a worker that is terminated', () => {
  it.each(ringHosts)('are closed on $label', async (host) => {
    const report = await runProgram(host, channelOrphans, []);
    expect(report).toMatchObject({ ended: 5, leaked: 0 });
  });
});
