/**
 * The words of the comparison: a scenario has cases, a case has contenders, a run gives a sample.
 *
 * A contender is only a command line; every contender of a case gets the same work from the same
 * code. A sample that does not prove that the work was done carries a `problem`, and the report
 * prints no ratio with it.
 */

import type { Pinning } from './environment.ts';
import type { Percentiles } from './histogram.ts';
import type { Programs } from './programs.ts';
import type { SyscallCounter } from './syscall-counter.ts';
import type { Twins } from './twins.ts';

/** How much is measured: to see that it works, in minutes, or for results. */
export type Size = 'smoke' | 'quick' | 'full';

/** Sizes and choices of one call of the harness. */
export interface Settings {
  readonly size: Size;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** The same for servers, which run much code for each operation: it takes longer to get hot. */
  readonly serverWarmupSeconds: number;
  /** Operations in flight; empty for what the scenarios say. */
  readonly depths: readonly number[];
  /** Connections; empty for what the scenarios say. */
  readonly connections: readonly number[];
  /** Bytes of a message; null for what the scenarios say. */
  readonly messageSize: number | null;
  readonly busyWaitMicros: number;
  /** The load never sleeps, which takes its own wake-up out of the latency. */
  readonly spins: boolean;
  /** Only these contenders; empty for all. */
  readonly only: readonly string[];
  /** Only these families beside onering's own; empty for all. */
  readonly against: readonly string[];
  /** Where the files of the storage scenarios are made. */
  readonly directory: string;
}

/** What a scenario needs to make its cases. */
export interface Bench {
  readonly settings: Settings;
  readonly pinning: Pinning | null;
  readonly twins: Twins;
  readonly programs: Programs;
  /** A folder of this call's own; made when first asked for, gone in the end. */
  folder(): string;
}

/** Whose work a contender shows. */
export type Family = 'onering' | 'node' | 'c' | 'bun' | 'deno' | 'fio' | 'nginx';

/** One program that can do the work; null when it is not available here. */
export interface Contender {
  readonly name: string;
  readonly family: Family;
  readonly command: readonly string[] | null;
  readonly env?: Readonly<Record<string, string>>;
}

/** What one run of one contender gave. What could not be learned is null. */
export interface Sample {
  /** In the unit of the case. */
  readonly value: number;
  readonly cpuMicrosPerOperation: number | null;
  readonly latencyMicros: Percentiles | null;
  /** Voluntary context switches. */
  readonly switchesPerOperation: number | null;
  /** Only in a run that was counted, whose other figures do not count. */
  readonly syscallsPerOperation: number | null;
  readonly peakBytes: number | null;
  /** How late a timer of 1 ms fired. */
  readonly timerLateMicros: Percentiles | null;
  /** Columns of this scenario alone. */
  readonly extras: Readonly<Record<string, number>>;
  /** Why this run does not count, if it does not. */
  readonly problem: string | null;
}

/** One table of the report. */
export interface Case {
  readonly title: string;
  readonly unit: string;
  /** Which way the value is better. */
  readonly better: 'more' | 'less';
  readonly contenders: readonly Contender[];
  /** Names of the contenders that ratios are taken to, if they are there. */
  readonly baselines: readonly string[];
  /** Where this case belongs on a load curve, if it is a point of one. */
  readonly load?: { readonly curve: string; readonly percent: number };
  /** Estimated seconds of a run. */
  readonly runSeconds: number;
  /** Makes what all runs need. */
  prepare?(): Promise<void>;
  run(contender: Contender, counter: SyscallCounter | null): Promise<Sample>;
  /** Whether a further run may count system calls. */
  readonly isCountable: boolean;
}

/** Something to compare, in one or more cases. */
export interface Scenario {
  readonly name: string;
  readonly group: 'storage' | 'sockets' | 'runtime';
  readonly summary: string;
  /** Whether a first look leaves it out. */
  readonly isDetail?: boolean;
  cases(bench: Bench): Case[];
}

/** Picks by size. */
export function bySize<T>({ size }: Settings, smoke: T, quick: T, full: T): T {
  if (size === 'smoke') return smoke;
  return size === 'quick' ? quick : full;
}
