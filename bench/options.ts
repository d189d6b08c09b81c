/**
 * The arguments of the harness, checked before anything is started.
 *
 * Three sizes: the full one for results, `--quick` for a first look in minutes at what most people
 * ask for, `--smoke` to see within seconds that everything works (that is what the test suite
 * runs). Single sizes can be set on top of each.
 */

import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import type { ProgramPaths } from './programs.ts';
import type { Scenario, Settings, Size } from './scenario.ts';

/** What one call of the harness is to do. */
export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly settings: Settings;
  readonly programs: ProgramPaths;
  /** Files to write, beside the tables. */
  readonly json: string | null;
  readonly html: string | null;
  readonly isHelp: boolean;
  readonly isList: boolean;
}

interface SizeDefaults {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmup: number;
  readonly serverWarmup: number;
  /** What is measured beside onering; empty for everything. */
  readonly against: readonly string[];
}

/**
 * In a full run a server is measured when its JavaScript is hot and its heap has found its size:
 * that takes some two seconds of load. Others are hot at once.
 */
const SIZES: Readonly<Record<Size, SizeDefaults>> = {
  full: { rounds: 4, seconds: 0.6, warmup: 0.3, serverWarmup: 2, against: [] },
  quick: { rounds: 2, seconds: 0.25, warmup: 0.15, serverWarmup: 0.7, against: ['node', 'c'] },
  smoke: { rounds: 1, seconds: 0.25, warmup: 0.05, serverWarmup: 0.05, against: [] },
};

const FAMILIES = ['node', 'c', 'bun', 'deno', 'fio', 'nginx'];

const FLAGS = {
  quick: { type: 'boolean' },
  smoke: { type: 'boolean' },
  against: { type: 'string' },
  only: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  warmup: { type: 'string' },
  depths: { type: 'string' },
  connections: { type: 'string' },
  'message-size': { type: 'string' },
  'busy-wait-micros': { type: 'string' },
  spin: { type: 'boolean' },
  directory: { type: 'string' },
  node: { type: 'string' },
  bun: { type: 'string' },
  deno: { type: 'string' },
  json: { type: 'string' },
  html: { type: 'string' },
  list: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** The text that `--help` prints. */
export function usage(known: readonly Scenario[]): string {
  const { full, quick } = SIZES;
  const groups = [...new Set(known.map(({ group }) => group))];
  return [
    'Usage: onering bench [scenario ...] [options]',
    '       onering bench compare A.json B.json   how far two runs agree',
    '       onering bench micro [name ...]   single parts, only in a clone; see micro --help',
    '',
    'Compares onering with Node.js, with C and with whatever else is installed, on this machine.',
    '',
    ...groups.flatMap((group) => [
      `${group} (a name for all of them)`,
      ...known
        .filter((scenario) => scenario.group === group)
        .map(({ name, summary }) => `  ${name.padEnd(14)}${summary}`),
    ]),
    '',
    'Options:',
    `  --against A,B         beside onering only these: ${FAMILIES.join(', ')}`,
    '  --quick               a first look in three minutes, against node and c; ratios are rough',
    '  --smoke               only to see that everything works; no results',
    '  --json FILE           writes every sample',
    '  --html FILE           writes a page with tables and charts',
    `  --rounds N            runs of each contender, alternating (${full.rounds}; ${quick.rounds})`,
    `  --seconds S           measured time of a run (${full.seconds}; ${quick.seconds})`,
    `  --warmup S            time before that (${full.warmup}; ${quick.warmup};` +
      ` servers ${full.serverWarmup}; ${quick.serverWarmup})`,
    '  --only A,B            only these contenders, by the names of the tables',
    '  --depths A,B          read, read-direct, nop: operations in flight',
    '  --connections A,B     echo, echo-large, http: connections',
    '  --message-size BYTES  echo, echo-large, rtt: bytes of a message',
    '  --busy-wait-micros N  rtt: how long the busy-waiting servers spin (50)',
    '  --spin                sockets: the load spins instead of sleeping',
    '  --directory DIR       where files of the storage scenarios are made (temporary directory)',
    '  --node, --bun, --deno PATH   the programs that are measured',
    '  --list                lists scenarios and contenders, and what is missing here',
    '  -h, --help            shows this',
    '',
  ].join('\n');
}

/** Reads the arguments. Throws a `RangeError` that names the one it cannot use. */
export function parseOptions(args: readonly string[], known: readonly Scenario[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: FLAGS,
    allowPositionals: true,
  });
  const size = sizeOf(values);
  const defaults = SIZES[size];
  const settings: Settings = {
    size,
    rounds: toNumber('rounds', values.rounds, { fallback: defaults.rounds, isWhole: true }),
    seconds: toNumber('seconds', values.seconds, { fallback: defaults.seconds }),
    warmupSeconds: toNumber('warmup', values.warmup, { fallback: defaults.warmup }),
    serverWarmupSeconds: toNumber('warmup', values.warmup, { fallback: defaults.serverWarmup }),
    depths: toNumbers('depths', values.depths),
    connections: toNumbers('connections', values.connections),
    messageSize:
      values['message-size'] === undefined
        ? null
        : toNumber('message-size', values['message-size'], { fallback: 64, isWhole: true }),
    busyWaitMicros: toNumber('busy-wait-micros', values['busy-wait-micros'], {
      fallback: 50,
      isWhole: true,
    }),
    spins: values.spin === true,
    only: values.only?.split(',') ?? [],
    against: values.against === undefined ? defaults.against : toFamilies(values.against),
    directory: values.directory ?? tmpdir(),
  };
  return {
    scenarios: pick(positionals, size === 'quick' ? known.filter(isForFirstLook) : known, known),
    settings,
    programs: { node: values.node, bun: values.bun, deno: values.deno },
    json: values.json ?? null,
    html: values.html ?? null,
    isHelp: values.help === true,
    isList: values.list === true,
  };
}

