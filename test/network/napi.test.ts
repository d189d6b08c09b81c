/**
 * NAPI busy poll where there is a device to poll: between two network namespaces. Each end is a
 * process of its own on the build; what it saw it prints.
 */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { diagnose } from '../../src/runtime/index.ts';
import type { NapiOptions } from '../../src/runtime/index.ts';
import { inNamespace, joinedNamespaces, whyNoNamespaces } from '../support/network-namespaces.ts';

const program = fileURLToPath(new URL('programs/ping.mjs', import.meta.url));
const EXCHANGES = 300;
/** The kernel stops polling when somebody else wants the core: on a busy machine it takes some. */
const ROUNDS_MAX = 8;
/** Longer than an exchange takes even on a machine that is busy with something else. */
const BUSY_POLL_MICROS = 5000;

interface Seen {
  readonly sleeps: number;
  readonly withoutId: number;
  readonly tracking: string;
  readonly fdinfo: readonly string[];
  readonly idsWhileOpen: readonly number[];
  readonly idsAfterClose: readonly number[];
  readonly napiIdsAdded: number;
  readonly napiIdsRemoved: number;
  readonly warnings: readonly string[];
}

/** What starts a command at one end. */
type Wrap = (command: readonly string[]) => readonly string[];

/** Starts one end, and returns its lines. */
function start(
  wrap: Wrap,
  args: readonly string[],
  napi: NapiOptions | null,
): AsyncIterator<string> {
  const [command = '', ...rest] = wrap([process.execPath, program, ...args]);
  const child = spawn(command, rest, {
    env: { ...process.env, NAPI: JSON.stringify(napi), NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
}

async function lineOf(lines: AsyncIterator<string>): Promise<string> {
  const line = await lines.next();
  if (line.done === true) throw new Error('The program ended without a line');
  return line.value;
}

/** Plays ping-pong between two ends; the one that pings has the option, and tells what it saw. */
async function pingPong(
  [server, client]: readonly [Wrap, Wrap],
  address: string,
  napi: NapiOptions | null,
): Promise<Seen> {
  const port = await lineOf(start(server, ['serve', address], null));
  const lines = start(client, ['ping', address, port, String(EXCHANGES)], napi);
  return JSON.parse(await lineOf(lines)) as Seen;
}

/** Why the kernel cannot, if so. */
function whyNot(feature: 'napiDynamic' | 'napiStatic'): string | undefined {
  const { backend, reason, features } = diagnose();
  if (backend === 'libuv') return reason ?? 'no ring';
  return features[feature].available ? undefined : features[feature].note;
}

describe('NAPI busy poll between network namespaces', () => {
  it.for([
    ['dynamic', 'napiDynamic', false],
    ['static', 'napiStatic', false],
    ['static', 'napiStatic', true],
  ] as const)(
    'replaces sleeps: %s tracking',
    { timeout: 60_000 },
    async ([tracking, feature, prefer], { skip }) => {
      const reason = whyNoNamespaces() ?? whyNot(feature);
      if (reason !== undefined) skip(reason);
      const [a, b] = joinedNamespaces();
      const wraps: readonly [Wrap, Wrap] = [
        (command) => inNamespace(a, command),
        (command) => inNamespace(b, command),
      ];
      const options = { tracking, busyPollMicros: BUSY_POLL_MICROS, prefer };
      const before: number[] = [];
      const after: number[] = [];
      let seen: Seen;
      do {
        before.push((await pingPong(wraps, a.address, null)).sleeps);
        seen = await pingPong(wraps, a.address, options);
        after.push(seen.sleeps);
      } while (Math.min(...after) >= Math.max(...before) / 4 && after.length < ROUNDS_MAX);
      expect(seen.tracking).toBe(tracking);
      expect(seen.fdinfo).toEqual([
        'NAPI: enabled',
        `napi tracking: ${tracking}`,
        `napi_busy_poll_dt: ${BUSY_POLL_MICROS * 1000}`,
        `napi_prefer_busy_poll: ${prefer}`,
      ]);
      // Without it, nearly every exchange sleeps; with it, only where somebody wants the core.
      expect(Math.min(...after), `of ${before.join()}`).toBeLessThan(Math.max(...before) / 4);
      expect([seen.withoutId, seen.warnings]).toEqual([0, []]);
      // The kernel tells no ids of those that it has learned by itself.
      const listed = tracking === 'static' ? 1 : 0;
      expect(seen.idsWhileOpen).toHaveLength(listed);
      expect(seen.idsAfterClose).toEqual([]);
      expect([seen.napiIdsAdded, seen.napiIdsRemoved]).toEqual([listed, listed]);
    },
  );
});

describe('NAPI busy poll over loopback', () => {
  it.for([['dynamic'], ['static']] as const)(
    'warns once that it cannot work: %s tracking',
    async ([tracking], { skip }) => {
      const reason = whyNot(tracking === 'static' ? 'napiStatic' : 'napiDynamic');
      if (reason !== undefined) skip(reason);
      const here: Wrap = (command) => command;
      const seen = await pingPong([here, here], '127.0.0.1', { tracking });
      expect(seen.warnings).toEqual(['ONERING_NAPI_NO_ID']);
      expect(seen.withoutId).toBe(1);
      expect(seen.idsWhileOpen).toEqual([]);
    },
  );
});
