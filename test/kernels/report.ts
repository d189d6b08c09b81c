/**
 * What a machine said, judged and laid out: checks as lines for people, the features of several
 * kernels as one table in Markdown, and the same table read back from a document.
 */

import type { Diagnosis, FeatureName } from 'onering';
import { featureNames, isExpected } from './expectations.ts';
import type { CheckLine, FigureLine, Line } from './guest/protocol.ts';
import type { Shutdown } from './machine.ts';

/** Everything that is known about one kernel after its machine is off. */
export interface Findings {
  readonly name: string;
  readonly release: string;
  readonly backend: string;
  readonly available: ReadonlySet<FeatureName>;
  readonly checks: readonly CheckLine[];
  readonly figures: readonly FigureLine[];
  /** Its time was over before it had run everything: what it did not say is not held against it. */
  readonly isCut: boolean;
  /** What went wrong, one line each; empty is success. */
  readonly problems: readonly string[];
}

/** Reads one line of a machine. What is not JSON is not ours: the kernel may speak anywhere. */
export function parseLine(text: string): Line | null {
  if (!text.startsWith('{')) return null;
  try {
    return JSON.parse(text) as Line;
  } catch {
    // Cut off, or mixed with something else: what is missing is noticed as missing.
    return null;
  }
}

/** Judges what a machine said and how it ended. */
export function judge(name: string, lines: readonly Line[], shutdown: Shutdown): Findings {
  const boot = lines.find((line) => line.type === 'boot');
  const doctor = lines.find((line) => line.type === 'doctor');
  const checks = lines.filter((line) => line.type === 'check');
  const figures = lines.filter((line) => line.type === 'figure');
  const features = Object.entries(doctor?.diagnosis.features ?? {});
  const available = new Set(
    features.filter(([, { available: is }]) => is).map(([feature]) => feature as FeatureName),
  );
  const problems = [
    ...endingProblems(lines, shutdown),
    ...checks
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ program, backend, name: check, detail }) => {
        return `${program} on ${backend}: ${check}: ${detail ?? ''}`;
      }),
    ...(doctor === undefined ? [] : featureProblems(doctor.diagnosis)),
    ...(doctor?.diagnosis.backend === 'uring' || (shutdown.isCut && doctor === undefined)
      ? []
      : ['the ring is not in use']),
  ];
  return {
    name,
    release: boot?.release ?? 'unknown',
    backend: doctor?.diagnosis.backend ?? 'unknown',
    available,
    checks,
    figures,
    isCut: shutdown.isCut,
    problems,
  };
}

function endingProblems(lines: readonly Line[], shutdown: Shutdown): string[] {
  const { isSilent, isCut, code, console } = shutdown;
  if (isCut) return [];
  if (isSilent) return [`it was silent for too long. Its console:\n${console}`];
  if (lines.some(({ type }) => type === 'end') && code === 0) return [];
  return [`it ended too early, with ${code}. Its console:\n${console}`];
}

function featureProblems({ kernel, features }: Diagnosis): string[] {
  return featureNames
    .filter((name) => features[name].available !== isExpected(name, kernel))
    .map((name) => {
      const { available, note } = features[name];
      return available ? `${name} is not expected` : `${name} is expected: ${note}`;
    });
}

/** Passed, failed and skipped checks, counted. */
export function countOutcomes(checks: readonly CheckLine[]): Record<CheckLine['outcome'], number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { outcome } of checks) counts[outcome] += 1;
  return counts;
}

/** The table of features: a row each, a column for each kernel by its name. */
export function formatFeatures(kernels: readonly Findings[]): string {
  const rows = featureNames.map((feature) => [
    `\`${feature}\``,
    ...kernels.map(({ available }) => (available.has(feature) ? 'yes' : 'no')),
  ]);
  return formatTable([['feature', ...kernels.map(({ name }) => name)], ...rows]);
}

/** What ran on which kernel, and how it ended. */
export function formatOutcomes(kernels: readonly Findings[]): string {
  const head = ['kernel', 'release', 'checks', 'passed', 'skipped', 'failed'];
  const rows = kernels.map(({ name, release, checks }) => {
    const { passed, skipped, failed } = countOutcomes(checks);
    return [name, release, ...[checks.length, passed, skipped, failed].map(String)];
  });
  return formatTable([head, ...rows]);
}

/** What was measured: a row each, a column for each kernel. */
export function formatFigures(kernels: readonly Findings[]): string {
  const names = new Set(kernels.flatMap(({ figures }) => figures.map(labelOf)));
  const rows = [...names].map((name) => [
    name,
    ...kernels.map(({ figures }) => {
      const figure = figures.find((one) => labelOf(one) === name);
      return figure === undefined ? '' : figure.value.toFixed(1);
    }),
  ]);
  return formatTable([['figure', ...kernels.map(({ name }) => name)], ...rows]);
}

function labelOf({ name, unit }: FigureLine): string {
  return `${name}, ${unit}`;
}

/** A table in Markdown. */
export function formatTable([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return [line(head), `|${'---|'.repeat(head.length)}\n`, ...rows.map(line)].join('');
}

/** Features by kernel, as a document has them: the first table whose head begins so. */
export function readFeatures(document: string): Map<string, Set<string>> {
  const rows = document.split('\n').map(cellsOf);
  const start = rows.findIndex(([first]) => first === 'feature');
  const [, ...names] = rows[start] ?? [];
  const kernels = new Map(names.map((name) => [name, new Set<string>()]));
  if (start === -1) return kernels;
  for (const cells of rows.slice(start + 2)) {
    if (cells.length !== names.length + 1) break;
    for (const [at, name] of names.entries()) {
      if (cells[at + 1] === 'yes') kernels.get(name)?.add((cells[0] ?? '').replaceAll('`', ''));
    }
  }
  return kernels;
}

/** The cells of a table in Markdown, its head first. */
export function readTable(text: string): string[][] {
  const [head, , ...rows] = text
    .split('\n')
    .map(cellsOf)
    .filter((cells) => cells.length > 0);
  return head === undefined ? [] : [head, ...rows];
}

function cellsOf(line: string): string[] {
  const isRow = line.startsWith('|') && line.endsWith('|');
  return isRow
    ? line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim())
    : [];
}
