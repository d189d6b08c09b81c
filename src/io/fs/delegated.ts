/**
 * What the drop-in hands to Node as it is, because io_uring has no opcode for it, or because it is
 * made of many calls of which most have none. The one list; COMPATIBILITY.md shows it, and a test
 * compares the two.
 */

import * as node from 'node:fs/promises';

type Node = typeof node;

/** Asks whether a file may be used. Node's own. */
export const access: Node['access'] = node.access;
/** Changes permissions. Node's own. */
export const chmod: Node['chmod'] = node.chmod;
/** Changes the owner. Node's own. */
export const chown: Node['chown'] = node.chown;
/** Copies a file. Node's own. */
export const copyFile: Node['copyFile'] = node.copyFile;
/** Copies a tree. Node's own. */
export const cp: Node['cp'] = node.cp;
/** Changes permissions of a link; not on Linux. Node's own. */
export const lchmod: Node['lchmod'] = node.lchmod;
/** Changes the owner of a link. Node's own. */
export const lchown: Node['lchown'] = node.lchown;
/** Changes the times of a link. Node's own. */
export const lutimes: Node['lutimes'] = node.lutimes;
/** Makes a directory with a name of its own. Node's own. */
export const mkdtemp: Node['mkdtemp'] = node.mkdtemp;
/** Opens a directory to iterate over. Node's own. */
export const opendir: Node['opendir'] = node.opendir;
/** Lists a directory. Node's own. */
export const readdir: Node['readdir'] = node.readdir;
/** Reads where a link leads. Node's own. */
export const readlink: Node['readlink'] = node.readlink;
/** Resolves a path. Node's own. */
export const realpath: Node['realpath'] = node.realpath;
/** Removes a file or a tree. Node's own. */
export const rm: Node['rm'] = node.rm;
/** Describes a file system. Node's own. */
export const statfs: Node['statfs'] = node.statfs;
/** Changes times. Node's own. */
export const utimes: Node['utimes'] = node.utimes;
/** Iterates over changes. Node's own. */
export const watch: Node['watch'] = node.watch;

/** What newer Nodes have: `undefined` on older ones, with the types of the user's `@types/node`. */
const newer = node as { readonly glob?: unknown; readonly mkdtempDisposable?: unknown };

/** Finds files by pattern. Node's own, 22+. */
export const glob: Node extends { glob: infer Glob } ? Glob : undefined = newer.glob as never;
/** As `mkdtemp`, removed at the end of a block. Node's own, 24+. */
export const mkdtempDisposable: Node extends { mkdtempDisposable: infer Make } ? Make : undefined =
  newer.mkdtempDisposable as never;