function sizeOf({ quick, smoke }: { quick?: boolean; smoke?: boolean }): Size {
  if (smoke === true) return 'smoke';
  return quick === true ? 'quick' : 'full';
}

function isForFirstLook({ isDetail }: Scenario): boolean {
  return isDetail !== true;
}

/** What is named, or what runs without names. */
function pick(
  names: readonly string[],
  unnamed: readonly Scenario[],
  known: readonly Scenario[],
): readonly Scenario[] {
  if (names.length === 0) return unnamed;
  return names.flatMap((name) => {
    const found = known.filter((one) => one.name === name || one.group === name);
    if (found.length > 0) return found;
    const expected = known.map((candidate) => candidate.name).join(', ');
    throw new RangeError(`Unknown scenario "${name}"; expected one of ${expected}`);
  });
}

function toFamilies(text: string | undefined): readonly string[] {
  const names = text?.split(',') ?? [];
  const unknown = names.find((name) => !FAMILIES.includes(name));
  if (unknown === undefined) return names;
  throw new RangeError(
    `Unknown "${unknown}" in --against; expected some of ${FAMILIES.join(', ')}`,
  );
}

function toNumbers(name: string, text: string | undefined): number[] {
  return text?.split(',').map((part) => toNumber(name, part, { fallback: 1, isWhole: true })) ?? [];
}

interface Expectation {
  readonly fallback: number;
  readonly isWhole?: boolean;
}

function toNumber(
  name: string,
  text: string | undefined,
  { fallback, isWhole = false }: Expectation,
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text !== '' && value > 0 && Number.isFinite(value) && (!isWhole || Number.isInteger(value))) {
    return value;
  }
  const expected = isWhole ? 'a positive whole number' : 'a positive number';
  throw new RangeError(`Expected ${expected} for --${name}, got "${text}"`);
}
