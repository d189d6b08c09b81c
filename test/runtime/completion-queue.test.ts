/**
 * Collecting what the kernel posted, on memory that a test lays out.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import type { Memory } from '../../src/native/memory.ts';
import { CompletionQueue, CQE_WORDS } from '../../src/runtime/completion-queue.ts';
import { SimMemory } from '../support/sim-memory.ts';

const OFFSETS = { head: 0, tail: 4, ringMask: 8, ringEntries: 12, overflow: 16, cqes: 64 };
const [HEAD, TAIL, MASK, ENTRIES, OVERFLOW] = [0, 1, 2, 3, 4];

let rings: Memory;
let words: Int32Array;

function layOut(count: number, start = 0): CompletionQueue {
  rings = new SimMemory(() => {}).map(64 + count * 16);
  words = new Int32Array(rings.buffer);
  words[HEAD] = start;
  words[TAIL] = start;
  words[MASK] = count - 1;
  words[ENTRIES] = count;
  const queue = new CompletionQueue();
  queue.attach(rings, OFFSETS);
  return queue;
}

/** Posts a completion as the kernel does. */
function post(...completion: [low: number, high: number, result: number, flags: number]): void {
  const tail = words[TAIL] ?? 0;
  words.set(completion, 16 + (tail & (words[MASK] ?? 0)) * CQE_WORDS);
  words[TAIL] = (tail + 1) | 0;
}

function results(queue: CompletionQueue): number[] {
  return Array.from({ length: queue.count }, (_, i) => queue.batch[i * CQE_WORDS + 2] ?? NaN);
}

let queue: CompletionQueue;

beforeEach(() => {
  queue = layOut(4);
});

describe('CompletionQueue.collect', () => {
  it('finds nothing in an empty queue', () => {
    expect([queue.entries, queue.ready, queue.collect(), queue.count]).toEqual([4, 0, 0, 0]);
  });

  it('copies every word of a completion', () => {
    post(0x11111111, -2, -125, 0x22222222);
    expect(queue.collect()).toBe(1);
    expect([...queue.batch.subarray(0, 4)]).toEqual([0x11111111, -2, -125, 0x22222222]);
  });

  it('frees the slots at once, before anything is run', () => {
    for (let i = 0; i < 4; i += 1) post(0, 0, i, 0);
    expect(queue.ready).toBe(4);
    queue.collect();
    expect([queue.ready, words[HEAD], words[TAIL]]).toEqual([0, 4, 4]);
  });

  it('keeps the order over several collections and around the end of the ring', () => {
    for (let i = 0; i < 9; i += 3) {
      for (let j = i; j < i + 3; j += 1) post(0, 0, j, 0);
      expect(queue.collect()).toBe(3);
    }
    expect(results(queue)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('does not touch what was collected when the kernel writes into the slots again', () => {
    post(0, 0, 1, 0);
    queue.collect();
    for (let i = 0; i < 4; i += 1) post(0, 0, 9, 0);
    expect(results(queue)).toEqual([1]);
  });

  it('collects a burst that is larger than any batch before it', () => {
    queue = layOut(1024);
    for (let i = 0; i < 1000; i += 1) post(0, 0, i, 0);
    queue.collect();
    for (let i = 1000; i < 2000; i += 1) post(0, 0, i, 0);
    queue.collect();
    expect(results(queue)).toEqual(Array.from({ length: 2000 }, (_, i) => i));
  });

  it('counts on where indices wrap around 32 bits', () => {
    queue = layOut(4, 0x7ffffffe);
    for (let i = 0; i < 4; i += 1) post(0, 0, i, 0);
    expect([queue.ready, queue.collect()]).toEqual([4, 4]);
    expect(results(queue)).toEqual([0, 1, 2, 3]);
    expect(words[HEAD]).toBe(-0x7ffffffe);
  });
});

describe('CompletionQueue.attach', () => {
  it('goes on where the ring before a resize stopped', () => {
    const [before, wordsBefore] = [queue, words];
    for (let i = 0; i < 3; i += 1) post(0, 0, i, 0);
    before.collect();
    layOut(8, 3);
    before.attach(rings, OFFSETS);
    post(0, 0, 3, 0);
    expect([before.entries, before.ready]).toEqual([8, 1]);
    before.collect();
    expect(results(before)).toEqual([0, 1, 2, 3]);
    expect(wordsBefore[HEAD]).toBe(3);
  });

  it('finds what was posted and not collected', () => {
    layOut(4, 7);
    post(0, 0, 5, 0);
    const fresh = new CompletionQueue();
    fresh.attach(rings, OFFSETS);
    expect([fresh.ready, fresh.collect()]).toEqual([1, 1]);
    expect(results(fresh)).toEqual([5]);
  });
});

describe('CompletionQueue.lost', () => {
  it('reads the counter of what could not even overflow', () => {
    expect(queue.lost).toBe(0);
    words[OVERFLOW] = 3;
    expect(queue.lost).toBe(3);
  });
});
