/**
 * `struct statx`: 256 bytes that statx(2) fills in, read into plain objects.
 *
 *   0 mask  4 blksize  8 attributes  16 nlink  20 uid  24 gid  28 mode (u16)  32 ino  40 size
 *   48 blocks  56 attributes_mask  64 atime  80 btime  96 ctime  112 mtime  128 rdev  136 dev
 *
 * `Statx` has numbers only, with Node's names, milliseconds and rounding; `BigStatx` is exact.
 * Birth time is 0 where the file system keeps none.
 */

import { STATX_DIOALIGN } from '../constants/files.ts';

export const STRUCT_STATX_SIZE = 256;

const ATIME = 64;
const BTIME = 80;
const CTIME = 96;
const MTIME = 112;
const RDEV = 128;
const DEV = 136;

/** The fields of `fs.Stats`. Numbers beyond 2^53 lose their last bits, as in Node. */
export interface Statx {
  /** `STATX_*`: what was filled in. */
  readonly mask: number;
  readonly dev: number;
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly blksize: number;
  /** In units of 512 bytes. */
  readonly blocks: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;
}

/** The fields of `fs.BigIntStats`. */
export interface BigStatx {
  readonly mask: number;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly rdev: bigint;
  readonly size: bigint;
  readonly blksize: bigint;
  readonly blocks: bigint;
  readonly atimeMs: bigint;
  readonly mtimeMs: bigint;
  readonly ctimeMs: bigint;
  readonly birthtimeMs: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly birthtimeNs: bigint;
}

/** Reads the struct at `offset`. */
export function readStatx(bytes: Uint8Array, offset: number = 0): Statx {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, STRUCT_STATX_SIZE);
  return {
    mask: view.getUint32(0, true),
    dev: deviceNumber(view, DEV),
    ino: readUint64(view, 32),
    mode: view.getUint16(28, true),
    nlink: view.getUint32(16, true),
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    rdev: deviceNumber(view, RDEV),
    size: readUint64(view, 40),
    blksize: view.getUint32(4, true),
    blocks: readUint64(view, 48),
    atimeMs: milliseconds(view, ATIME),
    mtimeMs: milliseconds(view, MTIME),
    ctimeMs: milliseconds(view, CTIME),
    birthtimeMs: milliseconds(view, BTIME),
  };
}

/** Reads the struct at `offset` without rounding. */
export function readBigStatx(bytes: Uint8Array, offset: number = 0): BigStatx {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, STRUCT_STATX_SIZE);
  const word = (at: number): bigint => BigInt(view.getUint32(at, true));
  const atimeNs = nanoseconds(view, ATIME);
  const mtimeNs = nanoseconds(view, MTIME);
  const ctimeNs = nanoseconds(view, CTIME);
  const birthtimeNs = nanoseconds(view, BTIME);
  return {
    mask: view.getUint32(0, true),
    dev: BigInt(deviceNumber(view, DEV)),
    ino: view.getBigUint64(32, true),
    mode: BigInt(view.getUint16(28, true)),
    nlink: word(16),
    uid: word(20),
    gid: word(24),
    rdev: BigInt(deviceNumber(view, RDEV)),
    size: view.getBigUint64(40, true),
    blksize: word(4),
    blocks: view.getBigUint64(48, true),
    atimeMs: atimeNs / 1_000_000n,
    mtimeMs: mtimeNs / 1_000_000n,
    ctimeMs: ctimeNs / 1_000_000n,
    birthtimeMs: birthtimeNs / 1_000_000n,
    atimeNs,
    mtimeNs,
    ctimeNs,
    birthtimeNs,
  };
}

/** What direct I/O asks of a transfer, in bytes; both 0 where it is not to be had. Linux 6.1+. */
export interface StatxDioAlign {
  readonly memory: number;
  readonly offset: number;
}

/** Reads what `STATX_DIOALIGN` asked for, or nothing where it was not answered. */
export function readStatxDioAlign(bytes: Uint8Array, offset: number = 0): StatxDioAlign | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, STRUCT_STATX_SIZE);
  if ((view.getUint32(0, true) & STATX_DIOALIGN) === 0) return null;
  return { memory: view.getUint32(152, true), offset: view.getUint32(156, true) };
}

/** Seconds and nanoseconds as they are in the struct; seconds may be negative. */
export interface StatxTimes {
  readonly atimeSeconds: number;
  readonly atimeNs: number;
  readonly mtimeSeconds: number;
  readonly mtimeNs: number;
  readonly ctimeSeconds: number;
  readonly ctimeNs: number;
  readonly birthtimeSeconds: number;
  readonly birthtimeNs: number;
}

/** Reads the times of the struct at `offset`, unrounded, in two parts. */
export function readStatxTimes(bytes: Uint8Array, offset: number = 0): StatxTimes {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, STRUCT_STATX_SIZE);
  return {
    atimeSeconds: seconds(view, ATIME),
    atimeNs: view.getUint32(ATIME + 8, true),
    mtimeSeconds: seconds(view, MTIME),
    mtimeNs: view.getUint32(MTIME + 8, true),
    ctimeSeconds: seconds(view, CTIME),
    ctimeNs: view.getUint32(CTIME + 8, true),
    birthtimeSeconds: seconds(view, BTIME),
    birthtimeNs: view.getUint32(BTIME + 8, true),
  };
}

function readUint64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 4294967296 + view.getUint32(at, true);
}

function seconds(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * 4294967296 + view.getUint32(at, true);
}

function milliseconds(view: DataView, at: number): number {
  return seconds(view, at) * 1000 + view.getUint32(at + 8, true) / 1_000_000;
}

function nanoseconds(view: DataView, at: number): bigint {
  return view.getBigInt64(at, true) * 1_000_000_000n + BigInt(view.getUint32(at + 8, true));
}

/**
 * As makedev(3): twelve bits of the major number between the lower eight and the upper twelve of
 * the minor number. The kernel's device numbers have no more bits than these.
 */
function deviceNumber(view: DataView, at: number): number {
  const major = view.getUint32(at, true);
  const minor = view.getUint32(at + 4, true);
  return (((minor & 0xfff00) << 12) | ((major & 0xfff) << 8) | (minor & 0xff)) >>> 0;
}
