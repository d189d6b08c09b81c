/**
 * Node stays Node while the ring is busy and while it sleeps: timers, immediates, the thread pool,
 * the resolver, child processes, workers, message ports, signals.
 *
 * Times are compared as medians with generous bounds: what these tests look for is work of libuv's
 * that waits for an unrelated completion, or for ever.
 */

import { describe, expect, it } from 'vitest';
import { hosts, median, runProgram } from './host.ts';

interface TimersReport {
  readonly baseline: readonly number[];
  readonly timeouts: readonly number[];
  readonly intervals: readonly number[];
  readonly afterWork: readonly number[];
  readonly immediates: readonly number[];
  readonly precise: readonly number[];
}

interface GuestsReport {
  readonly took: Readonly<Record<string, number>>;
}

const timers = new URL('programs/timers.mjs', import.meta.url);
const guests = new URL('programs/guests.mjs', import.meta.url);

/** A wake-up later than this, as a median, waited for something else: those bugs take 40. */
const LATE_MS_MAX = 25;
/** What a guest may take on a machine that is busy with other things. */
const GUEST_MS_MAX = 3000;

/** On a machine that is busy with other things a process waits for its turn, without a ring too. */
function boundOf({ baseline }: TimersReport): number {
  return LATE_MS_MAX + 3 * Math.max(0, median(baseline));
}

describe.each(['idle', 'nop', 'echo'])('with the load %s', (load) => {
  it.each(hosts)('timers and immediates are on time on $label', async (host) => {
    const late = await runProgram<TimersReport>(host, timers, [load]);
    const lateMsMax = boundOf(late);
    expect(median(late.timeouts), 'setTimeout').toBeLessThan(lateMsMax);
    expect(median(late.intervals), 'setInterval').toBeLessThan(lateMsMax);
    // The callback works for 25 ms before the wait.
    expect(median(late.afterWork), 'setTimeout after a callback').toBeLessThan(2 * lateMsMax);
    expect(median(late.immediates), 'setImmediate').toBeLessThan(lateMsMax);
    // Never early by more than the millisecond that Node rounds by.
    expect(Math.min(...late.timeouts)).toBeGreaterThan(-1.5);
    expect(median(late.precise), 'timers of the runtime').toBeLessThan(lateMsMax);
    if (host.backend === 'uring') expect(Math.min(...late.precise)).toBeGreaterThanOrEqual(0);
  });

  it.each(hosts)('everything that libuv does completes on $label', async (host) => {
    const { took } = await runProgram<GuestsReport>(host, guests, [load]);
    expect(Object.keys(took)).toHaveLength(9);
    expect(Object.entries(took).filter(([, ms]) => ms > GUEST_MS_MAX)).toEqual([]);
  });
});

describe('with many operations in flight', () => {
  it.each(hosts)('timers of promise loops are on time on $label', async (host) => {
    const late = await runProgram<TimersReport>(host, timers, ['deep']);
    const lateMsMax = boundOf(late);
    expect(median(late.timeouts)).toBeLessThan(2 * lateMsMax);
    expect(median(late.intervals)).toBeLessThan(2 * lateMsMax);
  });

  it.each(hosts)('timers of callback loops are on time on $label', async (host) => {
    const late = await runProgram<TimersReport>(host, timers, ['callbacks']);
    const lateMsMax = boundOf(late);
    expect(median(late.timeouts)).toBeLessThan(2 * lateMsMax);
    expect(median(late.intervals)).toBeLessThan(2 * lateMsMax);
  });
});
