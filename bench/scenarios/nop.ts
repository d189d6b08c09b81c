/**
 * NOPs through the ring: what one operation costs when the kernel does nothing for it.
 *
 * At depth 1 every operation pays for a whole turn (enter, reap, continue); at higher depths a
 * turn is shared. Node has no counterpart, so there is only the ratio to C. Each operation
 * carries a sequence number; the sum of those that came back proves that each came back once.
 */

import { Child, numberIn } from '../child.ts';
import type { Figures } from '../child.ts';
import { driverPath } from '../paths.ts';
import type { Bench, Case, Sample, Scenario } from '../scenario.ts';

export const nop: Scenario = {
  name: 'nop',
  summary: 'NOPs per second: C, a callback per NOP, a promise per NOP',
  needsLoad: false,
  cases: (bench) => bench.settings.depths.map((depth) => caseOfDepth(bench, depth)),
};

function caseOfDepth(bench: Bench, depth: number): Case {
  const { settings, pinning, twins } = bench;
  const { seconds, warmupSeconds, node } = settings;
  const sizes = [String(depth), String(seconds), '--warmup', String(warmupSeconds)];
  const driver = (style: string): string[] => [node, driverPath(`onering/nop-${style}`), ...sizes];
  return {
    title: `nop, depth ${depth}`,
    unit: 'NOP/s',
    contenders: [
      { name: 'c', command: twins.nop === null ? null : [twins.nop, ...sizes] },
      { name: 'onering-callback', command: driver('callback') },
      { name: 'onering-promise', command: driver('promise') },
    ],
    async run(command) {
      const child = new Child(command, pinning?.server ?? null);
      return toSample(await child.lastLine((seconds + warmupSeconds) * 1000 + 20_000));
    },
  };
}

function toSample(figures: Figures): Sample {
  const operations = numberIn(figures, 'operations');
  const completions = numberIn(figures, 'completions');
  const checksum = numberIn(figures, 'checksum');
  const expected = sumBelow(completions);
  let problem: string | null = null;
  if (operations === 0) problem = 'no operation was done';
  else if (checksum !== expected) problem = `checksum ${checksum} instead of ${expected}`;
  return {
    value: operations / numberIn(figures, 'seconds'),
    cpuMicrosPerOperation: (numberIn(figures, 'cpuSeconds') * 1e6) / operations,
    extras: {},
    problem,
  };
}

/** Sum of 0 .. count-1 modulo 2^32. */
function sumBelow(count: number): number {
  const exact = BigInt(count);
  return Number(((exact * (exact - 1n)) / 2n) & 0xff_ff_ff_ffn);
}
