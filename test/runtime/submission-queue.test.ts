/**
 * The cursor over the entries and the tail that the kernel reads, on memory that a test lays out.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { IORING_SQ_CQ_OVERFLOW, IORING_SQ_TASKRUN } from '../../src/native/constants/io-uring.ts';
import type { Memory } from '../../src/native/memory.ts';
import { SubmissionQueue } from '../../src/runtime/submission-queue.ts';
import { SimMemory } from '../support/sim-memory.ts';

const OFFSETS = {
  head: 0,
  tail: 4,
  ringMask: 8,
  ringEntries: 12,
  flags: 16,
  dropped: 20,
  array: 0,
};
const [HEAD, TAIL, MASK, ENTRIES, FLAGS, DROPPED] = [0, 1, 2, 3, 4, 5];

let rings: Memory;
let entries: Memory;
let words: Int32Array;

/** Lays a queue of `count` entries out, with head and tail at `start`. */
function layOut(count: number, start = 0): void {
  const memory = new SimMemory(() => {});
  rings = memory.map(4096);
  entries = memory.map(count * 64);
  words = new Int32Array(rings.buffer);
  words[HEAD] = start;
  words[TAIL] = start;
  words[MASK] = count - 1;
  words[ENTRIES] = count;
}

function attached(array = 0): SubmissionQueue {
  const queue = new SubmissionQueue();
  queue.attach(rings, entries, { ...OFFSETS, array });
  return queue;
}

beforeEach(() => layOut(4));

describe('SubmissionQueue.attach', () => {
  it('reads the sizes and finds every slot free', () => {
    const queue = attached();
    expect([queue.entries, queue.space, queue.pending]).toEqual([4, 4, 0]);
  });

  it('finds entries that were filled before: those of the ring before a resize', () => {
    words[TAIL] = 3;
    const queue = attached();
    expect([queue.space, queue.pending]).toEqual([1, 3]);
  });

  it('names entry i in slot i where the kernel has an index array', () => {
    attached(256);
    expect([...words.subarray(64, 68)]).toEqual([0, 1, 2, 3]);
  });

  it('leaves the memory behind the header alone where it has none', () => {
    words.fill(-1, 6);
    attached();
    expect(words.subarray(6).every((word) => word === -1)).toBe(true);
  });
});

describe('SubmissionQueue.take', () => {
  it('points at one entry after the other and goes round', () => {
    const queue = attached();
    const bases: number[] = [];
    for (let i = 0; i < 6; i += 1) {
      bases.push(queue.take().base);
      queue.publish();
      words[HEAD] = words[TAIL] ?? 0;
      queue.refresh();
    }
    expect(bases).toEqual([0, 16, 32, 48, 0, 16]);
  });

  it('is not seen by the kernel before it is published', () => {
    const queue = attached();
    queue.take();
    queue.take();
    expect(words[TAIL]).toBe(0);
    expect(queue.publish()).toBe(2);
    expect(words[TAIL]).toBe(2);
  });

  it('takes space at once, and gives it back only when the kernel has come further', () => {
    const queue = attached();
    for (let left = 3; left >= 0; left -= 1) {
      queue.take();
      expect(queue.space).toBe(left);
    }
    queue.publish();
    words[HEAD] = 3;
    expect(queue.space).toBe(0);
    queue.refresh();
    expect(queue.space).toBe(3);
  });

  it('writes into the memory of the entries', () => {
    const { words: slot, base } = attached().take();
    slot[base + 15] = 77;
    expect(new Int32Array(entries.buffer)[15]).toBe(77);
  });
});

describe('SubmissionQueue, where indices wrap around 32 bits', () => {
  it('counts on', () => {
    layOut(4, 0x7ffffffe);
    const queue = attached();
    const bases = [0, 1, 2, 3].map(() => queue.take().base);
    expect(bases).toEqual([32, 48, 0, 16]);
    expect(queue.publish()).toBe(4);
    expect(words[TAIL]).toBe(-0x7ffffffe);
    expect([queue.pending, queue.space]).toEqual([4, 0]);
    words[HEAD] = -0x7ffffffe;
    queue.refresh();
    expect([queue.pending, queue.space]).toEqual([0, 4]);
  });
});

describe('SubmissionQueue, what the kernel tells', () => {
  it('sees an overflow of the completion queue', () => {
    const queue = attached();
    expect(queue.hasOverflow).toBe(false);
    words[FLAGS] = IORING_SQ_CQ_OVERFLOW;
    expect([queue.hasOverflow, queue.hasTaskWork]).toEqual([true, false]);
  });

  it('sees waiting task work', () => {
    const queue = attached();
    expect(queue.hasTaskWork).toBe(false);
    words[FLAGS] = IORING_SQ_TASKRUN;
    expect([queue.hasOverflow, queue.hasTaskWork]).toEqual([false, true]);
  });

  it('sees entries that were refused', () => {
    const queue = attached();
    words[DROPPED] = 2;
    expect(queue.dropped).toBe(2);
  });
});
