/**
 * The arguments of the harness, checked before anything is started.
 *
 * Two sizes: the full one for results, `--quick` to see within seconds that everything works
 * (that is what the test suite runs). Single sizes can be set on top of either.
 */

import { parseArgs } from 'node:util';
import type { Scenario, Settings } from './scenario.ts';

/** What one call of the harness is to do. */
export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly settings: Settings;
  readonly isHelp: boolean;
}

const FULL = { rounds: 10, seconds: 2, warmup: 0.5, depths: [1, 8, 64, 512] };
const QUICK = { rounds: 2, seconds: 0.2, warmup: 0.1, depths: [1, 64] };

const FLAGS = {
  quick: { type: 'boolean' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  warmup: { type: 'string' },
  depths: { type: 'string' },
  connections: { type: 'string' },
  size: { type: 'string' },
  'busy-wait-micros': { type: 'string' },
  spin: { type: 'boolean' },
  only: { type: 'string' },
  node: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** The text that `--help` prints. */
export function usage(known: readonly Scenario[]): string {
  return [
    'Usage: npm run bench -- [scenario ...] [options]',
    '       npm run bench -- micro [name ...] [--smoke]   single parts; micro --help says which',
    '',
    ...known.map(({ name, summary }) => `  ${name.padEnd(6)}${summary}`),
    '',
    '  --quick               small sizes, to see that everything works; no results',
    `  --rounds N            runs of each contender, alternating (${FULL.rounds})`,
    `  --seconds S           measured time of a run (${FULL.seconds})`,
    `  --warmup S            time before that (${FULL.warmup})`,
    `  --depths A,B          nop: operations in flight (${FULL.depths.join(',')})`,
    '  --connections N       echo: connections, one message in flight on each (32)',
    '  --size BYTES          echo and rtt: bytes of a message (64)',
    '  --busy-wait-micros N  rtt: how long the busy-waiting servers spin (50)',
    '  --spin                rtt: the load spins instead of sleeping',
    '  --only A,B            only these contenders, for example c,node',
    '  --node PATH           the Node.js that is measured (this one)',
    '  --json                print samples as JSON, one line per case',
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
  const size = values.quick === true ? QUICK : FULL;
  const settings: Settings = {
    rounds: toNumber('rounds', values.rounds, { fallback: size.rounds, isWhole: true }),
    seconds: toNumber('seconds', values.seconds, { fallback: size.seconds }),
    warmupSeconds: toNumber('warmup', values.warmup, { fallback: size.warmup }),
    depths: values.depths?.split(',').map(toDepth) ?? size.depths,
    connections: toNumber('connections', values.connections, { fallback: 32, isWhole: true }),
    messageSize: toNumber('size', values.size, { fallback: 64, isWhole: true }),
    busyWaitMicros: toNumber('busy-wait-micros', values['busy-wait-micros'], {
      fallback: 50,
      isWhole: true,
    }),
    spins: values.spin === true,
    only: values.only?.split(',') ?? [],
    node: values.node ?? process.execPath,
    printsJson: values.json === true,
  };
  return { scenarios: pick(positionals, known), settings, isHelp: values.help === true };
}

function pick(names: readonly string[], known: readonly Scenario[]): readonly Scenario[] {
  if (names.length === 0) return known;
  return names.map((name) => {
    const scenario = known.find((candidate) => candidate.name === name);
    if (scenario !== undefined) return scenario;
    const expected = known.map((candidate) => candidate.name).join(', ');
    throw new RangeError(`Unknown scenario "${name}"; expected one of ${expected}`);
  });
}

function toDepth(text: string): number {
  return toNumber('depths', text, { fallback: 1, isWhole: true });
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
