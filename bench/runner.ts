/**
 * Runs the contenders of a case: round by round (A B C, A B C, …), each run in a fresh process.
 *
 * In the first case of a scenario the first contender takes part twice: what its two rows differ by
 * is noise. There, one further run of each has its system calls counted. When somebody
 * interrupts, the rounds that are complete stay: everybody has as many samples as the others.
 */

import type { Progress } from './progress.ts';
import type { CaseResult, Series } from './result.ts';
import type { Case, Contender, Sample, Scenario, Settings } from './scenario.ts';
import type { SyscallCounter } from './syscall-counter.ts';

/** Seconds that starting and ending a process costs beside its run, for the plan. */
const OVERHEAD_SECONDS = 0.25;

/** What a run needs to know beside its case. */
export interface RunContext {
  readonly settings: Settings;
  readonly counter: SyscallCounter | null;
  readonly progress: Progress;
  readonly isInterrupted: () => boolean;
}

interface Entry {
  readonly contender: Contender;
  readonly isAgain: boolean;
  readonly samples: Sample[];
  failure: string | null;
  syscalls: number | null;
}

/** The contenders of a case that are here and were asked for. */
export function chosen({ contenders }: Case, { only, against }: Settings): Contender[] {
  return contenders
    .filter(({ command }) => command !== null)
    .filter(({ name }) => only.length === 0 || only.includes(name))
    .filter(
      ({ family }) => against.length === 0 || family === 'onering' || against.includes(family),
    );
}

/** Estimated seconds of a case. */
export function planOf(
  oneCase: Case,
  isFirst: boolean,
  { settings, counter }: Pick<RunContext, 'settings' | 'counter'>,
): number {
  const counted = counter !== null && isFirst && oneCase.isCountable ? 1 : 0;
  const again = hasNoiseRow(isFirst, settings) ? settings.rounds : 0;
  const runs = chosen(oneCase, settings).length * (settings.rounds + counted) + again;
  return runs * secondsOf(oneCase);
}

/** Runs one case. */
export async function runCase(
  { name: scenario, group }: Scenario,
  oneCase: Case,
  context: RunContext,
  isFirst: boolean,
): Promise<CaseResult> {
  const { title, unit, better, baselines, load = null } = oneCase;
  const entries = makeEntries(oneCase, context.settings, isFirst);
  if (entries.length > 0) {
    await prepare(oneCase, entries, context);
    await runRounds(oneCase, entries, context);
    if (isFirst) await runCounted(oneCase, entries, context);
  }
  const complete = Math.min(
    ...entries.filter(({ failure }) => failure === null).map(({ samples }) => samples.length),
  );
  const series = entries.map((entry) => seriesOf(entry, complete));
  const shown = context.isInterrupted() ? series.filter(hasSomething) : series;
  return { scenario, group, title, unit, better, baselines, load, series: shown };
}

/** What cannot be prepared fails for everybody, unless somebody just interrupts. */
async function prepare(
  oneCase: Case,
  entries: readonly Entry[],
  { isInterrupted }: RunContext,
): Promise<void> {
  try {
    await oneCase.prepare?.();
  } catch (error) {
    if (isInterrupted()) return;
    const reason = error instanceof Error ? error.message : String(error);
    for (const entry of entries) entry.failure = `Cannot prepare: ${reason}`;
  }
}

function makeEntries(oneCase: Case, settings: Settings, isFirst: boolean): Entry[] {
  const contenders = chosen(oneCase, settings);
  const entries = contenders.map((contender): Entry => ({
    contender,
    isAgain: false,
    samples: [],
    failure: null,
    syscalls: null,
  }));
  const [first] = entries;
  if (first === undefined || !hasNoiseRow(isFirst, settings)) return entries;
  const contender = { ...first.contender, name: `${first.contender.name} (again)` };
  return [...entries, { ...first, contender, isAgain: true, samples: [] }];
}

/** What noise there is in runs too short to be quoted is nobody's question. */
function hasNoiseRow(isFirst: boolean, { size }: Settings): boolean {
  return isFirst && size === 'full';
}

async function runRounds(
  oneCase: Case,
  entries: readonly Entry[],
  context: RunContext,
): Promise<void> {
  for (let round = 0; round < context.settings.rounds; round += 1) {
    for (const entry of entries) {
      if (context.isInterrupted()) return;
      if (entry.failure !== null) continue;
      await runEntry(oneCase, entry, context, async () => {
        entry.samples.push(await oneCase.run(entry.contender, null));
      });
    }
  }
}

async function runCounted(
  oneCase: Case,
  entries: readonly Entry[],
  context: RunContext,
): Promise<void> {
  const { counter } = context;
  if (counter === null || !oneCase.isCountable) return;
  for (const entry of entries) {
    const isOut = entry.failure !== null || entry.isAgain || entry.contender.family === 'fio';
    if (isOut || context.isInterrupted()) continue;
    await runEntry(oneCase, entry, context, async () => {
      entry.syscalls = (await oneCase.run(entry.contender, counter)).syscallsPerOperation;
    });
  }
}

async function runEntry(
  oneCase: Case,
  entry: Entry,
  { progress, isInterrupted }: RunContext,
  run: () => Promise<void>,
): Promise<void> {
  progress.begin(`${oneCase.title} · ${entry.contender.name}`);
  try {
    await run();
  } catch (error) {
    // A child that was killed because somebody interrupted has not failed.
    if (!isInterrupted()) entry.failure = error instanceof Error ? error.message : String(error);
  }
  progress.end(secondsOf(oneCase));
}

function secondsOf({ runSeconds }: Case): number {
  return runSeconds + OVERHEAD_SECONDS;
}

/** A series that broke off is shorter than the others, and cannot be compared with them. */
function seriesOf(
  { contender, isAgain, samples, failure, syscalls }: Entry,
  complete: number,
): Series {
  return {
    name: contender.name,
    family: contender.family,
    samples: failure === null ? samples.slice(0, complete) : [],
    failure,
    syscallsPerOperation: syscalls,
    isAgain,
  };
}

function hasSomething({ samples, failure }: Series): boolean {
  return samples.length > 0 || failure !== null;
}
