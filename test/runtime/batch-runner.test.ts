/**
 * Running a batch of completions that is laid out by hand: what each finds, and what is left when a
 * callback throws, collects more, or ends everything.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { IORING_CQE_F_MORE } from '../../src/native/constants/io-uring.ts';
import { BatchRunner } from '../../src/runtime/batch-runner.ts';
import { CompletionQueue, CQE_WORDS } from '../../src/runtime/completion-queue.ts';
import { Metrics } from '../../src/runtime/metrics.ts';
import { ignoreCompletion } from '../../src/runtime/operation.ts';
import type { Complete, Operation } from '../../src/runtime/operation.ts';
import { MESSAGE_INDEX, OperationTable } from '../../src/runtime/operation-table.ts';
import { SimKernel } from '../support/sim-kernel.ts';
import { macrotask } from '../support/sim-loop.ts';
import { uncaughtErrors } from '../support/uncaught-errors.ts';

let table: OperationTable;
let queue: CompletionQueue;
let metrics: Metrics;
let runner: BatchRunner;

beforeEach(() => {
  table = new OperationTable();
  queue = new CompletionQueue();
  metrics = new Metrics();
  runner = new BatchRunner(table, queue, metrics);
});

function begin(complete: Complete = ignoreCompletion): Operation {
  return table.acquire(complete, 'nop');
}

/** Puts a completion into the batch. */
function collect(index: number, generation: number, result = 0, flags = 0): void {
  queue.batch.set([index, generation, result, flags], queue.count * CQE_WORDS);
  queue.count += 1;
}

function finish({ index, generation }: Operation, result = 0, flags = 0): void {
  collect(index, generation, result, flags);
}

describe('BatchRunner.run', () => {
  it('runs each, releases what is over, and empties the batch', () => {
    const seen: unknown[] = [];
    const first = begin((...args) => seen.push(args));
    const second = begin((...args) => seen.push(args));
    finish(second, 2, 4);
    finish(first, -1);
    runner.run();
    expect(seen).toEqual([
      [2, 4, second],
      [-1, 0, first],
    ]);
    expect([queue.count, table.inFlight, metrics.completions]).toEqual([0, 0, 2]);
  });

  it('tells of messages from other rings, and takes them for nothing else', async () => {
    const heard: number[] = [];
    const calls: number[] = [];
    table.onMessage = (id) => {
      heard.push(id);
      if (id === 1) throw new Error('first');
    };
    const operation = begin((result) => calls.push(result));
    const { generation } = operation;
    collect(MESSAGE_INDEX, 1);
    collect(MESSAGE_INDEX, generation, 5);
    finish(operation, 6);
    const errors = await uncaughtErrors(() => macrotask(() => runner.run()));
    expect(errors.map(String)).toEqual(['Error: first']);
    expect([heard, calls]).toEqual([[1, generation], [6]]);
    expect([metrics.messages, metrics.lateCompletions]).toEqual([2, 0]);
  });

  it('keeps what has more to come', () => {
    const results: number[] = [];
    const operation = begin((result) => results.push(result));
    finish(operation, 1, IORING_CQE_F_MORE);
    runner.run();
    expect([operation.isInFlight, results]).toEqual([true, [1]]);
    finish(operation, 2);
    runner.run();
    expect([operation.isInFlight, results]).toEqual([false, [1, 2]]);
  });

  it('drops what belongs to nobody, and what comes after the last one', () => {
    let calls = 0;
    const operation = begin(() => (calls += 1));
    finish(operation);
    finish(operation);
    collect(99, 0);
    runner.run();
    expect([calls, metrics.lateCompletions, metrics.completions]).toEqual([1, 2, 3]);
  });

  it('leaves what a callback collects to the next run', () => {
    const log: string[] = [];
    const late = begin(() => log.push('late'));
    const early = begin(() => {
      log.push('early');
      finish(late);
    });
    const next = begin(() => log.push('next'));
    finish(early);
    finish(next);
    runner.run();
    expect(log).toEqual(['early', 'next']);
    expect([queue.count, table.inFlight]).toEqual([1, 1]);
    runner.run();
    expect(log).toEqual(['early', 'next', 'late']);
    expect([queue.count, table.inFlight]).toEqual([0, 0]);
  });

  it('runs the rest from within a callback, each once', () => {
    const log: string[] = [];
    const outer = begin(() => {
      log.push('outer');
      runner.run();
      log.push('outer again');
    });
    const inner = begin(() => log.push('inner'));
    finish(outer);
    finish(inner);
    runner.run();
    expect(log).toEqual(['outer', 'inner', 'outer again']);
    expect([queue.count, table.inFlight, metrics.completions]).toEqual([0, 0, 2]);
  });

  it('goes on when a callback throws, and releases its record', async () => {
    const log: string[] = [];
    finish(
      begin(() => {
        throw new Error('thrown');
      }),
    );
    finish(begin(() => log.push('second')));
    const errors = await uncaughtErrors(() => macrotask(() => runner.run()));
    expect([log, errors.map(String)]).toEqual([['second'], ['Error: thrown']]);
    expect(table.inFlight).toBe(0);
  });

  it('drains only where it may', async () => {
    const log: string[] = [];
    for (const drains of [false, true]) {
      runner.drains = drains;
      const operation = begin(() => process.nextTick(() => log.push(`tick ${drains}`)));
      operation.runsUserCode = true;
      finish(operation);
      await macrotask(() => {
        runner.run();
        log.push(`ran ${drains}`);
      });
    }
    expect(log).toEqual(['ran false', 'tick false', 'tick true', 'ran true']);
  });
});

