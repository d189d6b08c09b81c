/**
 * Fields that are set on an entry after it was filled: each changes its own bits only.
 */

import { describe, expect, it } from 'vitest';
import {
  highWord,
  setSqeBufferGroup,
  setSqeBufferIndex,
  setSqeFileIndex,
  setSqeFlags,
  setSqeIoprio,
  setSqeOpcode,
  setSqeOpFlags,
  replaceSqeBuffer,
  setSqePersonality,
  Sqe,
  SQE_SIZE,
  SQE_WORDS,
} from '../../../src/native/layout/sqe.ts';

/** The entry's bytes after changes to one that holds 0x11 everywhere. */
function bytesAfter(...changes: readonly ((sqe: Sqe) => void)[]): number[] {
  const bytes = new Uint8Array(SQE_SIZE).fill(0x11);
  const sqe = new Sqe(new Int32Array(bytes.buffer), 0);
  for (const change of changes) change(sqe);
  return [...bytes];
}

function elevensBut(changed: Readonly<Record<number, number>>): number[] {
  return Array.from({ length: SQE_SIZE }, (_, index) => changed[index] ?? 0x11);
}

describe('Sqe', () => {
  it('is sixteen words', () => {
    expect([SQE_SIZE, SQE_WORDS]).toEqual([64, 16]);
  });
});

describe('setSqeOpcode', () => {
  it('replaces byte 0', () => {
    expect(bytesAfter((sqe) => setSqeOpcode(sqe, 0x05))).toEqual(elevensBut({ 0: 0x05 }));
  });
});

describe('setSqeFlags', () => {
  it('adds bits to byte 1', () => {
    expect(bytesAfter((sqe) => setSqeFlags(sqe, 0x64))).toEqual(elevensBut({ 1: 0x75 }));
  });
});

describe('setSqeIoprio', () => {
  it('replaces bytes 2 and 3', () => {
    expect(bytesAfter((sqe) => setSqeIoprio(sqe, 0x8002))).toEqual(elevensBut({ 2: 2, 3: 0x80 }));
  });
});

describe('setSqeOpFlags', () => {
  it('replaces bytes 28 to 31', () => {
    expect(bytesAfter((sqe) => setSqeOpFlags(sqe, 0x10))).toEqual(
      elevensBut({ 28: 0x10, 29: 0, 30: 0, 31: 0 }),
    );
  });
});

describe('setSqeBufferIndex, setSqeBufferGroup', () => {
  it('replace bytes 40 and 41', () => {
    const expected = elevensBut({ 40: 0xef, 41: 0xbe });
    expect(bytesAfter((sqe) => setSqeBufferIndex(sqe, 0xbeef))).toEqual(expected);
    expect(bytesAfter((sqe) => setSqeBufferGroup(sqe, 0xbeef))).toEqual(expected);
  });
});

describe('setSqePersonality', () => {
  it('replaces bytes 42 and 43', () => {
    expect(bytesAfter((sqe) => setSqePersonality(sqe, 0xbeef))).toEqual(
      elevensBut({ 42: 0xef, 43: 0xbe }),
    );
  });

  it('gets along with a buffer group, in either order', () => {
    const expected = elevensBut({ 40: 2, 41: 0, 42: 1, 43: 0 });
    const setGroup = (sqe: Sqe): void => setSqeBufferGroup(sqe, 2);
    const setPersonality = (sqe: Sqe): void => setSqePersonality(sqe, 1);
    expect(bytesAfter(setGroup, setPersonality)).toEqual(expected);
    expect(bytesAfter(setPersonality, setGroup)).toEqual(expected);
  });
});

describe('setSqeFileIndex', () => {
  it('replaces bytes 44 to 47', () => {
    expect(bytesAfter((sqe) => setSqeFileIndex(sqe, 0xffffffff))).toEqual(
      elevensBut({ 44: 0xff, 45: 0xff, 46: 0xff, 47: 0xff }),
    );
  });
});

describe('highWord', () => {
  it("is the upper half in two's complement", () => {
    const values = [0, 1, 0xffffffff, 0x100000000, 0x7f0123456780, -1, -0x100000001];
    const expected = values.map((value) => Number(BigInt.asIntN(32, BigInt(value) >> 32n)));
    expect(values.map(highWord)).toEqual(expected);
  });
});

describe('replaceSqeBuffer', () => {
  it('writes address and length of the entry that is named, whatever the cursor is at', () => {
    const words = new Int32Array(32);
    replaceSqeBuffer(new Sqe(words, 0), 16, 0x1_2345_6789, 42);
    const written = [...words.entries()].filter(([, word]) => word !== 0);
    expect(written).toEqual([
      [20, 0x2345_6789],
      [21, 1],
      [22, 42],
    ]);
  });
});
