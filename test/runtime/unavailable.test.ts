/**
 * The kill switch, and why there is no ring: by errno, by sysctl, by seccomp.
 */

import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as errno from '../../src/native/errno.ts';
import { UringUnavailableError } from '../../src/runtime/errors.ts';
import {
  explainUnavailable,
  permissionObjection,
  requestedBackend,
} from '../../src/runtime/unavailable.ts';

/** What the files under `/proc` say; a file that is not here does not exist. */
const proc = vi.hoisted(() => ({ files: {} as Record<string, string> }));

vi.mock('node:fs', () => ({
  readFileSync: vi.fn<(path: string) => string>((path) => {
    const text = proc.files[path];
    if (text === undefined) throw new Error(`ENOENT: ${path}`);
    return text;
  }),
}));

const SYSCTL = '/proc/sys/kernel/io_uring_disabled';
const STATUS = '/proc/self/status';

beforeEach(() => {
  proc.files = {};
});

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('requestedBackend', () => {
  it.each([
    [undefined, 'auto'],
    ['', 'auto'],
    ['auto', 'auto'],
    ['uring', 'uring'],
    ['libuv', 'libuv'],
  ] as const)('reads ONERING_BACKEND=%s as %s', (value, expected) => {
    vi.stubEnv('ONERING_BACKEND', value);
    expect(requestedBackend('auto')).toBe(expected);
  });

  it.each(['uring', 'libuv'] as const)('lets the option %s come first', (option) => {
    vi.stubEnv('ONERING_BACKEND', option === 'uring' ? 'libuv' : 'uring');
    expect(requestedBackend(option)).toBe(option);
  });

  it('refuses a word that it does not know', () => {
    vi.stubEnv('ONERING_BACKEND', 'epoll');
    expect(() => requestedBackend('auto')).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
    );
    expect(() => requestedBackend('auto')).toThrow(/ONERING_BACKEND.*'auto', 'uring', 'libuv'/);
  });
});

describe('permissionObjection', () => {
  it('objects where the permission model is on', () => {
    expect(permissionObjection()).toBeNull();
    vi.stubGlobal('process', { ...process, permission: { has: () => true } });
    const objection = permissionObjection();
    vi.unstubAllGlobals();
    expect(objection).toMatchObject({ code: 'ERR_URING_UNAVAILABLE', reason: 'permission' });
    expect(objection?.message).toContain('ONERING_BACKEND=uring');
  });
});

describe('explainUnavailable', () => {
  it.each([
    [errno.ENOMEM, 'memlock', 'ulimit -l'],
    [errno.EMFILE, 'limits', 'ulimit -n'],
    [errno.ENFILE, 'limits', 'RLIMIT_NOFILE'],
    [errno.EINVAL, 'kernel', 'Linux 6.1'],
    [errno.EOPNOTSUPP, 'kernel', 'ENOTSUP'],
    [errno.ENOSYS, 'kernel', 'has no io_uring'],
    [errno.EPERM, 'kernel', 'EPERM'],
  ])('says for errno %d: %s, and what to do', (number, reason, words) => {
    const error = explainUnavailable(-number);
    expect(error).toBeInstanceOf(UringUnavailableError);
    expect(error).toMatchObject({ code: 'ERR_URING_UNAVAILABLE', reason });
    expect(error.message).toContain(words);
  });

  it.each(['1', '2'])('finds the sysctl that says %s', (value) => {
    proc.files = { [SYSCTL]: `${value}\n`, [STATUS]: 'Name:\tnode\nSeccomp:\t2\n' };
    const error = explainUnavailable(-errno.EPERM);
    expect(error.reason).toBe('sysctl');
    expect(error.message).toContain(`kernel.io_uring_disabled is ${value} (EPERM)`);
    expect(error.message).toContain('sysctl -w kernel.io_uring_disabled=0');
  });

  it.each([errno.EPERM, errno.ENOSYS, errno.EACCES])('finds the seccomp filter (%d)', (number) => {
    proc.files = { [SYSCTL]: '0\n', [STATUS]: 'Name:\tnode\nSeccomp:\t2\nThreads:\t11\n' };
    const error = explainUnavailable(-number);
    expect(error.reason).toBe('seccomp');
    expect(error.message).toContain('seccomp');
  });

  it.each(['0', '1'])('takes mode %s of seccomp for no filter', (mode) => {
    proc.files = { [SYSCTL]: '0\n', [STATUS]: `Seccomp:\t${mode}\nSeccomp_filters:\t2\n` };
    expect(explainUnavailable(-errno.ENOSYS).reason).toBe('kernel');
  });

  it('asks /proc only where that can tell something', () => {
    vi.mocked(readFileSync).mockClear();
    explainUnavailable(-errno.ENOMEM);
    explainUnavailable(-errno.EINVAL);
    expect(readFileSync).not.toHaveBeenCalled();
  });
});
