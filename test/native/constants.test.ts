/**
 * The kernel's constants beside recorded ones, and beside those that Node knows.
 */

import { constants as fromFs } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as errno from '../../src/native/constants/errno.ts';
import * as files from '../../src/native/constants/files.ts';
import * as futex from '../../src/native/constants/futex.ts';
import * as ioUring from '../../src/native/constants/io-uring.ts';
import * as memory from '../../src/native/constants/memory.ts';
import * as poll from '../../src/native/constants/poll.ts';
import * as sockets from '../../src/native/constants/sockets.ts';
import * as time from '../../src/native/constants/time.ts';
import * as wait from '../../src/native/constants/wait.ts';
import { recordedConstants } from '../support/recorded-constants.ts';

/** The bits that Arm has elsewhere, as its `<asm/fcntl.h>` says. */
const onArm = {
  O_DIRECT: 0o200000,
  O_DIRECTORY: 0o40000,
  O_LARGEFILE: 0o400000,
  O_NOFOLLOW: 0o100000,
  O_TMPFILE: 0o20040000,
};

describe('constants', () => {
  it.each([
    ['futex', futex],
    ['ioUring', ioUring],
    ['memory', memory],
    ['poll', poll],
    ['sockets', sockets],
    ['time', time],
    ['wait', wait],
  ] as const)('of %s equal those of C, and are all there', (name, module) => {
    expect({ ...module }).toEqual(recordedConstants(name));
  });

  it('of files equal those of C on this architecture, and are all there', () => {
    const expected = recordedConstants('files');
    if (process.arch === 'arm64') Object.assign(expected, onArm);
    expect({ ...files }).toEqual(expected);
  });

  it('of files equal those that Node has, whatever the architecture', () => {
    const ours = new Map<string, number>(Object.entries(files));
    const shared = Object.entries(fromFs).filter(([name]) => ours.has(name));
    expect(shared.length).toBeGreaterThan(30);
    expect(shared.map(([name]) => [name, ours.get(name)])).toEqual(shared);
  });

  it('do not collide with one another where the door exports them together', () => {
    const modules = [errno, files, futex, ioUring, memory, poll, sockets, time, wait];
    const names = modules.flatMap((module) => Object.keys(module));
    expect(names.length).toBe(new Set(names).size);
  });
});
