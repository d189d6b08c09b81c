/**
 * Two network namespaces joined by a veth pair with GRO on, so that both ends have a device queue
 * with an id: what loopback has not. They are removed with the test.
 *
 * It needs root, iproute2 and ethtool; `whyNoNamespaces` says what is missing.
 */

import { spawnSync } from 'node:child_process';
import { onTestFinished } from 'vitest';

/** One end. */
export interface NetworkEnd {
  readonly namespace: string;
  readonly address: string;
}

/** The command that runs a program in a namespace: a thread cannot enter one, a process can. */
export function inNamespace(end: NetworkEnd, command: readonly string[]): readonly string[] {
  return ['ip', 'netns', 'exec', end.namespace, ...command];
}

/** What keeps this machine from having namespaces; nothing where it can. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, to make network namespaces';
  for (const [command, argument] of [
    ['ip', '-V'],
    ['ethtool', '--version'],
  ] as const) {
    if (spawnSync(command, [argument]).status !== 0) return `needs the command ${command}`;
  }
  const name = `onering-${process.pid}-probe`;
  const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  spawnSync('ip', ['netns', 'del', name]);
  return made.status === 0 ? undefined : `cannot make a network namespace: ${made.stderr.trim()}`;
}

let count = 0;

/** Makes the pair. Packets between them pass a device; GRO gives it queues with ids. */
export function joinedNamespaces(): readonly [NetworkEnd, NetworkEnd] {
  count += 1;
  const prefix = `onering-${process.pid}-${count}`;
  const [a, b] = [`${prefix}-a`, `${prefix}-b`];
  onTestFinished(() => {
    // A namespace takes its end of the pair with it, and that end the other one.
    spawnSync('ip', ['netns', 'del', a]);
    spawnSync('ip', ['netns', 'del', b]);
  });
  run('ip', 'netns', 'add', a);
  run('ip', 'netns', 'add', b);
  run('ip', 'link', 'add', 'v0', 'netns', a, 'type', 'veth', 'peer', 'name', 'v0', 'netns', b);
  for (const [index, namespace] of [a, b].entries()) {
    run('ip', '-n', namespace, 'address', 'add', `10.90.0.${index + 1}/24`, 'dev', 'v0');
    run('ip', '-n', namespace, 'link', 'set', 'lo', 'up');
    run('ip', '-n', namespace, 'link', 'set', 'v0', 'up');
    run('ip', 'netns', 'exec', namespace, 'ethtool', '-K', 'v0', 'gro', 'on', 'tso', 'off');
  }
  return [
    { namespace: a, address: '10.90.0.1' },
    { namespace: b, address: '10.90.0.2' },
  ];
}

/** What a network does to packets, where the kernel can have it do that. */
export interface Impairment {
  readonly kind: 'netem' | 'tbf';
  readonly description: string;
}

/** Loss, delay that varies, and packets that overtake others: 1 % and 2 to 4 ms each way. */
const NETEM = 'netem delay 3ms 1ms loss 1% reorder 2%';
/** Without netem: a line so slow, with so short a queue, that it drops what comes too fast. */
const TBF = 'tbf rate 400mbit burst 16kb limit 48kb';

/** Has both ends lose and delay what they send; nothing where the kernel can do neither. */
export function impair(ends: readonly NetworkEnd[]): Impairment | undefined {
  for (const [kind, words] of [
    ['netem', NETEM],
    ['tbf', TBF],
  ] as const) {
    const isDone = ends.every(({ namespace }) => {
      const add = ['-n', namespace, 'qdisc', 'replace', 'dev', 'v0', 'root', ...words.split(' ')];
      return spawnSync('tc', add).status === 0;
    });
    if (isDone) return { kind, description: words };
  }
  return undefined;
}

/** Packets that one end has dropped on their way out. */
export function droppedPackets({ namespace }: NetworkEnd): number {
  const { stdout } = spawnSync('tc', ['-s', '-n', namespace, 'qdisc', 'show', 'dev', 'v0'], {
    encoding: 'utf8',
  });
  return Number(/dropped (\d+)/.exec(stdout)?.[1] ?? 0);
}

function run(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}
