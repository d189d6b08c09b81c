/**
 * Messages between two threads of a process, by what they are, and a number there and back.
 *
 * Node's own `MessagePort` is what ratios are taken to. Threads are not pinned: one process has
 * both. The receiver proves that each message came once, in its turn and unchanged.
 */

import { driverPath, programPath } from '../paths.ts';
import { bySize } from '../scenario.ts';
import type { Bench, Case, Contender, Family, Scenario } from '../scenario.ts';
import { ringCase } from './nop.ts';

/** What is sent, as the drivers name it and as people do. */
const kinds: Readonly<Record<string, string>> = {
  number: 'numbers',
  string: 'strings of some 27 characters',
  object: 'objects of four properties',
  bytes64: 'buffers of 64 bytes',
  bytes1024: 'buffers of 1 KiB',
};

export const channel: Scenario = {
  name: 'channel',
  group: 'runtime',
  summary: 'messages to another thread: Channel, MessagePort, eventfd',
  cases: (bench) => [
    ...bySize(bench.settings, ['object'], ['object'], Object.keys(kinds)).map((kind) =>
      streamCase(bench, kind),
    ),
    tripCase(bench),
  ],
};

function streamCase(bench: Bench, kind: string): Case {
  const words = [`--kind=${kind}`];
  return onTwoThreads(bench, {
    title: `to another thread: ${kinds[kind]}`,
    unit: 'messages/s',
    contenders: [
      row(bench, 'MessagePort', 'node', driverPath('node/message-port'), words),
      row(bench, 'Channel', 'onering', driverPath('onering/channel'), words),
      row(bench, 'Channel, in batches', 'onering', driverPath('onering/channel'), [
        ...words,
        '--style=batch',
      ]),
    ],
  });
}

function tripCase(bench: Bench): Case {
  return onTwoThreads(bench, {
    title: 'to another thread and back: a number',
    unit: 'round trips/s',
    contenders: [
      row(bench, 'MessagePort', 'node', driverPath('node/message-port')),
      row(bench, 'Channel', 'onering', driverPath('onering/channel')),
      row(bench, 'eventfd', 'onering', programPath('micro/eventfd-process')),
    ],
  });
}

/** One CPU would do for neither the threads nor the comparison. */
function onTwoThreads(
  bench: Bench,
  plan: { title: string; unit: string; contenders: readonly Contender[] },
): Case {
  return ringCase({ ...bench, pinning: null }, { ...plan, depth: 1, baseline: 'MessagePort' });
}

function row(
  { programs }: Bench,
  name: string,
  family: Family,
  path: string,
  words: readonly string[] = [],
): Contender {
  return { name, family, command: [programs.node.path, path, ...words] };
}
