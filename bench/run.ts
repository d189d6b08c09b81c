/**
 * The benchmark command: `npm run bench -- [nop] [echo] [rtt] [--quick]`, or `micro [name ...]`.
 *
 * Runs the contenders of each case one after the other, round by round (A B C, A B C, …), each
 * run in a fresh process, and prints medians, extremes and ratios. It measures nothing itself.
 * What cannot run here for lack of a tool is left out with a note; a run that fails makes the
 * exit code 1, and a run that did not do its work makes the ratio disappear and the exit code 1
 * too.
 */

import { spawnSync } from 'node:child_process';
import { killChildren } from './child.ts';
import { describeEnvironment, findPinning } from './environment.ts';
import { parseOptions, usage } from './options.ts';
import { programPath } from './paths.ts';
import { formatCase, problemOf } from './report.ts';
import type { Series } from './report.ts';
import type { Bench, Case, Sample, Scenario, Settings } from './scenario.ts';
import { echo, rtt } from './scenarios/echo.ts';
import { nop } from './scenarios/nop.ts';
import { buildTwins } from './twins.ts';

const SCENARIOS: readonly Scenario[] = [nop, echo, rtt];

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(1));
}
process.once('exit', killChildren);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === 'micro') return runMicro(args.slice(1));
  const { scenarios, settings, isHelp } = parseOptions(args, SCENARIOS);
  if (isHelp) {
    process.stdout.write(usage(SCENARIOS));
    return 0;
  }
  const bench: Bench = { settings, pinning: findPinning(), twins: buildTwins() };
  const environment = describeEnvironment(settings.node, bench.pinning);
  if (!settings.printsJson) printHead(bench, environment);
  let isSound = true;
  for (const scenario of scenarios) {
    if (scenario.needsLoad && bench.twins.load === null) {
      process.stderr.write(`${scenario.name} is left out: it needs the load generator\n`);
      continue;
    }
    for (const oneCase of scenario.cases(bench)) {
      checkNames(oneCase, settings);
      const all = await runCase(oneCase, settings);
      isSound &&= all.every((series) => problemOf(series) === null);
      const { title, unit } = oneCase;
      const result = settings.printsJson
        ? JSON.stringify({ title, unit, environment, settings, series: all })
        : `\n${formatCase(oneCase, all)}`;
      process.stdout.write(`${result}\n`);
    }
  }
  return isSound ? 0 : 1;
}

/** The benchmarks of single parts have sizes of their own and a process of their own. */
function runMicro(args: readonly string[]): number {
  const command = [programPath('micro/run'), ...args];
  return spawnSync(process.execPath, command, { stdio: 'inherit' }).status ?? 1;
}

function printHead({ settings, twins }: Bench, environment: readonly string[]): void {
  const { rounds, seconds, warmupSeconds } = settings;
  const head = [
    environment.join(' · '),
    `${rounds} alternating rounds, ${seconds} s each after ${warmupSeconds} s of warm-up, ` +
      'a fresh process per run; ratios are of medians (range: round by round)',
    ...twins.notes,
  ];
  process.stdout.write(`${head.join('\n')}\n`);
}

function checkNames({ title, contenders }: Case, { only }: Settings): void {
  if (only.length === 0 || contenders.some(({ name }) => only.includes(name))) return;
  const known = contenders.map(({ name }) => name).join(', ');
  throw new RangeError(`Nothing to run for "${title}": --only knows ${known}`);
}

async function runCase(oneCase: Case, settings: Settings): Promise<Series[]> {
  const contenders = oneCase.contenders
    .filter(({ name }) => settings.only.length === 0 || settings.only.includes(name))
    .flatMap(({ name, command }) => (command === null ? [] : [{ name, command }]))
    .map(({ name, command }) => ({ name, command, samples: new Array<Sample>(), failure: '' }));
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const contender of contenders) {
      if (contender.failure !== '') continue;
      try {
        contender.samples.push(await oneCase.run(contender.command));
      } catch (error) {
        contender.failure = error instanceof Error ? error.message : String(error);
      }
    }
  }
  return contenders.map(({ name, samples, failure }) => ({
    name,
    // A series that broke off is shorter than the others, and cannot be compared with them.
    samples: failure === '' ? samples : [],
    failure: failure === '' ? null : failure,
  }));
}
