/**
 * What is left where io_uring is forbidden on this kernel: by the administrator for the whole
 * machine, which can be tried on no machine but one like this; by a filter; by a limit.
 *
 * Runs the program of the confinement tests, in a process of its own each time.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runChecks, skip } from './checks.ts';

interface Report {
  readonly backend: string;
  readonly reason: { kind: string; message: string } | null;
}

const program = fileURLToPath(
  new URL('../../../../test/confinement/programs/confined.mjs', import.meta.url),
);
const sysctl = '/proc/sys/kernel/io_uring_disabled';

/** Everything works, whatever it runs on; says what that was. */
function work(confinement: object, limits = 'true'): Report {
  const folder = mkdtempSync('/tmp/confined-');
  const script = `${limits} && exec "$0" "$@"`;
  const args = [
    '-c',
    script,
    process.execPath,
    program,
    JSON.stringify({ folder, ...confinement }),
  ];
  const { status, signal, stdout, stderr } = spawnSync('/bin/sh', args, { encoding: 'utf8' });
  assert.deepEqual([status, signal, stderr], [0, null, '']);
  const report = JSON.parse(stdout);
  assert.deepEqual([report.file, report.echo, report.nop], [[700_000, true], true, 0]);
  assert.match(report.missing, /^ENOENT: /);
  return report;
}

/** Sets what holds for the whole machine for the time of a call. */
function withSysctl(value: string, body: () => void): void {
  if (!existsSync(sysctl)) skip('needs Linux 6.6');
  const before = readFileSync(sysctl, 'utf8');
  writeFileSync(sysctl, value);
  try {
    body();
  } finally {
    writeFileSync(sysctl, before);
  }
}

function expectForbidden({ backend, reason }: Report, kind: string, words: string): void {
  assert.deepEqual([backend, reason?.kind], ['libuv', kind]);
  assert.ok(reason?.message.includes(words), reason?.message);
}

await runChecks({
  'forbidden to everybody': () => {
    withSysctl('2', () => expectForbidden(work({}), 'sysctl', 'io_uring_disabled is 2'));
  },
  'forbidden to those without privileges': () => {
    withSysctl('1', () => {
      expectForbidden(work({ user: true }), 'sysctl', 'io_uring_disabled is 1');
      assert.equal(work({}).backend, 'uring');
    });
  },
  'forbidden by a filter': () => {
    const filter = { first: 425, last: 427, action: 'EPERM' };
    expectForbidden(work({ filter }), 'seccomp', 'EPERM');
  },
  'allowed to users without privileges': () => {
    assert.equal(work({ user: true }).backend, 'uring');
  },
  'without lockable memory': () => {
    const report = work({ user: true }, 'ulimit -l 0');
    // On some kernels rings count against the limit, on others they do not.
    if (report.backend === 'uring') assert.equal(report.reason, null);
    else expectForbidden(report, 'memlock', 'RLIMIT_MEMLOCK');
  },
});
