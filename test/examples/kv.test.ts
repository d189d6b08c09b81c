/**
 * The key-value example, killed in the middle of its writes again and again: what it has
 * acknowledged is there when it is opened again, and what it finds was written whole.
 *
 * `ONERING_KILLS=200` kills it so many times.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { runFile } from '../support/child.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const MAIN = fileURLToPath(new URL('../../examples/kv/main.js', import.meta.url));
const KILLS = Number(process.env['ONERING_KILLS'] ?? 6);
const WRITERS = 16;

/** Runs a command on a store, and returns what it printed. */
async function kv(path: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runFile(MAIN, { args: [path, ...args] });
  expect(code, stderr).toBe(0);
  return stdout;
}

/** Has it write until it has acknowledged so much, then kills it. Returns what it acknowledged. */
async function killAfter(
  path: string,
  writes: number,
  backend: string,
): Promise<[string, number][]> {
  const child = spawn(process.execPath, [MAIN, path, 'load', String(WRITERS)], {
    env: { ...process.env, ONERING_BACKEND: backend },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const acknowledged: [string, number][] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [, key = '', number = ''] = /^(key-\d+) (\d+)$/.exec(line) ?? [];
    if (key !== '') acknowledged.push([key, Number(number)]);
    if (acknowledged.length === writes) child.kill('SIGKILL');
  }
  if (child.signalCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
  return acknowledged;
}

describe('examples/kv', () => {
  it('keeps what it is told to keep', async () => {
    const path = join(tempDirectory(), 'store');
    await kv(path, 'set', 'one', 'first');
    await kv(path, 'set', 'two', 'second');
    await kv(path, 'set', 'one', 'third');
    expect(await kv(path, 'get', 'one')).toBe('third\n');
    await kv(path, 'delete', 'two');
    expect(await kv(path, 'get', 'two')).toBe('(none)\n');
    expect(await kv(path, 'list')).toBe('one third\n');
  });

  it('cuts away what was torn off at any byte, and nothing else', async () => {
    const path = join(tempDirectory(), 'store');
    await kv(path, 'set', 'one', 'first');
    const { size } = statSync(path);
    await kv(path, 'set', 'two', 'second');
    const whole = readFileSync(path);
    for (let end = size; end < whole.length; end += 5) {
      writeFileSync(path, whole);
      truncateSync(path, end);
      expect(await kv(path, 'list')).toBe('one first\n');
      expect(statSync(path).size).toBe(size);
    }
    // Of the right size, and not what was written.
    const damaged = Buffer.from(whole);
    damaged[whole.length - 1] = 0;
    writeFileSync(path, damaged);
    expect(await kv(path, 'list')).toBe('one first\n');
  });

  it.each(backends)(
    'loses nothing that it acknowledged when it is killed, on %s',
    async (backend) => {
      const random = new SeededRandom();
      const path = join(tempDirectory(), 'store');
      const newest = new Map<string, number>();
      for (let kill = 0; kill < KILLS; kill += 1) {
        const acknowledged = await killAfter(path, random.between(1, 1500), backend);
        for (const [key, number] of acknowledged) {
          newest.set(key, Math.max(newest.get(key) ?? 0, number));
        }
        // Not all blanks at its end: the newest value may be empty.
        const lines = (await kv(path, 'list')).replace(/\n$/, '').split('\n');
        const found = new Map(
          lines
            .map((line) => line.split(' ') as [string, string, string])
            .map(([key, number, padding]) => [key, { number: Number(number), padding }] as const),
        );
        for (const [key, number] of newest) {
          expect(found.get(key)?.number, `${key}, ${random.replay}`).toBeGreaterThanOrEqual(number);
        }
        for (const { number, padding } of found.values()) {
          expect(padding, random.replay).toBe('.'.repeat((number * 37) % 3000));
        }
      }
    },
    KILLS * 5000 + 30_000,
  );
});