describe('BatchRunner.nextBatch', () => {
  it('resolves with the next batch, for everybody who waits', async () => {
    let count = 0;
    const waiting = [1, 2].map(() => runner.nextBatch().then(() => (count += 1)));
    runner.run();
    await macrotask(() => {});
    expect(count).toBe(0);
    finish(begin());
    runner.run();
    await Promise.all(waiting);
    expect(count).toBe(2);
  });

  it('resolves when it is told to', async () => {
    const waiting = runner.nextBatch();
    runner.tell();
    expect(await waiting).toBeUndefined();
  });
});

describe('BatchRunner.isLast', () => {
  it('does not count the operation whose completion asks', () => {
    const seen: boolean[] = [];
    const other = begin();
    const ask = (): void => {
      seen.push(runner.isLast);
    };
    finish(begin(ask));
    runner.run();
    table.release(other);
    finish(begin(ask));
    runner.run();
    expect(seen).toEqual([false, true]);
    expect(runner.isLast).toBe(true);
  });

  it('counts one that has more to come', () => {
    const seen: boolean[] = [];
    const operation = begin(() => seen.push(runner.isLast));
    finish(operation, 0, IORING_CQE_F_MORE);
    runner.run();
    expect(seen).toEqual([false]);
  });
});

describe('BatchRunner.drop', () => {
  it('releases without calling anybody, and closes what was made', () => {
    const kernel = new SimKernel();
    const fd = kernel.openDescriptor();
    let calls = 0;
    const accept = begin(() => (calls += 1));
    accept.makesDescriptor = true;
    const failed = begin(() => (calls += 1));
    failed.makesDescriptor = true;
    finish(accept, fd);
    finish(failed, -125);
    finish(
      begin(() => (calls += 1)),
      7,
    );
    collect(99, 0, 5);
    runner.drop(kernel);
    expect([calls, table.inFlight, queue.count]).toEqual([0, 0, 0]);
    expect([kernel.isOpen(fd), kernel.openDescriptors]).toEqual([false, 0]);
  });

  it('keeps one that has more to come, and closes what it made so far', () => {
    const kernel = new SimKernel();
    const fds = [kernel.openDescriptor(), kernel.openDescriptor()];
    const accept = begin();
    accept.makesDescriptor = true;
    for (const fd of fds) finish(accept, fd, IORING_CQE_F_MORE);
    runner.drop(kernel);
    expect([accept.isInFlight, kernel.openDescriptors]).toEqual([true, 0]);
  });

  it('drops only the rest from within a completion', () => {
    const kernel = new SimKernel();
    const log: string[] = [];
    finish(
      begin(() => {
        log.push('exit');
        runner.drop(kernel);
        log.push(String(runner.isLast));
      }),
    );
    finish(begin(() => log.push('never')));
    runner.run();
    expect(log).toEqual(['exit', 'true']);
    expect([queue.count, table.inFlight]).toEqual([0, 0]);
  });
});
