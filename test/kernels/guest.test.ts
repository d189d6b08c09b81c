/**
 * Those programs of the laboratory that need no machine of their own, on the running kernel: so
 * that they are right when another kernel is looked at. Runs the build.
 */

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { diagnose } from '../../src/runtime/index.ts';
import { runFile } from '../support/child.ts';
import type { CheckLine } from './guest/protocol.ts';
import { parseLine } from './report.ts';

const TIMEOUT_MS = 60_000;
/** The ring, where there is one, and Node's own loop. */
const backends = [...new Set([diagnose().backend, 'libuv' as const])];

async function run(name: string, backend: string): Promise<CheckLine[]> {
  const program = new URL(`../../dist/test/kernels/guest/${name}.js`, import.meta.url);
  const env = { ONERING_BACKEND: backend };
  const result = await runFile(fileURLToPath(program), { env, timeoutMs: TIMEOUT_MS });
  expect([result.code, result.signal, result.stderr]).toEqual([0, null, '']);
  const lines = result.stdout.trimEnd().split('\n').map(parseLine);
  return lines.filter((line) => line?.type === 'check');
}

describe.runIf(process.platform === 'linux').each(backends)('on %s', (backend) => {
  it.each(['runtime', 'sockets', 'net'])(
    'the program %s passes here',
    async (name) => {
      const checks = await run(name, backend);
      expect(checks.length).toBeGreaterThan(2);
      expect(checks.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      const skipped = checks.filter(({ outcome }) => outcome === 'skipped');
      if (backend === 'uring') expect(skipped).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

describe.runIf(backends.includes('uring'))('on the ring', () => {
  it(
    'the program pressure passes here',
    async () => {
      const outcomes = (await run('pressure', 'uring')).map(({ outcome }) => outcome);
      expect(outcomes.toSorted()).toEqual(['passed', 'passed', 'passed', 'skipped']);
    },
    TIMEOUT_MS,
  );

  it('a check that fails is seen', async () => {
    // The program asks for files of the machine's own.
    expect(await run('disks', 'uring')).toContainEqual(
      expect.objectContaining({ outcome: 'failed' }),
    );
  });
});
