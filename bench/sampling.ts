/**
 * From what a program has printed to a sample: the figures that all programs print by one name.
 *
 * A worker prints `operations`, `completions`, `checksum` and what it used up; a load generator
 * prints the same about the server, and `lost` and `mismatches` instead of a checksum. Figures
 * that are not there are null, and the report says so.
 */

import { Child, numberIn, optionalNumberIn } from './child.ts';
import type { Figures } from './child.ts';
import type { Percentiles } from './histogram.ts';
import type { Case, Contender, Sample } from './scenario.ts';
import type { SyscallCounter } from './syscall-counter.ts';

const READY_LIMIT_MS = 20_000;
const GRACE_MS = 30_000;

/** What a scenario adds to the figures. */
export interface Reading {
  /** The value in the unit of the case; operations a second if nothing else is said. */
  readonly toValue?: (figures: Figures) => number;
  /** What the checksum must be; null where there is none to compare. */
  readonly expected?: (figures: Figures) => number | null;
  /** What the harness finds when it looks at the result; instead of the worker's own checksum. */
  readonly found?: (figures: Figures) => number;
  readonly extras?: (figures: Figures) => Record<string, number>;
  /** How many of what the program counts make one operation of the table. */
  readonly scale?: number;
}

/** Runs a worker, once. `toCommand` adds what makes it wait for a counter. */
export async function runWorker(
  { command, env = {} }: Contender,
  plan: {
    readonly seconds: number;
    readonly cpu: number | null;
    readonly arguments: (isCounted: boolean) => readonly string[];
    readonly reading: Reading;
  },
  counter: SyscallCounter | null,
): Promise<Sample> {
  const whole = [...(command ?? []), ...plan.arguments(counter !== null)];
  const child = new Child(whole, { cpu: plan.cpu, env });
  const limitMs = plan.seconds * 1000 + GRACE_MS;
  if (counter === null) return sampleOfWorker(await child.lastLine(limitMs), plan.reading, null);
  await child.firstLine(READY_LIMIT_MS);
  const attached = await counter.attach(child.pid);
  child.proceed();
  const figures = await child.lastLine(limitMs);
  return sampleOfWorker(figures, plan.reading, await attached.stop());
}

function sampleOfWorker(figures: Figures, reading: Reading, syscalls: number | null): Sample {
  const { scale = 1 } = reading;
  const operations = numberIn(figures, 'operations') / scale;
  return {
    ...commonOf(figures, reading),
    cpuMicrosPerOperation: perOperation(optionalNumberIn(figures, 'cpuSeconds'), operations, 1e6),
    switchesPerOperation: perOperation(optionalNumberIn(figures, 'switches'), operations),
    syscallsPerOperation: perOperation(
      syscalls,
      (optionalNumberIn(figures, 'completions') ?? numberIn(figures, 'operations')) / scale,
    ),
    peakBytes: optionalNumberIn(figures, 'peakBytes'),
    timerLateMicros: percentilesIn(figures, 'timerLateMicros'),
    problem: workerProblem(figures, reading),
  };
}

/** A sample of what a load generator and its server have printed. */
export function sampleOfLoad(
  load: Figures,
  server: Figures,
  reading: Reading,
  syscalls: number | null,
): Sample {
  const operations = numberIn(load, 'operations') / (reading.scale ?? 1);
  return {
    ...commonOf(load, reading),
    cpuMicrosPerOperation: perOperation(
      optionalNumberIn(load, 'serverCpuSeconds'),
      operations,
      1e6,
    ),
    switchesPerOperation: perOperation(optionalNumberIn(load, 'serverSwitches'), operations),
    syscallsPerOperation: perOperation(syscalls, operations),
    peakBytes: optionalNumberIn(load, 'serverPeakBytes'),
    timerLateMicros: percentilesIn(server, 'timerLateMicros'),
    problem: loadProblem(load),
  };
}

/** Operations a second. */
export function rateOf(figures: Figures): number {
  return numberIn(figures, 'operations') / numberIn(figures, 'seconds');
}

/** The parts of a case that most cases share. */
export function comparison(parts: Omit<Case, 'better' | 'isCountable'> & Partial<Case>): Case {
  return { better: 'more', isCountable: true, ...parts };
}

function commonOf(
  figures: Figures,
  { toValue = rateOf, extras }: Reading,
): Pick<Sample, 'value' | 'latencyMicros' | 'extras'> {
  return {
    value: toValue(figures),
    latencyMicros: percentilesIn(figures, 'latencyMicros'),
    extras: extras?.(figures) ?? {},
  };
}

function workerProblem(figures: Figures, { expected: expect, found }: Reading): string | null {
  if (numberIn(figures, 'operations') === 0) return 'no operation was done';
  const expected = expect?.(figures) ?? null;
  const checksum = found?.(figures) ?? optionalNumberIn(figures, 'checksum');
  if (expected !== null && checksum !== expected) return `checksum ${checksum}, not ${expected}`;
  return null;
}

function loadProblem(figures: Figures): string | null {
  if (numberIn(figures, 'operations') === 0) return 'no message came back';
  for (const name of ['mismatches', 'lost']) {
    const count = optionalNumberIn(figures, name) ?? 0;
    if (count > 0) return `${count} ${name}`;
  }
  return null;
}

function perOperation(value: number | null, operations: number, factor = 1): number | null {
  return value === null || operations === 0 ? null : (value * factor) / operations;
}

function percentilesIn(figures: Figures, name: string): Percentiles | null {
  const read = (which: string): number | null => optionalNumberIn(figures, `${name}.${which}`);
  const [p50, p90, p99, p999, max] = ['p50', 'p90', 'p99', 'p999', 'max'].map(read);
  if (p50 === null || p50 === undefined) return null;
  return { p50, p90: p90 ?? p50, p99: p99 ?? p50, p999: p999 ?? p50, max: max ?? p50 };
}
