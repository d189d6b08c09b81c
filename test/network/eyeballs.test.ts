/**
 * Happy Eyeballs between network namespaces, where an address can be dead: its neighbor is known
 * and does not exist, so that packets leave and no answer comes. Both backends say the same.
 */

import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hosts } from '../loop/host.ts';
import type { Host } from '../loop/host.ts';
import { inNamespace, joinedNamespaces, whyNoNamespaces } from '../support/network-namespaces.ts';
import type { NetworkEnd } from '../support/network-namespaces.ts';
import { tempDirectory } from '../support/temp-directory.ts';

interface Said {
  readonly events: readonly (readonly [string, string | null])[];
  readonly elapsedMs: number;
  readonly heard: string;
  readonly codes: readonly (readonly [string, string])[] | null;
  readonly attempted: readonly string[] | null;
}

interface Stream {
  readonly heard?: string;
  readonly address?: string;
  readonly kind?: string;
  readonly code?: string;
  readonly elapsedMs: number;
}

interface Seen {
  readonly resolved: Said;
  readonly given: Said;
  readonly own: Said;
  readonly refused: Said;
  readonly silent: Said;
  readonly aborted: Said;
  readonly http: number;
  readonly stream: Stream;
  readonly timedOut: Stream;
  readonly leaked: number;
  readonly inFlight: number;
}

const program = fileURLToPath(new URL('programs/eyeballs.mjs', import.meta.url));
const NAME = 'two.test';
const DEAD = '2001:db8:90::77';
const ANSWER = 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n';
const REFUSING_PORT = 1;

/** Starts a program at one end, and returns its first line. */
async function firstLine(end: NetworkEnd, command: readonly string[], host: Host): Promise<string> {
  const [file = '', ...args] = inNamespace(end, command);
  const child = spawn(file, args, {
    env: { ...process.env, ONERING_BACKEND: host.backend, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const line = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (line.done === true) throw new Error('The program ended without a line');
  return line.value;
}

function ip(end: NetworkEnd, words: string): void {
  const { status, stderr } = spawnSync('ip', ['-n', end.namespace, ...words.split(' ')]);
  if (status !== 0) throw new Error(`ip ${words}: ${String(stderr)}`);
}

/** Gives both ends IPv6, and one of them a neighbor that does not exist. */
function addDeadAddress([a, b]: readonly [NetworkEnd, NetworkEnd]): void {
  ip(a, 'address add 2001:db8:90::1/64 dev v0 nodad');
  ip(b, 'address add 2001:db8:90::2/64 dev v0 nodad');
  ip(b, `neighbor add ${DEAD} lladdr 02:00:00:00:00:77 dev v0`);
}

async function look(host: Host, [a, b]: readonly [NetworkEnd, NetworkEnd]): Promise<Seen> {
  const serve = `require('net').createServer((socket) => {
    socket.on('error', () => {}).end(${JSON.stringify(ANSWER)});
  }).listen(0, '${a.address}', function () { console.log(this.address().port); })`;
  const port = await firstLine(a, [host.node, '-e', serve], host);
  const table = join(tempDirectory(), 'hosts');
  writeFileSync(table, `${DEAD} ${NAME}\n${a.address} ${NAME}\n`);
  // A process in a namespace has mounts of its own.
  const mounted = ['sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', table];
  const args = [NAME, DEAD, a.address, port, String(REFUSING_PORT)];
  return JSON.parse(await firstLine(b, [...mounted, host.node, program, ...args], host)) as Seen;
}

describe('a name whose first address is dead', () => {
  it.for(hosts)(
    'is connected to in time, on $label',
    { timeout: 30_000 },
    async (host, { skip }) => {
      const reason = whyNoNamespaces();
      if (reason !== undefined) skip(reason);
      const ends = joinedNamespaces();
      addDeadAddress(ends);
      const seen = await look(host, ends);
      const [{ address }] = ends;
      const connected = [
        ['connectionAttempt', DEAD],
        ['connectionAttemptTimeout', DEAD],
        ['connectionAttempt', address],
        ['connect', null],
        ['close', null],
      ];
      for (const said of [seen.resolved, seen.given, seen.own]) {
        expect(said).toMatchObject({ events: connected, heard: ANSWER, codes: null });
        expect(said.attempted?.map((at) => at.replace(/:\d+$/, ''))).toEqual([DEAD, address]);
      }
      expect(seen.given.elapsedMs).toBeGreaterThan(115);
      expect(seen.own.elapsedMs).toBeGreaterThan(35);
      // The kernel alone would wait for two minutes.
      expect(Math.max(seen.resolved.elapsedMs, seen.stream.elapsedMs)).toBeLessThan(10_000);
      expect(seen.refused.events).toEqual([
        ...connected.slice(0, 3),
        ['connectionAttemptFailed', address],
        ['error', 'ETIMEDOUT'],
        ['close', null],
      ]);
      expect(seen.refused.codes).toEqual([
        ['ETIMEDOUT', DEAD],
        ['ECONNREFUSED', address],
      ]);
      expect(seen.silent.events).toEqual([
        ['connectionAttempt', DEAD],
        ['timeout', null],
        ['close', null],
      ]);
      expect(seen.aborted.events).toEqual([
        ['connectionAttempt', DEAD],
        ['connectionAttemptFailed', DEAD],
        ['close', null],
      ]);
      expect(seen.http).toBe(204);
      expect(seen.stream).toMatchObject({ heard: ANSWER, address });
      expect(seen.timedOut.kind).toBe('TimeoutError');
      expect([seen.leaked, seen.inFlight]).toEqual([0, 0]);
    },
  );
});
