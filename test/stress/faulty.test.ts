/**
 * Connections that fail in every way there is while others carry data, between two processes: see
 * `programs/faulty/`. No byte is lost, repeated, out of order or another connection's, and nothing
 * is left at either end. Once over loopback, once over a network that loses and delays packets.
 *
 * `ONERING_CONNECTIONS` is how many (`npm run test:stress`: 10,000), `ONERING_SEED` replays.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hosts } from '../loop/host.ts';
import type { Host } from '../loop/host.ts';
import {
  droppedPackets,
  impair,
  inNamespace,
  joinedNamespaces,
  whyNoNamespaces,
} from '../support/network-namespaces.ts';
import { SeededRandom } from '../support/seeded-random.ts';

/** What one end holds, has done and has found. */
interface Look {
  readonly descriptors: number;
  readonly resources: number;
  readonly leased: number;
  readonly rssMiB: number;
  readonly heapMiB: number;
  /** Provided buffers that the kernel has; one that is missing is among the problems. */
  readonly provided?: Readonly<Record<string, number>>;
  readonly finished: number;
  readonly problems: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly metrics: Readonly<Record<string, number>>;
}

/** What starts a command at one end. */
type Wrap = (command: readonly string[]) => readonly string[];

const CONNECTIONS = Number(process.env['ONERING_CONNECTIONS'] ?? 160);
const AT_ONCE = Math.min(200, Math.ceil(CONNECTIONS / 4));
/** So many come first: what is opened and compiled once is not counted. */
const WARM_UPS = Math.ceil(CONNECTIONS / 4);
/** A lossy network has its own pace: 100 connections take a second or two. */
const TIMEOUT_MS = 90_000 + CONNECTIONS * 40;
/** What V8 has not collected yet, and pages that the allocator keeps. */
const HEAP_SLACK_MIB = 12;
const RSS_SLACK_MIB = 60;

/** A program that answers lines with lines of JSON. */
class End {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(host: Host, wrap: Wrap, file: string, args: readonly (string | number)[]) {
    const path = fileURLToPath(new URL(`programs/faulty/${file}`, import.meta.url));
    const all = wrap([host.node, '--expose-gc', path, ...args.map(String)]);
    const [command = '', ...rest] = all;
    this.#child = spawn(command, rest, {
      env: { ...process.env, ONERING_BACKEND: host.backend, NODE_OPTIONS: '' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void this.#child.kill('SIGKILL'));
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('The program has no output');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  async heard<T>(): Promise<T> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('The program ended without a line');
    return JSON.parse(line.value) as T;
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Has it end, and tells how it did. */
  async end(): Promise<unknown[]> {
    const exit = once(this.#child, 'exit');
    this.#child.stdin?.end('end\n');
    return await exit;
  }
}

/** Compares what both ends hold after a part of the connections and after all; how many it was. */
async function run(host: Host, address: string, wraps: readonly [Wrap, Wrap]): Promise<number> {
  const { seed, replay } = new SeededRandom();
  const server = new End(host, wraps[0], 'server.mjs', [address, seed]);
  const ports = JSON.stringify(await server.heard());
  const numbers = [seed, WARM_UPS, CONNECTIONS, AT_ONCE];
  const client = new End(host, wraps[1], 'client.mjs', [address, ports, ...numbers]);
  const first: Look[] = [await client.heard()];
  server.say('look');
  first.push(await server.heard());
  client.say('go on');
  const last: Look[] = [await client.heard()];
  server.say('look');
  last.push(await server.heard());
  for (const [at, look] of last.entries()) {
    expect(look.problems, replay).toEqual([]);
    compare(first[at] as Look, look, replay);
    if (host.backend !== 'uring') continue;
    expect(look.provided, replay).toBeDefined();
    expect(look.metrics['buffersExhausted'], replay).toBeGreaterThan(100);
  }
  // The others were aborted before the server had them.
  expect(last[1]?.finished, replay).toBeGreaterThan((WARM_UPS + CONNECTIONS) * 0.85);
  if (process.env['ONERING_CONNECTIONS'] !== undefined) {
    console.log(`${host.label}: ${JSON.stringify({ seed, first, last }, null, 1)}`);
  }
  expect(await Promise.all([client.end(), server.end()]), replay).toEqual([
    [0, null],
    [0, null],
  ]);
  return last[0]?.finished ?? 0;
}

function compare(first: Look, last: Look, replay: string): void {
  const { descriptors, resources, leased } = first;
  expect(last, replay).toMatchObject({ descriptors, resources, leased });
  expect(leased, replay).toBe(0);
  const { inFlight } = first.metrics;
  const clean = { inFlight, lostCompletions: 0, lateCompletions: 0 };
  expect(last.metrics, replay).toMatchObject(clean);
  expect(last.heapMiB - first.heapMiB, replay).toBeLessThan(HEAP_SLACK_MIB);
  expect(last.rssMiB - first.rssMiB, replay).toBeLessThan(RSS_SLACK_MIB);
}

const here: Wrap = (command) => command;

describe(`${WARM_UPS + CONNECTIONS} connections that fail`, () => {
  it.each(hosts)(
    'mix up nothing and leave nothing over loopback, on $label',
    async (host) => {
      const finished = await run(host, '127.0.0.1', [here, here]);
      expect(finished).toBe(WARM_UPS + CONNECTIONS);
    },
    TIMEOUT_MS,
  );

  it.for(hosts)(
    'mix up nothing and leave nothing over a network that loses packets, on $label',
    { timeout: TIMEOUT_MS },
    async (host, { skip }) => {
      const reason = whyNoNamespaces();
      if (reason !== undefined) skip(reason);
      const ends = joinedNamespaces();
      const impairment = impair(ends);
      if (impairment === undefined) skip('needs tc, and netem or tbf in the kernel');
      const [a, b] = ends;
      const wraps = [
        (command: readonly string[]) => inNamespace(a, command),
        (command: readonly string[]) => inNamespace(b, command),
      ] as const;
      expect(await run(host, a.address, wraps)).toBe(WARM_UPS + CONNECTIONS);
      expect(droppedPackets(a) + droppedPackets(b), impairment?.description).toBeGreaterThan(0);
    },
  );
});
