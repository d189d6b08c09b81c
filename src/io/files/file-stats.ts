/**
 * Stats as Node gives them. On the ring the fields come from `struct statx`; the class is Node's
 * own `fs.Stats` in shape and behavior, so that either backend answers the same questions.
 */

import { constants } from 'node:fs';
import type { Stats } from 'node:fs';
import type { Statx } from '../../native/abi.ts';

/** The same fields and methods as `fs.Stats`. */
export type FileStats = Pick<
  Stats,
  | 'dev'
  | 'ino'
  | 'mode'
  | 'nlink'
  | 'uid'
  | 'gid'
  | 'rdev'
  | 'size'
  | 'blksize'
  | 'blocks'
  | 'atimeMs'
  | 'mtimeMs'
  | 'ctimeMs'
  | 'birthtimeMs'
  | 'atime'
  | 'mtime'
  | 'ctime'
  | 'birthtime'
  | 'isFile'
  | 'isDirectory'
  | 'isSymbolicLink'
  | 'isFIFO'
  | 'isSocket'
  | 'isBlockDevice'
  | 'isCharacterDevice'
>;

/** Makes them from what `statx(2)` filled in. */
export function fileStats(from: Statx): FileStats {
  const is = (type: number) => (): boolean => (from.mode & constants.S_IFMT) === type;
  return {
    dev: from.dev,
    ino: from.ino,
    mode: from.mode,
    nlink: from.nlink,
    uid: from.uid,
    gid: from.gid,
    rdev: from.rdev,
    size: from.size,
    blksize: from.blksize,
    blocks: from.blocks,
    atimeMs: from.atimeMs,
    mtimeMs: from.mtimeMs,
    ctimeMs: from.ctimeMs,
    birthtimeMs: from.birthtimeMs,
    atime: dateOf(from.atimeMs),
    mtime: dateOf(from.mtimeMs),
    ctime: dateOf(from.ctimeMs),
    birthtime: dateOf(from.birthtimeMs),
    isFile: is(constants.S_IFREG),
    isDirectory: is(constants.S_IFDIR),
    isSymbolicLink: is(constants.S_IFLNK),
    isFIFO: is(constants.S_IFIFO),
    isSocket: is(constants.S_IFSOCK),
    isBlockDevice: is(constants.S_IFBLK),
    isCharacterDevice: is(constants.S_IFCHR),
  };
}

/** Rounded as Node rounds it. */
function dateOf(timeMs: number): Date {
  return new Date(Math.round(timeMs));
}
