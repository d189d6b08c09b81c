/**
 * `onering doctor`: prints what `diagnose()` found out, as a table for people or as JSON.
 *
 * It exits with 0 whatever the outcome: a machine without io_uring is an answer, not a failure.
 */

import { type } from 'node:os';
import { parseArgs } from 'node:util';
import { diagnose } from '../src/io/index.ts';
import type { Diagnosis } from '../src/io/index.ts';

const usage = `Usage: onering doctor [--json]

Tries each feature of io_uring on this machine and shows which ones are in use.

Options:
  --json      print an object instead of a table
  -h, --help  show this
`;

/** A wrong command line, or a wrong environment. */
const EXIT_USAGE = 2;
const WIDTH_MAX = 100;
const GAP = '  ';

/** One line of the table: the feature, available, in use, its first kernel, a note. */
type Row = readonly [string, string, string, string, string];

const head: Row = ['feature', 'available', 'in use', 'since', 'note'];

/** Returns the exit code. */
export function doctorCommand(args: string[]): number {
  const { values } = parseArgs({
    args,
    options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  const { stdout } = process;
  if (values.help === true) {
    stdout.write(usage);
    return 0;
  }
  const diagnosis = diagnoseOrComplain();
  if (diagnosis === null) return EXIT_USAGE;
  if (values.json === true) {
    stdout.write(`${JSON.stringify(diagnosis, null, 2)}\n`);
  } else {
    const hasColors = stdout.isTTY && stdout.hasColors();
    stdout.write(formatDiagnosis(diagnosis, process.versions.uv, hasColors));
  }
  return 0;
}

/** A kill switch with a value that does not exist is the only thing to go wrong. */
function diagnoseOrComplain(): Diagnosis | null {
  try {
    return diagnose();
  } catch (error) {
    const isValue = error instanceof TypeError && 'code' in error;
    if (!isValue || error.code !== 'ERR_INVALID_ARG_VALUE') throw error;
    process.stderr.write(`onering: ${error.message}\n`);
    return null;
  }
}

/** The whole report, in lines of at most 100 columns. */
export function formatDiagnosis(diagnosis: Diagnosis, libuv: string, hasColors: boolean): string {
  return `${formatHeader(diagnosis, libuv)}\n${formatTable(diagnosis, hasColors)}`;
}

function formatHeader({ backend, reason, kernel, node }: Diagnosis, libuv: string): string {
  const facts: [string, string][] = [
    ['kernel', `${type()} ${kernel}`],
    ['node', node],
    ['libuv', libuv],
    ['backend', backend === 'uring' ? 'uring: io_uring drives this program' : describeFallback],
  ];
  if (reason !== null) facts.push(['reason', reason]);
  const label = 'backend'.length + GAP.length;
  return facts
    .flatMap(([name, value]) =>
      wrap(value, WIDTH_MAX - label).map((line, i) => (i === 0 ? name : '').padEnd(label) + line),
    )
    .map((line) => `${line}\n`)
    .join('');
}

const describeFallback = "libuv: everything works, on Node's own implementation";

function formatTable({ features, reason }: Diagnosis, hasColors: boolean): string {
  const rows = Object.entries(features).map(([name, feature]): Row => {
    const { available, inUse, since, note } = feature;
    const isSaidAbove = reason !== null && note === reason;
    return [
      name,
      yesNo(available),
      yesNo(inUse),
      since,
      isSaidAbove ? 'see the reason above' : note,
    ];
  });
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  return [head, ...rows]
    .flatMap((row) =>
      wrap(row[4], WIDTH_MAX - before).map((line, i) => {
        const cells = row.slice(0, -1).map((cell, column) => {
          const padded = (i === 0 ? cell : '').padEnd(widths[column] ?? 0);
          return hasColors ? paint(padded) : padded;
        });
        return [...cells, line].join(GAP).trimEnd();
      }),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

/** Green for yes and yellow for no; the padding is already there and is painted with it. */
function paint(cell: string): string {
  const word = cell.trimEnd();
  if (word !== 'yes' && word !== 'no') return cell;
  return `\u001B[${word === 'yes' ? 32 : 33}m${cell}\u001B[39m`;
}

/** Breaks a text between words into lines of at most `width`; a longer word stays whole. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length > width && line !== '') {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}
