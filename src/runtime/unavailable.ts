/**
 * Why there is no ring, in words that say what to do, and the kill switch that asks for none.
 */

import { readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import {
  EACCES,
  EINVAL,
  EMFILE,
  ENFILE,
  ENOMEM,
  ENOSYS,
  EPERM,
  errnoName,
} from '../native/index.ts';
import { invalidArgValue, UringUnavailableError } from './errors.ts';

/** Reads the kill switch, before the first system call. An option of the program comes first. */
export function requestedBackend(option: 'auto' | 'uring' | 'libuv'): 'auto' | 'uring' | 'libuv' {
  if (option !== 'auto') return option;
  const value = process.env['ONERING_BACKEND'];
  if (value === undefined || value === '' || value === 'auto') return 'auto';
  if (value === 'uring' || value === 'libuv') return value;
  throw invalidArgValue('ONERING_BACKEND', value, "must be one of: 'auto', 'uring', 'libuv'");
}

/**
 * Why a program that did not ask for the ring gets none though it could: Node's permission model
 * is checked in Node's own functions, and the ring would go around it.
 */
export function permissionObjection(): UringUnavailableError | null {
  const { permission } = process as { permission?: unknown };
  if (permission === undefined) return null;
  return new UringUnavailableError(
    'permission',
    "Node's permission model is on, which io_uring would go around: set ONERING_BACKEND=uring " +
      'if that is all right',
  );
}

/** Makes the error for a ring that could not be set up: `result` is the `-errno`. */
export function explainUnavailable(result: number): UringUnavailableError {
  const errno = -result;
  const name = errnoName(errno);
  if (errno === ENOSYS) return denied(name);
  if (errno === EPERM || errno === EACCES) return denied(name);
  if (errno === ENOMEM) {
    return new UringUnavailableError(
      'memlock',
      `The kernel has no memory for a ring (${name}): raise RLIMIT_MEMLOCK (ulimit -l) ` +
        'or ask for fewer entries',
    );
  }
  if (errno === EMFILE || errno === ENFILE) {
    return new UringUnavailableError(
      'limits',
      `No file descriptor is left for a ring (${name}): raise RLIMIT_NOFILE (ulimit -n)`,
    );
  }
  if (errno === EINVAL) {
    const where = isMainThread ? '' : ' in a worker';
    return new UringUnavailableError(
      'kernel',
      `The kernel refuses every set of flags${where} (${name}): Linux 6.1 or newer is needed`,
    );
  }
  return new UringUnavailableError('kernel', `io_uring_setup failed with ${name}`);
}

/** Tells a sysctl from a filter: the sysctl can be read. */
function denied(name: string): UringUnavailableError {
  const sysctl = readFirstLine('/proc/sys/kernel/io_uring_disabled');
  if (sysctl === '1' || sysctl === '2') {
    return new UringUnavailableError(
      'sysctl',
      `kernel.io_uring_disabled is ${sysctl} (${name}): set it to 0 with ` +
        'sysctl -w kernel.io_uring_disabled=0',
    );
  }
  if (isFiltered()) {
    return new UringUnavailableError(
      'seccomp',
      `A seccomp filter forbids io_uring (${name}): allow io_uring_setup, io_uring_enter and ` +
        'io_uring_register in the container, e.g. docker run --security-opt seccomp=FILE',
    );
  }
  return new UringUnavailableError('kernel', `The kernel has no io_uring (${name})`);
}

/** Whether a seccomp filter is installed on this process. */
function isFiltered(): boolean {
  const status = readText('/proc/self/status');
  return /^Seccomp:\s*2$/m.test(status);
}

function readFirstLine(path: string): string {
  return readText(path).split('\n', 1)[0] ?? '';
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A kernel or a sandbox without this file: the question has no answer.
    return '';
  }
}
