/**
 * The benchmark command: `onering bench [scenario ...]`, or `npm run bench -- …`.
 *
 * It measures nothing itself. What cannot run here for lack of a tool is left out with a note; a
 * run that fails makes the exit code 1, and a run that did not do its work makes the ratio
 * disappear and the exit code 1 too. Ctrl-C ends the run that is under way and keeps what is
 * done; a second one ends everything.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { diagnose } from 'onering';
import { formatAgreement } from './agreement.ts';
import { killChildren } from './child.ts';
import { describeEnvironment, describeRing, findPinning } from './environment.ts';
import { parseOptions, usage } from './options.ts';
import type { Options } from './options.ts';
import { makePage } from './page/page.ts';
import { programPath } from './paths.ts';
import { findPrograms } from './programs.ts';
import type { Programs } from './programs.ts';
import { Progress } from './progress.ts';
import { formatCase, formatComparison } from './report.ts';
import { problemOf, readResult } from './result.ts';
import type { CaseResult, Result } from './result.ts';
import { chosen, planOf, runCase } from './runner.ts';
import type { RunContext } from './runner.ts';
import type { Bench, Case, Scenario, Settings } from './scenario.ts';
import { scenarios as known } from './scenarios/index.ts';
import { SyscallCounter } from './syscall-counter.ts';
import { buildTwins } from './twins.ts';

/** Ended by SIGINT, as shells say it. */
const EXIT_INTERRUPTED = 130;

let isInterrupted = false;
let temporary: string | null = null;

process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);
process.once('exit', cleanUp);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === 'micro') return runMicro(args.slice(1));
  if (args[0] === 'compare') return compareRuns(args.slice(1));
  const options = parseOptions(args, known);
  if (options.isHelp) {
    process.stdout.write(usage(known));
    return 0;
  }
  const bench = makeBench(options);
  if (options.isList) {
    process.stdout.write(listOf(options.scenarios, bench));
    return 0;
  }
  return await compare(options, bench, args);
}

async function compare(options: Options, bench: Bench, args: readonly string[]): Promise<number> {
  const { settings } = options;
  const plan = options.scenarios.flatMap((scenario) =>
    scenario.cases(bench).map((oneCase, index) => ({ scenario, oneCase, isFirst: index === 0 })),
  );
  for (const { oneCase } of plan) checkNames(oneCase, settings);
  const counter = settings.size === 'full' ? SyscallCounter.find() : null;
  const seconds = plan.reduce(
    (sum, { oneCase, isFirst }) => sum + planOf(oneCase, isFirst, { settings, counter }),
    0,
  );
  const progress = new Progress(process.stderr, seconds, () => performance.now());
  const context: RunContext = {
    settings,
    counter,
    progress,
    isInterrupted: () => isInterrupted,
  };
  const head = headOf(bench, args, counter);
  process.stdout.write(`${formatHead(head, settings, seconds)}\n`);
  const cases: CaseResult[] = [];
  for (const { scenario, oneCase, isFirst } of plan) {
    if (isInterrupted) break;
    const result = await runCase(scenario, oneCase, context, isFirst);
    progress.clear();
    if (result.series.length > 0 || !isInterrupted) {
      cases.push(result);
      process.stdout.write(`\n${formatCase(result)}\n`);
    }
  }
  const summary = formatComparison(cases);
  if (summary !== '') process.stdout.write(`\n${summary}\n`);
  save({ ...head, isInterrupted, cases }, options);
  if (isInterrupted) return EXIT_INTERRUPTED;
  return cases.every(({ series }) => series.every((one) => problemOf(one) === null)) ? 0 : 1;
}

function makeBench({ settings, programs }: Options): Bench {
  return {
    settings,
    pinning: findPinning(),
    twins: buildTwins(),
    programs: findPrograms(programs),
    folder() {
      temporary ??= mkdtempSync(join(settings.directory, 'onering-bench-'));
      return temporary;
    },
  };
}

function headOf(
  { settings, pinning, programs, twins }: Bench,
  args: readonly string[],
  counter: SyscallCounter | null,
): Omit<Result, 'cases' | 'isInterrupted'> {
  const others = (['bun', 'deno', 'fio', 'nginx'] as const).flatMap((name) => {
    const program: Programs[typeof name] = programs[name];
    return program === null ? [] : [`${name} ${program.version}`];
  });
  return {
    format: 1,
    command: ['onering bench', ...args].join(' '),
    startedAt: new Date().toISOString(),
    environment: [
      ...describeEnvironment(programs.node.path, pinning),
      ...others,
      describeRing(diagnose()),
      `system calls counted by ${counter?.name ?? 'nobody'}`,
    ],
    settings,
    notes: twins.notes,
  };
}

function formatHead(
  { environment, notes }: Pick<Result, 'environment' | 'notes'>,
  { size, rounds, seconds, warmupSeconds, serverWarmupSeconds }: Settings,
  planSeconds: number,
): string {
  return [
    environment.join(' · '),
    `${rounds} alternating rounds, ${seconds} s each after ${warmupSeconds} s of warm-up ` +
      `(servers ${serverWarmupSeconds} s), ` +
      'a fresh process per run; ratios are of medians (range: any round beside any)',
    ...(size === 'full' ? [] : [`${size} size: to see that it works, not to quote`]),
    `about ${Math.ceil(planSeconds / 60)} min`,
    ...notes,
  ].join('\n');
}

/** What there is, and what is missing for what. */
function listOf(scenarios: readonly Scenario[], bench: Bench): string {
  const lines = scenarios.flatMap((scenario) =>
    scenario
      .cases(bench)
      .flatMap((oneCase) => [
        `${scenario.name}: ${oneCase.title}`,
        ...oneCase.contenders.map(
          ({ name, command }) => `  ${name}${command === null ? ' (not here)' : ''}`,
        ),
      ]),
  );
  return `${[...lines, ...bench.twins.notes].join('\n')}\n`;
}

/** The benchmarks of single parts have sizes of their own and a process of their own. */
function runMicro(args: readonly string[]): number {
  const program = programPath('micro/run');
  if (!existsSync(program)) {
    throw new Error('The micro benchmarks are not in the installed package: run them in a clone');
  }
  return spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' }).status ?? 1;
}

/** Prints how far two runs agree that were written with `--json`. */
function compareRuns(paths: readonly string[]): number {
  const [first, second] = paths;
  if (first === undefined || second === undefined || paths.length > 2) {
    throw new RangeError('compare takes two files that --json wrote');
  }
  process.stdout.write(`${formatAgreement(readResult(first), readResult(second))}\n`);
  return 0;
}

function checkNames(oneCase: Case, settings: Settings): void {
  if (settings.only.length === 0 || chosen(oneCase, settings).length > 0) return;
  const names = oneCase.contenders.map(({ name }) => name).join(', ');
  throw new RangeError(`Nothing to run for "${oneCase.title}": --only knows ${names}`);
}

function save(result: Result, { json, html }: Pick<Options, 'json' | 'html'>): void {
  if (json !== null) writeFileSync(json, `${JSON.stringify(result, null, 1)}\n`);
  if (html !== null) writeFileSync(html, makePage(result));
}

function interrupt(): void {
  if (isInterrupted) process.exit(EXIT_INTERRUPTED);
  isInterrupted = true;
  killChildren();
}

function cleanUp(): void {
  killChildren();
  if (temporary !== null) rmSync(temporary, { recursive: true, force: true });
}
