/**
 * The shared memory of a channel: nothing overlaps, and a descriptor is taken once.
 */

import { describe, expect, it } from 'vitest';
import {
  BLOCKED,
  bellId,
  frameSize,
  HEAD,
  isMarkedClosed,
  makeChannelMemory,
  markClosed,
  publishBell,
  queueOf,
  SLEEPING,
  TAIL,
  takeBell,
  takeDescriptor,
} from '../../../src/io/channel/layout.ts';

describe('channel memory', () => {
  const memory = makeChannelMemory(4096);
  const queues = [queueOf(memory, 0), queueOf(memory, 1)] as const;

  it('has two queues that do not overlap', () => {
    for (const { bytes, capacity } of queues) {
      expect([bytes.length, capacity, bytes.byteOffset % 64]).toEqual([4096, 4096, 0]);
    }
    expect(queues[0].bytes.byteOffset + 4096).toBe(queues[1].bytes.byteOffset);
    expect(queues[1].bytes.byteOffset + 4096).toBe(memory.byteLength);
  });

  it('has a cache line for each word that is written by turns', () => {
    const words = queues.flatMap(({ control }) =>
      [TAIL, HEAD, SLEEPING, BLOCKED].map((word) => control + word),
    );
    const lines = words.map((word) => Math.floor(word / 16));
    expect(new Set(lines).size).toBe(8);
    // The two sides come first.
    expect(Math.min(...lines)).toBeGreaterThanOrEqual(4);
    expect(Math.max(...words)).toBeLessThan(queues[0].words.length);
  });

  it('gives a descriptor to one who takes it', () => {
    const { words } = queues[0];
    expect([takeBell(words, 0), takeBell(words, 1)]).toEqual([-1, -1]);
    publishBell(words, 1, 12, 34);
    expect(takeBell(words, 0)).toBe(-1);
    expect([takeBell(words, 1), takeBell(words, 1), bellId(words, 1)]).toEqual([12, -1, 34]);
    const place = new Int32Array([5]);
    expect([takeDescriptor(place, 0), takeDescriptor(place, 0)]).toEqual([5, -1]);
  });

  it('says which side is closed', () => {
    const { words } = queues[0];
    markClosed(words, 1);
    expect([isMarkedClosed(words, 0), isMarkedClosed(words, 1)]).toEqual([false, true]);
  });

  it('rounds frames to eight bytes', () => {
    expect([0, 1, 8, 9].map(frameSize)).toEqual([8, 16, 16, 24]);
  });
});
