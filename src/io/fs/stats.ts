/**
 * `fs.Stats` and `fs.BigIntStats` from what `statx(2)` filled in: Node's own classes, so that
 * `instanceof`, the methods, the dates and the way they are printed are those of the running Node.
 *
 * The classes are taken from a sample, since calling `fs.Stats` itself is deprecated. Their
 * constructors take fourteen values; from Node 26 on `Stats` wants times in two parts, eighteen.
 */

import { statSync } from 'node:fs';
import type { BigIntStats, Stats } from 'node:fs';
import { readBigStatx, readStatx, readStatxTimes } from '../../native/abi.ts';
import type { Block } from '../../runtime/index.ts';

type Construct<T> = new (...fields: readonly (number | bigint)[]) => T;

interface Classes {
  readonly small: Construct<Stats>;
  readonly big: Construct<BigIntStats>;
  /** Whether `Stats` takes seconds and nanoseconds. */
  readonly hasTimeParts: boolean;
}

/** Fields of `Stats` up to the times, and four times in two parts. */
const FIELDS_WITH_TIME_PARTS = 18;

let known: Classes | undefined;

function classes(): Classes {
  known ??= findClasses();
  return known;
}

function findClasses(): Classes {
  const small = statSync('/').constructor as Construct<Stats>;
  const big = statSync('/', { bigint: true }).constructor as Construct<BigIntStats>;
  return { small, big, hasTimeParts: small.length === FIELDS_WITH_TIME_PARTS };
}

/** Makes `fs.Stats` from the struct at the beginning of a block. */
export function statsOf(block: Block): Stats {
  const { small: NodeStats, hasTimeParts } = classes();
  const from = readStatx(block.bytes);
  const { dev, mode, nlink, uid, gid, rdev, blksize, ino, size, blocks } = from;
  if (!hasTimeParts) {
    const { atimeMs, mtimeMs, ctimeMs, birthtimeMs } = from;
    // One argument each, here and below: a list to spread would be an array more per call.
    return new NodeStats(
      dev,
      mode,
      nlink,
      uid,
      gid,
      rdev,
      blksize,
      ino,
      size,
      blocks,
      atimeMs,
      mtimeMs,
      ctimeMs,
      birthtimeMs,
    );
  }
  const times = readStatxTimes(block.bytes);
  return new NodeStats(
    dev,
    mode,
    nlink,
    uid,
    gid,
    rdev,
    blksize,
    ino,
    size,
    blocks,
    times.atimeSeconds,
    times.atimeNs,
    times.mtimeSeconds,
    times.mtimeNs,
    times.ctimeSeconds,
    times.ctimeNs,
    times.birthtimeSeconds,
    times.birthtimeNs,
  );
}

/** Makes `fs.BigIntStats` from the struct at the beginning of a block. */
export function bigStatsOf(block: Block): BigIntStats {
  const { big: NodeBigIntStats } = classes();
  const from = readBigStatx(block.bytes);
  const { dev, mode, nlink, uid, gid, rdev, blksize, ino, size, blocks } = from;
  return new NodeBigIntStats(
    dev,
    mode,
    nlink,
    uid,
    gid,
    rdev,
    blksize,
    ino,
    size,
    blocks,
    from.atimeNs,
    from.mtimeNs,
    from.ctimeNs,
    from.birthtimeNs,
  );
}

/** Whether only what the ring can do is asked for; then `bigint` says which class. */
export function isPlainStatOptions(options: unknown): boolean {
  if (options === undefined) return true;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return false;
  const { bigint, signal, throwIfNoEntry } = options as Record<string, unknown>;
  if (bigint !== undefined && typeof bigint !== 'boolean') return false;
  // Only newer Nodes know these two, and each of them in its own way.
  return signal === undefined && (throwIfNoEntry === undefined || throwIfNoEntry === true);
}

/** Whether `bigint` was asked for, in options that are plain. */
export function wantsBigint(options: unknown): boolean {
  return (options as { bigint?: boolean } | undefined)?.bigint === true;
}
