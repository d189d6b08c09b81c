/**
 * What is left of the package where io_uring is forbidden or limits are low: Node's own
 * implementation with a reason that names the cause, and files, sockets and timers that work.
 *
 * Filters and limits are real ones, each in a process of its own. `kernel.io_uring_disabled` holds
 * for a whole machine, so it is set on machines of our own: see `test/kernels/`.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importUrl, runFile, runScript } from '../support/child.ts';
import type { ChildOptions, ChildResult } from '../support/child.ts';
import { publicCopy } from '../support/public-copy.ts';
import { ringTest } from '../support/ring-test.ts';
import { tempDirectory } from '../support/temp-directory.ts';

interface Confinement {
  /** System calls from `first` to `last` are answered with an error, or end the process. */
  readonly filter?: { first: number; last: number; action: 'EPERM' | 'ENOSYS' | 'kill' };
  /** Nobody's rights; needs root, else they are the caller's. */
  readonly user?: boolean;
  /** No descriptor is free when the runtime opens, and again later. */
  readonly exhausts?: boolean;
  readonly worker?: boolean;
}

interface Report {
  readonly backend: string;
  readonly reason: { kind: string; message: string } | null;
  /** What `onering doctor` says. */
  readonly said: string | null;
  readonly full?: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const programs = 'test/confinement/programs';
const program = fileURLToPath(new URL('programs/confined.mjs', import.meta.url));
const SETUP = 425;
const ENTER = 426;
const REGISTER = 427;
const all = { first: SETUP, last: REGISTER };

function run(confinement: Confinement, options: ChildOptions = {}): Promise<ChildResult> {
  const isOfNobody = confinement.user === true;
  return runFile(isOfNobody ? join(publicCopy(programs), programs, 'confined.mjs') : program, {
    args: [JSON.stringify({ folder: tempDirectory(), ...confinement })],
    ...options,
    env: { ONERING_BACKEND: 'auto', ...options.env },
  });
}

/** Runs it under limits of the shell's. */
function limited(limits: string, confinement: Confinement, backend = 'auto'): Promise<ChildResult> {
  const shell = `ulimit ${limits} && exec "$0" "$@"`;
  return run(confinement, {
    node: '/bin/sh',
    nodeArgs: ['-c', shell, process.execPath],
    env: { ONERING_BACKEND: backend },
  });
}

/** The work came to what it should, whatever it ran on. */
function reportOf({ code, signal, stdout, stderr }: ChildResult): Report {
  expect([code, signal, stderr]).toEqual([0, null, '']);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({
    file: [700_000, true],
    missing: expect.stringMatching(/^ENOENT: no such file or directory, open '.*missing'$/),
    echo: true,
    slept: 'slept',
    nop: 0,
  });
  return report;
}

function expectFallback(report: Report, kind: string, words: string): void {
  expect(report.backend).toBe('libuv');
  expect(report.reason?.kind).toBe(kind);
  expect(report.reason?.message).toContain(words);
  expect(report.said).toBe(report.reason?.message);
}

describe.runIf(process.platform === 'linux')('under a seccomp filter', () => {
  it.each(['EPERM', 'ENOSYS'] as const)('that answers %s, as containers do', async (action) => {
    const report = reportOf(await run({ filter: { ...all, action } }));
    expectFallback(report, 'seccomp', `A seccomp filter forbids io_uring (${action})`);
    expect(report.said).toContain('--security-opt seccomp=');
  });

  it('everything works in a worker too', async () => {
    const report = reportOf(await run({ filter: { ...all, action: 'EPERM' }, worker: true }));
    expect(report.backend).toBe('libuv');
    expectFallback(report, 'seccomp', 'A seccomp filter forbids io_uring (EPERM)');
  });

  it('asking for the ring is an error that says why', async () => {
    const filter = { ...all, action: 'EPERM' } as const;
    const { code, stderr } = await run({ filter }, { env: { ONERING_BACKEND: 'uring' } });
    expect(code).toBe(1);
    expect(stderr).toContain('A seccomp filter forbids io_uring (EPERM)');
    expect(stderr).toContain('ERR_URING_UNAVAILABLE');
  });

  it('the kill switch comes before the first call, which would be the last', async () => {
    const filter = { ...all, action: 'kill' } as const;
    const careful = await run({ filter }, { env: { ONERING_BACKEND: 'libuv' } });
    const report = reportOf(careful);
    expect([report.backend, report.reason?.kind]).toEqual(['libuv', 'disabled']);
    expect(report.said).toContain('ONERING_BACKEND is libuv');
    const careless = await run({ filter });
    expect([careless.code, careless.signal]).toEqual([null, 'SIGSYS']);
  });
});

describe('under a filter that forbids one call of three', () => {
  ringTest('6.1', 'io_uring_enter', async () => {
    const filter = { first: ENTER, last: ENTER, action: 'EPERM' } as const;
    expectFallback(reportOf(await run({ filter })), 'broken', 'a NOP did not come back');
  });

  ringTest('6.1', 'io_uring_register', async () => {
    const filter = { first: REGISTER, last: REGISTER, action: 'EPERM' } as const;
    expectFallback(reportOf(await run({ filter })), 'seccomp', 'io_uring_register');
  });
});

describe('without privileges', () => {
  ringTest('6.1', 'the ring works, in workers too', async () => {
    for (const worker of [false, true]) {
      expect(reportOf(await run({ user: true, worker })).backend).toBe('uring');
    }
  });

  ringTest('6.1', 'without lockable memory there is a ring or a reason', async () => {
    const report = reportOf(await limited('-l 0', { user: true }));
    // On some kernels rings count against the limit, on others they do not.
    if (report.backend === 'uring') expect(report.reason).toBeNull();
    else expectFallback(report, 'memlock', 'raise RLIMIT_MEMLOCK (ulimit -l)');
  });

  ringTest('6.1', 'a ring needs little lockable memory', async () => {
    expect(reportOf(await limited('-l 256', { user: true })).backend).toBe('uring');
  });
});

describe("under Node's permission model", () => {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
  const script = `
    import { diagnose, File, runtime } from '${importUrl('dist/src/io/index.js')}';
    const said = diagnose().reason;
    const { backend, reason } = runtime();
    const outside = await File.open('/etc/passwd').then((file) => file.close(), ({ code }) => code);
    const inside = await File.open('${root}package.json').then((file) => file.close());
    console.log(JSON.stringify({ backend, kind: reason?.reason, said, outside, inside }));
  `;
  const guarded = async (backend: string, ...flags: string[]): Promise<unknown> => {
    const nodeArgs = ['--no-warnings', flag, `--allow-fs-read=${root}*`, ...flags];
    const result = await runScript(script, { nodeArgs, env: { ONERING_BACKEND: backend } });
    expect([result.code, result.stderr]).toEqual([0, '']);
    return JSON.parse(result.stdout);
  };

  it('the ring cannot be reached without addons', async () => {
    const refused = { backend: 'libuv', outside: 'ERR_ACCESS_DENIED' };
    expect(await guarded('auto')).toMatchObject(refused);
  });

  ringTest('6.1', 'the ring does not go around it, unless it is asked to', async () => {
    expect(await guarded('auto', '--allow-addons')).toMatchObject({
      backend: 'libuv',
      kind: 'permission',
      said: expect.stringContaining("Node's permission model is on"),
      outside: 'ERR_ACCESS_DENIED',
    });
    expect(await guarded('uring', '--allow-addons')).toEqual({ backend: 'uring', said: null });
  });
});

describe.runIf(process.platform === 'linux')('without descriptors', () => {
  ringTest('6.1', 'the ring is done without, and the reason named', async () => {
    const report = reportOf(await limited('-n 512', { exhausts: true }));
    expectFallback(report, 'limits', 'raise RLIMIT_NOFILE (ulimit -n)');
    expect(report.full).toBe('EMFILE');
  });

  it('files say so on libuv, and work again later', async () => {
    const report = reportOf(await limited('-n 512', { exhausts: true }, 'libuv'));
    expect(report.full).toBe('EMFILE');
  });
});
