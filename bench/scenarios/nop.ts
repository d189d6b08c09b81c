/**
 * NOPs through the ring: what one operation costs when the kernel does nothing for it.
 *
 * At depth 1 every operation pays for a whole turn (enter, reap, continue); at higher depths a
 * turn is shared. Node has no counterpart, so there is only the ratio to C. Each operation
 * carries a sequence number; the sum of those that came back proves that each came back once.
 */

import { numberIn } from '../child.ts';
import type { Figures } from '../child.ts';
import { driverPath } from '../paths.ts';
import { comparison, runWorker } from '../sampling.ts';
import { bySize } from '../scenario.ts';
import type { Bench, Case, Contender, Scenario } from '../scenario.ts';

export const nop: Scenario = {
  name: 'nop',
  group: 'runtime',
  summary: 'NOPs per second: C, a callback per NOP, a promise per NOP',
  cases: (bench) => depthsOf(bench).map((depth) => nopCase(bench, depth)),
};

function depthsOf({ settings }: Bench): readonly number[] {
  if (settings.depths.length > 0) return settings.depths;
  return bySize(settings, [1, 64], [64], [1, 8, 64, 512]);
}

function nopCase(bench: Bench, depth: number): Case {
  const { twins, programs } = bench;
  const driver = (style: string): string[] => [
    programs.node.path,
    driverPath(`onering/nop-${style}`),
  ];
  const contenders: Contender[] = [
    { name: 'c', family: 'c', command: twins.nop === null ? null : [twins.nop] },
    { name: 'onering-callback', family: 'onering', command: driver('callback') },
    { name: 'onering-promise', family: 'onering', command: driver('promise') },
  ];
  return ringCase(bench, { title: `NOP, ${depth} in flight`, contenders, depth, baseline: 'c' });
}

/** What a case of NOPs is made of. */
export interface NopPlan {
  readonly title: string;
  readonly contenders: readonly Contender[];
  readonly depth: number;
  readonly baseline: string;
  readonly unit?: string;
  /** Further words of the command line. */
  readonly words?: () => readonly string[];
  readonly extras?: (figures: Figures) => Record<string, number>;
}

/** A case whose contenders take DEPTH SECONDS WARMUP and print a sum of sequence numbers. */
export function ringCase(bench: Bench, plan: NopPlan): Case {
  const { settings, pinning } = bench;
  const { title, contenders, depth, baseline, unit = 'NOP/s', words, extras } = plan;
  const { seconds, warmupSeconds } = settings;
  return comparison({
    title,
    unit,
    baselines: [baseline],
    contenders,
    runSeconds: seconds + warmupSeconds,
    run: (contender, counter) =>
      runWorker(
        contender,
        {
          seconds: seconds + warmupSeconds,
          cpu: pinning?.server ?? null,
          arguments: (isCounted) => [
            ...[depth, seconds, isCounted ? 0 : warmupSeconds].map(String),
            ...(isCounted ? ['--counted'] : []),
            ...(words?.() ?? []),
          ],
          reading: { expected: sumOfSequence, ...(extras === undefined ? {} : { extras }) },
        },
        counter,
      ),
  });
}

/** Sum of 0 .. completions-1 modulo 2^32. */
function sumOfSequence(figures: Figures): number {
  const exact = BigInt(numberIn(figures, 'completions'));
  return Number(((exact * (exact - 1n)) / 2n) & 0xff_ff_ff_ffn);
}
