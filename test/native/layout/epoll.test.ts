/**
 * `struct epoll_event` beside C: packed on x86-64, with a hole elsewhere.
 */

import { describe, expect, it } from 'vitest';
import { EPOLLET, EPOLLIN } from '../../../src/native/constants/poll.ts';
import {
  EPOLL_EVENT_SIZE,
  readEpollEvent,
  writeEpollEvent,
} from '../../../src/native/layout/epoll.ts';
import { recordedHex, written } from '../../support/recorded-structs.ts';

// The recorded array holds an event of zeros, then this one. Unpacked it is as <linux/eventpoll.h>
// says for all others: 64-bit data on its natural boundary.
const PACKED = recordedHex('epoll_event').slice(24);
const UNPACKED = '01000080000000008877665544332211';
const expected = process.arch === 'x64' ? PACKED : UNPACKED;
const event = { events: EPOLLIN | EPOLLET, dataLow: 0x55667788, dataHigh: 0x11223344 };

describe('writeEpollEvent', () => {
  it('writes the whole struct', () => {
    expect(
      written(EPOLL_EVENT_SIZE, (buffer, offset) =>
        writeEpollEvent(new Int32Array(buffer), offset / 4, event),
      ),
    ).toBe(expected);
  });
});

describe('readEpollEvent', () => {
  it('finds the events, unsigned, and both halves', () => {
    const words = new Int32Array(Uint8Array.from(Buffer.from(`00000000${expected}`, 'hex')).buffer);
    expect(readEpollEvent(words, 1)).toEqual({ ...event, events: 0x80000001 });
  });
});
