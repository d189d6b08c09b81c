/**
 * The functions of `node:fs/promises` that are one operation on one or two paths: stat, lstat,
 * unlink, rmdir, mkdir, rename, link, symlink.
 *
 * Arguments that are not plain (an option that needs more than one operation, a value that Node
 * refuses) go to Node's own function: codes and messages are those of the Node that runs.
 */

import * as node from 'node:fs/promises';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  prepLinkat,
  prepMkdirat,
  prepRenameat,
  prepStatx,
  prepSymlinkat,
  prepUnlinkat,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STRUCT_STATX_SIZE,
} from '../../native/abi.ts';
import { ringRuntime } from './backend.ts';
import { finishWithNothing, PathCall } from './path-operation.ts';
import type { PathCallKind } from './path-operation.ts';
import { plainPath } from './plain-path.ts';
import { bigStatsOf, isPlainStatOptions, statsOf, wantsBigint } from './stats.ts';

const MODE_DEFAULT = 0o777;
const MODE_MAX = 2 ** 32 - 1;
const STAT_MASK = STATX_BASIC_STATS | STATX_BTIME;

const prepareStat: PathCallKind['prepare'] = (sqe, path, _second, call) =>
  prepStatx(sqe, AT_FDCWD, path, call.argument, STAT_MASK, call.address);

function statKind(syscall: string, finish: PathCallKind['finish']): PathCallKind {
  return { syscall, prepare: prepareStat, resultSize: STRUCT_STATX_SIZE, finish };
}

function kind(syscall: string, prepare: PathCallKind['prepare']): PathCallKind {
  return { syscall, prepare, resultSize: 0, finish: finishWithNothing };
}

const STAT = statKind('stat', statsOf);
const LSTAT = statKind('lstat', statsOf);
const BIG_STAT = statKind('stat', bigStatsOf);
const BIG_LSTAT = statKind('lstat', bigStatsOf);
const UNLINK = kind('unlink', (sqe, path) => prepUnlinkat(sqe, AT_FDCWD, path, 0));
const RMDIR = kind('rmdir', (sqe, path) => prepUnlinkat(sqe, AT_FDCWD, path, AT_REMOVEDIR));
const MKDIR = kind('mkdir', (sqe, path, _second, call) =>
  prepMkdirat(sqe, AT_FDCWD, path, call.argument),
);
const RENAME = kind('rename', (sqe, from, to) =>
  prepRenameat(sqe, AT_FDCWD, from, AT_FDCWD, to, 0),
);
const LINK = kind('link', (sqe, from, to) => prepLinkat(sqe, AT_FDCWD, from, AT_FDCWD, to, 0));
const SYMLINK = kind('symlink', (sqe, target, path) => prepSymlinkat(sqe, target, AT_FDCWD, path));

type AnyFunction = (...args: never[]) => Promise<unknown>;

export const stat: typeof node.stat = function stat(path: unknown, options?: unknown) {
  const runtime = isPlainStatOptions(options) ? ringRuntime() : null;
  const plain = runtime === null ? undefined : plainPath(path);
  if (runtime === null || plain === undefined) return viaNode('stat', arguments);
  return new PathCall(runtime, wantsBigint(options) ? BIG_STAT : STAT, plain, null, 0).run();
} as AnyFunction as typeof node.stat;

export const lstat: typeof node.lstat = function lstat(path: unknown, options?: unknown) {
  const runtime = isPlainStatOptions(options) ? ringRuntime() : null;
  const plain = runtime === null ? undefined : plainPath(path);
  if (runtime === null || plain === undefined) return viaNode('lstat', arguments);
  const which = wantsBigint(options) ? BIG_LSTAT : LSTAT;
  return new PathCall(runtime, which, plain, null, AT_SYMLINK_NOFOLLOW).run();
} as AnyFunction as typeof node.lstat;

export const unlink: typeof node.unlink = function unlink(path) {
  const runtime = ringRuntime();
  const plain = runtime === null ? undefined : plainPath(path);
  if (runtime === null || plain === undefined) return viaNode('unlink', arguments);
  return new PathCall(runtime, UNLINK, plain, null, 0).run<void>();
};

export const rmdir: typeof node.rmdir = function rmdir(path, options?: unknown) {
  const runtime = options === undefined ? ringRuntime() : null;
  const plain = runtime === null ? undefined : plainPath(path);
  if (runtime === null || plain === undefined) return viaNode('rmdir', arguments);
  return new PathCall(runtime, RMDIR, plain, null, 0).run<void>();
};

export const mkdir: typeof node.mkdir = function mkdir(path: unknown, options?: unknown) {
  const mode = plainMode(options);
  const runtime = mode === undefined ? null : ringRuntime();
  const plain = runtime === null ? undefined : plainPath(path);
  if (runtime === null || plain === undefined) return viaNode('mkdir', arguments);
  return new PathCall(runtime, MKDIR, plain, null, mode ?? MODE_DEFAULT).run();
} as AnyFunction as typeof node.mkdir;

export const rename: typeof node.rename = function rename(oldPath, newPath) {
  return withTwoPaths('rename', RENAME, oldPath, newPath, arguments);
};

export const link: typeof node.link = function link(existingPath, newPath) {
  return withTwoPaths('link', LINK, existingPath, newPath, arguments);
};

export const symlink: typeof node.symlink = function symlink(target, path, type) {
  // Only Windows makes use of the type, but newer Nodes refuse one that they do not know.
  if (type !== undefined && type !== null) return viaNode('symlink', arguments);
  return withTwoPaths('symlink', SYMLINK, target, path, arguments);
};

function withTwoPaths(
  name: 'rename' | 'link' | 'symlink',
  which: PathCallKind,
  from: unknown,
  to: unknown,
  args: IArguments,
): Promise<void> {
  const runtime = ringRuntime();
  const first = runtime === null ? undefined : plainPath(from);
  const second = first === undefined ? undefined : plainPath(to);
  if (runtime === null || first === undefined || second === undefined) return viaNode(name, args);
  return new PathCall(runtime, which, first, second, 0).run<void>();
}

/** The mode of a plain mkdir; one that makes parents as well is Node's. */
function plainMode(options: unknown): number | undefined {
  if (options === undefined || options === null) return MODE_DEFAULT;
  const isObject = typeof options === 'object';
  const { recursive, mode = MODE_DEFAULT } = (isObject ? options : { mode: options }) as {
    recursive?: unknown;
    mode?: unknown;
  };
  if (recursive !== undefined && recursive !== false) return undefined;
  if (typeof mode !== 'number' || !Number.isInteger(mode)) return undefined;
  return mode < 0 || mode > MODE_MAX ? undefined : mode;
}

/** Node's own function, with exactly the arguments that ours was given. */
function viaNode<T>(name: keyof typeof node, args: IArguments): Promise<T> {
  return Reflect.apply(node[name] as AnyFunction, node, args) as Promise<T>;
}
