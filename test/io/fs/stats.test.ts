/**
 * Stats from a struct: Node's classes, each field where it belongs, and which options are plain.
 */

import { Stats, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bigStatsOf, isPlainStatOptions, statsOf, wantsBigint } from '../../../src/io/fs/stats.ts';
import type { Block } from '../../../src/runtime/memory-pool.ts';

/** A `struct statx` with a different number in each field; offsets from `<linux/stat.h>`. */
function sample(): Block {
  const bytes = Buffer.alloc(256);
  bytes.writeUInt32LE(0xfff, 0);
  bytes.writeUInt32LE(4096, 4);
  bytes.writeUInt32LE(7, 16);
  bytes.writeUInt32LE(1001, 20);
  bytes.writeUInt32LE(1002, 24);
  bytes.writeUInt16LE(0o100644, 28);
  bytes.writeBigUInt64LE(123_456n, 32);
  bytes.writeBigUInt64LE(5_000_000_000n, 40);
  bytes.writeBigUInt64LE(99n, 48);
  [64, 80, 96, 112].forEach((at, index) => {
    bytes.writeBigInt64LE(BigInt(index === 0 ? -2 : 1_700_000_000 + index), at);
    bytes.writeUInt32LE(500_000_000 + index, at + 8);
  });
  bytes.writeUInt32LE(8, 128);
  bytes.writeUInt32LE(1, 132);
  bytes.writeUInt32LE(259, 136);
  bytes.writeUInt32LE(3, 140);
  return { address: 0, bytes, words: new Int32Array(0), sizeClass: 256, memory: null };
}

describe('statsOf', () => {
  it('makes an fs.Stats of all fields', () => {
    const stats = statsOf(sample());
    expect(stats).toBeInstanceOf(Stats);
    expect(Reflect.ownKeys(stats)).toEqual(Reflect.ownKeys(statSync('/')));
    expect(stats).toMatchObject({ nlink: 7, uid: 1001, gid: 1002, mode: 0o100644, ino: 123_456 });
    expect(stats).toMatchObject({ size: 5e9, blocks: 99, blksize: 4096, rdev: 0x801 });
    expect(stats.dev).toBe(((259 & 0xfff) << 8) | 3);
    expect(stats.atimeMs).toBe(-1500);
    expect(stats.birthtimeMs).toBeCloseTo(1_700_000_001_500, 3);
    expect(stats.ctimeMs).toBeCloseTo(1_700_000_002_500, 3);
    expect(stats.mtime).toEqual(new Date(1_700_000_003_500));
    expect([stats.isFile(), stats.isDirectory()]).toEqual([true, false]);
  });
});

describe('bigStatsOf', () => {
  it('makes the same without rounding', () => {
    const stats = bigStatsOf(sample());
    expect(Reflect.ownKeys(stats)).toEqual(Reflect.ownKeys(statSync('/', { bigint: true })));
    expect(stats).toMatchObject({ nlink: 7n, uid: 1001n, gid: 1002n, ino: 123_456n, blocks: 99n });
    expect(stats).toMatchObject({ size: 5_000_000_000n, blksize: 4096n, rdev: 0x801n });
    expect(stats.atimeNs).toBe(-1_500_000_000n);
    expect(stats.birthtimeNs).toBe(1_700_000_001_500_000_001n);
    expect(stats.ctimeNs).toBe(1_700_000_002_500_000_002n);
    expect(stats.mtimeNs).toBe(1_700_000_003_500_000_003n);
    expect(stats.isFile()).toBe(true);
  });
});

describe('options of stat', () => {
  it('are plain with bigint alone', () => {
    for (const plain of [undefined, {}, { bigint: true }, { bigint: false }]) {
      expect(isPlainStatOptions(plain)).toBe(true);
    }
    const others = [null, 5, 'x', { bigint: 1 }, { signal: {} }, { throwIfNoEntry: false }];
    for (const other of others) expect(isPlainStatOptions(other)).toBe(false);
  });

  it('say which class is wanted', () => {
    expect([undefined, {}, { bigint: false }, { bigint: true }].map(wantsBigint)).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });
});
