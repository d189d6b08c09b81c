/**
 * `struct statx` as C filled it, and one made of a real file beside what Node reads of it.
 */

import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  readBigStatx,
  readStatx,
  readStatxDioAlign,
  readStatxTimes,
  STRUCT_STATX_SIZE,
} from '../../../src/native/layout/statx.ts';
import { recordedStruct } from '../../support/recorded-structs.ts';

/** What glibc's makedev(259, 1) and makedev(0x123, 0x45678) are. */
const DEV = 66_305;
const RDEV = 1_163_993_976;

describe('readStatx', () => {
  it('finds every field', () => {
    const bytes = recordedStruct('statx');
    expect(bytes).toHaveLength(STRUCT_STATX_SIZE);
    expect(readStatx(bytes)).toEqual({
      mask: 0xfff,
      dev: DEV,
      ino: Number.MAX_SAFE_INTEGER,
      mode: 0o100644,
      nlink: 3,
      uid: 1000,
      gid: 0xfffffffe,
      rdev: RDEV,
      size: 0x1234567890,
      blksize: 4096,
      blocks: 0x91a2b3c5,
      atimeMs: 1_700_000_000_000 + 123.456789,
      mtimeMs: 1001.000001,
      ctimeMs: 0x123456789 * 1000 + 999.999999,
      birthtimeMs: -500,
    });
  });

  it('reads at an offset of a view', () => {
    const bytes = new Uint8Array(STRUCT_STATX_SIZE + 24);
    bytes.set(recordedStruct('statx'), 24);
    expect(readStatx(bytes.subarray(8), 16)).toEqual(readStatx(recordedStruct('statx')));
    expect(readBigStatx(bytes.subarray(8), 16)).toEqual(readBigStatx(recordedStruct('statx')));
  });
});

describe('readBigStatx', () => {
  it('keeps what numbers would round', () => {
    expect(readBigStatx(recordedStruct('statx'))).toEqual({
      mask: 0xfff,
      dev: BigInt(DEV),
      ino: 0x1fffffffffffffn,
      mode: 0o100644n,
      nlink: 3n,
      uid: 1000n,
      gid: 0xfffffffen,
      rdev: BigInt(RDEV),
      size: 0x1234567890n,
      blksize: 4096n,
      blocks: 0x91a2b3c5n,
      atimeMs: 1_700_000_000_123n,
      mtimeMs: 1001n,
      ctimeMs: 0x123456789n * 1000n + 999n,
      birthtimeMs: -500n,
      atimeNs: 1_700_000_000_123_456_789n,
      mtimeNs: 1_001_000_001n,
      ctimeNs: 0x123456789n * 1_000_000_000n + 999_999_999n,
      birthtimeNs: -500_000_000n,
    });
  });

  it('numbers devices as Node does', () => {
    const { rdev } = statSync('/dev/null');
    const bytes = new Uint8Array(STRUCT_STATX_SIZE);
    const view = new DataView(bytes.buffer);
    // /dev/null is 1:3 on every Linux.
    view.setUint32(128, 1, true);
    view.setUint32(132, 3, true);
    expect(readStatx(bytes).rdev).toBe(rdev);
    expect(readBigStatx(bytes).rdev).toBe(BigInt(rdev));
  });
});

describe('readStatxDioAlign', () => {
  it('reads what was asked for, and nothing where it was not answered', () => {
    const bytes = new Uint8Array(STRUCT_STATX_SIZE + 8);
    const view = new DataView(bytes.buffer, 8);
    // Offsets 0x98 and 0x9c of the kernel's header.
    view.setUint32(0x98, 4, true);
    view.setUint32(0x9c, 512, true);
    expect(readStatxDioAlign(bytes, 8)).toBe(null);
    view.setUint32(0, 0x2000, true);
    expect(readStatxDioAlign(bytes, 8)).toEqual({ memory: 4, offset: 512 });
  });
});

describe('readStatxTimes', () => {
  it('reads seconds and nanoseconds, also before 1970', () => {
    const bytes = new Uint8Array(STRUCT_STATX_SIZE + 8);
    const view = new DataView(bytes.buffer, 8);
    // Offsets 0x40, 0x50, 0x60 and 0x70 of the kernel's header.
    [0x40, 0x50, 0x60, 0x70].forEach((at, index) => {
      view.setBigInt64(at, [-2n, 5_000_000_000n, 0n, 1n][index] ?? 0n, true);
      view.setUint32(at + 8, 999_999_990 + index, true);
    });
    expect(readStatxTimes(bytes, 8)).toEqual({
      atimeSeconds: -2,
      atimeNs: 999_999_990,
      birthtimeSeconds: 5_000_000_000,
      birthtimeNs: 999_999_991,
      ctimeSeconds: 0,
      ctimeNs: 999_999_992,
      mtimeSeconds: 1,
      mtimeNs: 999_999_993,
    });
  });
});
