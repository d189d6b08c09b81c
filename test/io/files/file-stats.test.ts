/**
 * Stats from what `statx(2)` filled in. That they are those of `node:fs` for real files is in
 * `conformance/file-life.ts`.
 */

import { constants } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fileStats } from '../../../src/io/files/file-stats.ts';
import type { Statx } from '../../../src/native/layout/statx.ts';

function statx(changes: Partial<Statx>): Statx {
  const plain = {
    dev: 1,
    ino: 2,
    mode: 0o100_644,
    nlink: 3,
    uid: 4,
    gid: 5,
    rdev: 6,
    size: 7,
    blksize: 8,
    blocks: 9,
    atimeMs: 1000.25,
    mtimeMs: 2000.5,
    ctimeMs: 3000.75,
    birthtimeMs: 4000,
  };
  return { ...plain, ...changes } as Statx;
}

describe('fileStats', () => {
  it('passes the fields on', () => {
    expect(fileStats(statx({}))).toMatchObject({ ...statx({}) });
  });

  it('makes dates, rounded to the nearest millisecond as Node does', () => {
    const { atime, mtime, ctime, birthtime } = fileStats(statx({}));
    expect([atime, mtime, ctime, birthtime].map((date) => date.getTime())).toEqual([
      1000, 2001, 3001, 4000,
    ]);
    expect(fileStats(statx({ mtimeMs: -0.5 })).mtime.getTime()).toBeCloseTo(0);
  });

  it.each([
    ['isFile', constants.S_IFREG],
    ['isDirectory', constants.S_IFDIR],
    ['isSymbolicLink', constants.S_IFLNK],
    ['isFIFO', constants.S_IFIFO],
    ['isSocket', constants.S_IFSOCK],
    ['isBlockDevice', constants.S_IFBLK],
    ['isCharacterDevice', constants.S_IFCHR],
  ] as const)('%s is true for its type and no other', (method, type) => {
    const { S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK, S_IFBLK, S_IFCHR } = constants;
    for (const other of [S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK, S_IFBLK, S_IFCHR]) {
      const stats = fileStats(statx({ mode: other | 0o755 }));
      expect([other, stats[method]()]).toEqual([other, other === type]);
    }
  });
});
