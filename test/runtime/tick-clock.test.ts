/**
 * The clock of a batch, with the runner that begins and ends batches.
 */

import { beforeEach, expect, it } from 'vitest';
import { BatchRunner } from '../../src/runtime/batch-runner.ts';
import { CompletionQueue, CQE_WORDS } from '../../src/runtime/completion-queue.ts';
import { Metrics } from '../../src/runtime/metrics.ts';
import { OperationTable } from '../../src/runtime/operation-table.ts';
import { tickClock } from '../../src/runtime/tick-clock.ts';
import { uncaughtErrors } from '../support/uncaught-errors.ts';

const table = new OperationTable();
const queue = new CompletionQueue();
let runner: BatchRunner;

beforeEach(() => {
  runner = new BatchRunner(table, queue, new Metrics());
});

/** Has a callback run with the next batch. */
function inBatch(callback: () => void): void {
  const { index, generation } = table.acquire(callback, 'nop');
  queue.batch.set([index, generation, 0, 0], queue.count * CQE_WORDS);
  queue.count += 1;
}

/** Long enough for any clock. */
function passTime(): void {
  const fromMs = performance.now();
  while (performance.now() < fromMs + 2);
}

/** Whether the clock shows the time of now. */
function isRight(): boolean {
  const beforeMs = performance.now();
  const { nowMs } = tickClock;
  return nowMs >= beforeMs && nowMs <= performance.now();
}

it('is right outside of batches', () => {
  expect(isRight()).toBe(true);
  passTime();
  expect(isRight()).toBe(true);
});

it('is read once for all callbacks of a batch, and for the next one again', () => {
  const seenMs: number[] = [];
  const look = (): void => {
    passTime();
    seenMs.push(tickClock.nowMs);
  };
  const beforeMs = performance.now();
  for (let batch = 0; batch < 2; batch += 1) {
    inBatch(look);
    inBatch(look);
    runner.run();
  }
  const [first = 0, second, third = 0, fourth] = seenMs;
  expect([first, third]).toEqual([second, fourth]);
  expect(first).toBeGreaterThan(beforeMs);
  expect(third).toBeGreaterThan(first);
  expect(isRight()).toBe(true);
});

it('is right again after a batch in which one threw, or ran the rest itself', async () => {
  inBatch(() => {
    passTime();
    void tickClock.nowMs;
    throw new Error('mine');
  });
  const errors = await uncaughtErrors(() => {
    runner.run();
    expect(isRight()).toBe(true);
  });
  expect(errors).toEqual([new Error('mine')]);

  const seen: boolean[] = [];
  inBatch(() => {
    runner.run();
    passTime();
    seen.push(isRight());
  });
  inBatch(() => void tickClock.nowMs);
  runner.run();
  expect([seen, queue.count, isRight()]).toEqual([[true], 0, true]);
});
