/**
 * A ring of provided buffers, byte for byte beside C; slot 0 shares its memory with the tail.
 */

import { describe, expect, it } from 'vitest';
import {
  BUF_RING_TAIL_HALFWORD,
  BUF_SIZE,
  BUF_WORDS,
  publishBufTail,
  writeBufSlot,
} from '../../../src/native/layout/buffer-ring.ts';
import { recordedHex, recordedStruct } from '../../support/recorded-structs.ts';

describe('writeBufSlot, publishBufTail', () => {
  it('write the ring that C writes, in whatever order', () => {
    const expected = recordedHex('buf_ring');
    for (const tailFirst of [true, false]) {
      const bytes = new Uint8Array(4 * BUF_SIZE);
      const words = new Int32Array(bytes.buffer);
      const halves = new Uint16Array(bytes.buffer);
      if (tailFirst) publishBufTail(halves, 0xabcd);
      writeBufSlot(words, halves, 2, 0x7ffedcba9870, 65536, 3);
      writeBufSlot(words, halves, 0, 0x7f0123456780, 2048, 0xfffe);
      if (!tailFirst) publishBufTail(halves, 0xabcd);
      expect(Buffer.from(bytes).toString('hex')).toBe(expected);
    }
  });

  it('replaces all of a slot but the reserved half word', () => {
    const bytes = new Uint8Array(2 * BUF_SIZE).fill(0xff);
    const halves = new Uint16Array(bytes.buffer);
    writeBufSlot(new Int32Array(bytes.buffer), halves, 1, 0, 0, 0);
    expect([...bytes.subarray(BUF_SIZE)]).toEqual([...Array<number>(14).fill(0), 0xff, 0xff]);
    expect([...bytes.subarray(0, BUF_SIZE)]).toEqual(Array<number>(BUF_SIZE).fill(0xff));
  });
});

describe('publishBufTail', () => {
  it('wraps at 16 bits', () => {
    const halves = new Uint16Array(recordedStruct('buf_ring').buffer);
    publishBufTail(halves, 0x10002);
    expect(halves[BUF_RING_TAIL_HALFWORD]).toBe(2);
  });
});

describe('BUF_WORDS', () => {
  it('is the slot in words', () => {
    expect(BUF_WORDS * 4).toBe(BUF_SIZE);
  });
});
