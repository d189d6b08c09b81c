/**
 * The micro benchmarks: `npm run bench -- micro [name ...] [--smoke]`.
 *
 * Measures single parts in this one process, one after the other, and prints medians and spreads.
 * They show which part became slower; they are no comparison with anything, and the figures of
 * two machines, or of two moments of a busy one, do not belong together.
 */

import { parseArgs } from 'node:util';
import { describeEnvironment } from '../environment.ts';
import { formatTable } from '../table.ts';
import { FULL, SMOKE } from './measurement.ts';
import type { Micro, Row } from './measurement.ts';
import { nop } from './nop.ts';
import { operationTable } from './operation-table.ts';
import { tick } from './tick.ts';
import { timerHeap } from './timer-heap.ts';
import { wait } from './wait.ts';

const MICROS: readonly Micro[] = [nop, wait, tick, operationTable, timerHeap];

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { smoke: { type: 'boolean' }, help: { type: 'boolean' } },
    allowPositionals: true,
  });
  if (values.help === true) {
    process.stdout.write(usage());
    return;
  }
  const micros = positionals.length === 0 ? MICROS : positionals.map(find);
  const size = values.smoke === true ? SMOKE : FULL;
  process.stdout.write(`${describeEnvironment(process.execPath, null).join(' · ')}\n`);
  if (size.isSmoke) process.stdout.write('Smoke size: the figures mean nothing\n');
  for (const micro of micros) {
    const rows = await micro.run(size);
    process.stdout.write(`\n${formatRows(micro.name, rows)}\n`);
  }
}

function usage(): string {
  return [
    'Usage: npm run bench -- micro [name ...] [--smoke]',
    '',
    ...MICROS.map(({ name, summary }) => `  ${name.padEnd(17)}${summary}`),
    '',
    '  --smoke          tiny sizes, to see that everything works; no results',
    '',
  ].join('\n');
}

function find(name: string): Micro {
  const micro = MICROS.find((candidate) => candidate.name === name);
  if (micro !== undefined) return micro;
  const expected = MICROS.map((candidate) => candidate.name).join(', ');
  throw new RangeError(`Unknown micro benchmark "${name}"; expected one of ${expected}`);
}

function formatRows(title: string, rows: readonly Row[]): string {
  const header = [title, 'ns, median', '± ns', 'min–max', 'samples'];
  const cells = rows.map(({ name, medianNs, spreadNs, minNs, maxNs, samples }) => [
    name,
    medianNs.toFixed(1),
    spreadNs.toFixed(1),
    `${minNs.toFixed(1)}–${maxNs.toFixed(1)}`,
    String(samples),
  ]);
  return formatTable(header, cells);
}
