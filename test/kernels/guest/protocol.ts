/**
 * What a machine tells its host: one JSON object a line, on the second serial line.
 *
 * Types only, for both sides. A machine that does not end with `end` has failed, whatever it said.
 */

import type { Diagnosis } from 'onering';

/** The machine is up. */
export interface BootLine {
  readonly type: 'boot';
  readonly release: string;
  readonly node: string;
}

/** What `onering doctor --json` printed. */
export interface DoctorLine {
  readonly type: 'doctor';
  readonly diagnosis: Diagnosis;
}

/** One check of one program. */
export interface CheckLine {
  readonly type: 'check';
  readonly program: string;
  readonly backend: string;
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly elapsedMs: number;
  /** Why it failed or was skipped. */
  readonly detail?: string;
}

/** Something that was measured. */
export interface FigureLine {
  readonly type: 'figure';
  readonly program: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** Everything has run. */
export interface EndLine {
  readonly type: 'end';
}

export type Line = BootLine | DoctorLine | CheckLine | FigureLine | EndLine;
