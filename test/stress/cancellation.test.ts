/**
 * Random aborts at random moments, on operations of every kind: no late completion reaches a slot
 * or a buffer that is used again, nothing that arrived is lost, no descriptor is left.
 *
 * `ONERING_ABORTS` is how many operations are begun (100,000 in the full size); `ONERING_SEED`
 * replays a run as far as the kernel's timing lets it.
 */

import { describe, expect, it } from 'vitest';
import { hosts, ringHosts, runProgram } from '../loop/host.ts';
import { SeededRandom } from '../support/seeded-random.ts';

interface Flow {
  readonly bytes: number;
  readonly connections: number;
}

interface CancelReport {
  readonly problems: readonly string[];
  readonly outcomes: { readonly done: number; readonly aborted: number };
  readonly sent: Flow;
  readonly received: Flow;
  readonly inFlight: number;
  readonly lateCompletions: number;
  readonly leaked: number;
}

const cancel = new URL('programs/cancel.mjs', import.meta.url);
const sameBatch = new URL('programs/same-batch.mjs', import.meta.url);

const OPERATIONS = Number(process.env['ONERING_ABORTS'] ?? 20_000);
/** Node's own thread pool is slower, and not under test. */
const OPERATIONS_WITHOUT_RING = Math.ceil(OPERATIONS / 5);
/** 100,000 take half a minute on two cores. */
const TIMEOUT_MS = 15_000 + OPERATIONS;

describe('random aborts', () => {
  it.each(hosts)(
    'reach the operation that they are meant for, or none on $label',
    async (host) => {
      const { seed, replay } = new SeededRandom();
      const count = host.backend === 'uring' ? OPERATIONS : OPERATIONS_WITHOUT_RING;
      const report = await runProgram<CancelReport>(host, cancel, [count, seed], {
        timeoutMs: TIMEOUT_MS,
      });
      expect(report.problems, replay).toEqual([]);
      expect(report, replay).toMatchObject({ inFlight: 0, lateCompletions: 0, leaked: 0 });
      // Both happen, or the moments are badly chosen.
      expect(report.outcomes.done + report.outcomes.aborted, replay).toBe(count);
      expect(report.outcomes.done, replay).toBeGreaterThan(count / 20);
      expect(report.outcomes.aborted, replay).toBeGreaterThan(count / 4);
      expect(report.received, replay).toEqual(report.sent);
    },
    TIMEOUT_MS + 5000,
  );
});

describe('an abort in the batch of its completion', () => {
  it.each(ringHosts)('loses no bytes and no connection on $label', async (host) => {
    const report = await runProgram<{ lost: number; rounds: number }>(host, sameBatch, []);
    expect(report).toMatchObject({ lost: 0, rounds: 300 });
  });
});
