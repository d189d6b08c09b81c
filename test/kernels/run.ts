/**
 * `npm run test:kernels`: boots kernels of Debian's under qemu and runs the programs of `guest/` on
 * each, with this build.
 *
 * Exits with 0 when everything passed, and also, after saying so, when something outside of the
 * project is missing, unless `--require` insists; with 1 for a failure; with 2 for a wrong command
 * line.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Archive } from './archive.ts';
import { documentComplaints, renewDocument } from './document.ts';
import type { CheckLine, Line } from './guest/protocol.ts';
import { examine, kernelNames } from './laboratory.ts';
import { chooseAccelerator } from './machine.ts';
import type { Accelerator } from './machine.ts';
import { endRunsAt } from './commands.ts';
import { Missing } from './missing.ts';
import { countOutcomes, formatFeatures, formatFigures, formatOutcomes } from './report.ts';
import type { Findings } from './report.ts';
import { ensureTools } from './tools.ts';

const usage = `Usage: npm run test:kernels -- [kernel ...] [options]

Boots kernels of Debian's under qemu and runs programs on each, with this build. A kernel is named
by its series, such as 6.12, 7 or 7.0; without names: ${kernelNames.join(' ')}.

Options:
  --only NAME,...  only these programs of guest/: runtime, files, sockets, ...
  --update         fetch the newest kernel of each series, though there is one in the cache
  --accel NAME     kvm or tcg; without it kvm where it works
  --json           print the lines of the machines instead of a report
  --minutes N      end after so long, and skip what has not run by then
  --write          bring docs/KERNELS.md up to date with the kernels that nothing failed on
  --require        fail where something is missing, instead of skipping
  -h, --help       show this
`;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const OUT_OF_TIME = 'the time it was given is over';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const document = fileURLToPath(new URL('../../../docs/KERNELS.md', import.meta.url));

const options = {
  only: { type: 'string' },
  update: { type: 'boolean' },
  accel: { type: 'string' },
  json: { type: 'boolean' },
  minutes: { type: 'string' },
  write: { type: 'boolean' },
  require: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = ReturnType<typeof parseCommandLine>['values'];

/** The accelerator that was found to work, the first time that it mattered. */
let works: Accelerator | undefined;
/** When everything must be over: a time of `performance.now()`. */
let endMs = Infinity;

process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
process.exitCode = await main();

async function main(): Promise<number> {
  let parsed;
  try {
    parsed = parseCommandLine();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT_USAGE;
  }
  const { values, positionals } = parsed;
  const minutes = Number(values.minutes ?? Infinity);
  if (!(minutes > 0)) {
    process.stderr.write(`--minutes takes a number above 0, not "${values.minutes}"\n`);
    return EXIT_USAGE;
  }
  endMs = performance.now() + minutes * 60_000;
  endRunsAt(endMs);
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    return await runAll(positionals.length > 0 ? positionals : kernelNames, values);
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    process.stderr.write(`test:kernels skips: ${error.message}\n`);
    return values.require === true ? EXIT_FAILED : 0;
  }
}

function parseCommandLine() {
  return parseArgs({ options, allowPositionals: true });
}

async function runAll(names: readonly string[], values: Values): Promise<number> {
  ensureTools(true);
  const archive = new Archive();
  const found: Findings[] = [];
  let isMissing = false;
  for (const name of names) {
    try {
      if (performance.now() >= endMs) throw new Missing(OUT_OF_TIME);
      const findings = await runOne(archive, name, values);
      found.push(findings);
      if (findings.isCut) throw new Missing(`the rest of it: ${OUT_OF_TIME}`);
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      process.stderr.write(`test:kernels skips ${name}: ${error.message}\n`);
      isMissing = true;
    }
  }
  const isComplete = values.only === undefined && !found.some(({ isCut }) => isCut);
  const problems = found.flatMap(({ name, problems: own }) => own.map((one) => `${name}: ${one}`));
  const clean = found.filter(({ problems: own }) => own.length === 0);
  if (values.write === true && clean.length > 0 && isComplete) {
    writeFileSync(document, renewDocument(readDocument(), clean));
  }
  problems.push(...documentComplaints(readDocument(), found));
  if (values.json !== true) report(found);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) return EXIT_FAILED;
  return isMissing && values.require === true ? EXIT_FAILED : 0;
}

async function runOne(archive: Archive, name: string, values: Values): Promise<Findings> {
  const kernel = archive.kernel(name, values.update === true);
  const accelerator = await chosenAccelerator(kernel.image, values.accel);
  const startedMs = performance.now();
  process.stderr.write(`${name}: ${kernel.package}, ${accelerator}\n`);
  const only = values.only?.split(',');
  const findings = await examine(root, {
    kernel,
    accelerator,
    endMs,
    ...(only === undefined ? {} : { only }),
    onLine: values.json === true ? printJson : printCheck,
  });
  const { passed, failed, skipped } = countOutcomes(findings.checks);
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  process.stderr.write(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped, `);
  process.stderr.write(`${seconds} s\n`);
  return findings;
}

async function chosenAccelerator(image: string, asked: string | undefined): Promise<Accelerator> {
  if (asked === 'kvm' || asked === 'tcg') return asked;
  works ??= await chooseAccelerator(image);
  return works;
}

function printJson(line: Line): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function printCheck(line: Line): void {
  if (line.type !== 'check') return;
  const { outcome, program, backend, name, elapsedMs, detail = '' } = line;
  const marks: Record<CheckLine['outcome'], string> = { passed: '✓', failed: '✗', skipped: '-' };
  const words = `${marks[outcome]} ${program} (${backend}) ${name}, ${elapsedMs} ms`;
  process.stderr.write(`  ${words}${detail === '' ? '' : `: ${detail}`}\n`);
}

function report(found: readonly Findings[]): void {
  if (found.length === 0) return;
  const tables = [formatFeatures(found), formatOutcomes(found), formatFigures(found)];
  process.stdout.write(tables.join('\n'));
}

function readDocument(): string {
  return existsSync(document) ? readFileSync(document, 'utf8') : '';
}
