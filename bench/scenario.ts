/**
 * The words of the comparison: a scenario has cases, a case has contenders, a run gives a
 * sample.
 *
 * A contender is only a command line; every contender of a case gets the same work from the
 * same code. A sample that does not prove that the work was done carries a `problem`, and the
 * report prints no ratio with it.
 */

import type { Pinning } from './environment.ts';
import type { Twins } from './twins.ts';

/** Sizes and choices of one call of the harness. */
export interface Settings {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly depths: readonly number[];
  readonly connections: number;
  readonly messageSize: number;
  readonly busyWaitMicros: number;
  /** The load never sleeps, which takes its own wake-up out of the latency. */
  readonly spins: boolean;
  /** Only these contenders; empty for all. */
  readonly only: readonly string[];
  /** The Node.js executable that is measured. */
  readonly node: string;
  readonly printsJson: boolean;
}

/** What a scenario needs to make its cases. */
export interface Bench {
  readonly settings: Settings;
  readonly pinning: Pinning | null;
  readonly twins: Twins;
}

/** One program that can do the work; null when it is not available here. */
export interface Contender {
  readonly name: string;
  readonly command: readonly string[] | null;
}

/** What one run of one contender gave. */
export interface Sample {
  /** In the unit of the case. */
  readonly value: number;
  readonly cpuMicrosPerOperation: number;
  /** Columns of this scenario alone. */
  readonly extras: Readonly<Record<string, number>>;
  /** Why this run does not count, if it does not. */
  readonly problem: string | null;
}

/** One table of the report. */
export interface Case {
  readonly title: string;
  readonly unit: string;
  readonly contenders: readonly Contender[];
  run(command: readonly string[]): Promise<Sample>;
}

/** Something to compare, in one or more cases. */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** Whether the load generator drives it, so that nothing can run without. */
  readonly needsLoad: boolean;
  cases(bench: Bench): Case[];
}
