/**
 * The structs of set-up and of waiting, byte for byte beside C.
 */

import { describe, expect, it } from 'vitest';
import { IORING_REG_WAIT_TS } from '../../../src/native/constants/io-uring.ts';
import {
  GETEVENTS_ARG_SIZE,
  readRingParams,
  REG_WAIT_SIZE,
  REG_WAIT_WORDS,
  RING_PARAMS_SIZE,
  TIMESPEC_SIZE,
  writeGeteventsArg,
  writeRegWait,
  writeRingParams,
  writeTimespec,
} from '../../../src/native/layout/ring-params.ts';
import { recordedHex, recordedStruct, written } from '../../support/recorded-structs.ts';

function writtenWords(size: number, write: (words: Int32Array, at: number) => void): string {
  return written(size, (buffer, offset) => write(new Int32Array(buffer), offset / 4));
}

describe('writeRingParams', () => {
  it('writes the whole struct', () => {
    const buffer = new Uint8Array(RING_PARAMS_SIZE + 8).fill(0xaa);
    writeRingParams(buffer.buffer, {
      sqEntries: 64,
      cqEntries: 4096,
      flags: 0x13358,
      sqThreadIdleMs: 2000,
      wqFd: 9,
      ringsAddress: 0x7f0000001000,
      entriesAddress: 0x7f0000002000,
    });
    expect(Buffer.from(buffer).toString('hex')).toBe(
      `${recordedHex('params_request')}aaaaaaaaaaaaaaaa`,
    );
  });
});

describe('readRingParams', () => {
  it('finds every field', () => {
    const bytes = recordedStruct('params_answer');
    expect(bytes).toHaveLength(RING_PARAMS_SIZE);
    expect(readRingParams(bytes.buffer as ArrayBuffer)).toEqual({
      sqEntries: 1,
      cqEntries: 2,
      flags: 0x80000003,
      features: 6,
      sqOff: {
        head: 11,
        tail: 12,
        ringMask: 13,
        ringEntries: 14,
        flags: 15,
        dropped: 16,
        array: 17,
      },
      cqOff: {
        head: 21,
        tail: 22,
        ringMask: 23,
        ringEntries: 24,
        overflow: 25,
        cqes: 26,
        flags: 27,
      },
    });
  });
});

describe('writeTimespec', () => {
  it('writes 64 bits each', () => {
    const write = (seconds: number, nanoseconds: number): string =>
      writtenWords(TIMESPEC_SIZE, (words, at) => writeTimespec(words, at, seconds, nanoseconds));
    expect(write(-1, 999_999_999)).toBe(recordedHex('timespec'));
    expect(write(0x123456789, 5)).toBe(recordedHex('timespec2'));
  });
});

describe('writeGeteventsArg', () => {
  it('writes the whole struct', () => {
    const arg = {
      sigmask: 0x7f0123456780,
      sigmaskSize: 8,
      minWaitMicros: 250,
      timespec: 0x7ffedcba9870,
    };
    expect(writtenWords(GETEVENTS_ARG_SIZE, (words, at) => writeGeteventsArg(words, at, arg))).toBe(
      recordedHex('getevents_arg'),
    );
  });
});

describe('writeRegWait', () => {
  it('writes the whole slot', () => {
    const wait = {
      seconds: 0x123456789,
      nanoseconds: 999_999_999,
      minWaitMicros: 250,
      flags: IORING_REG_WAIT_TS,
      sigmask: 0x7f0123456780,
      sigmaskSize: 8,
    };
    expect(REG_WAIT_WORDS * 4).toBe(REG_WAIT_SIZE);
    expect(writtenWords(REG_WAIT_SIZE, (words, at) => writeRegWait(words, at, wait))).toBe(
      recordedHex('reg_wait'),
    );
  });
});
