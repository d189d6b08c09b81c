/**
 * Draining ticks and microtasks, and reporting what throws in them: from outside of any microtask,
 * as the scheduler does it.
 */

import { AsyncLocalStorage, executionAsyncId } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { drainMicrotasks, rethrow } from '../../src/runtime/drain.ts';
import { macrotask } from '../support/sim-loop.ts';
import { uncaughtErrors } from '../support/uncaught-errors.ts';

/** Queues a tick that throws. */
function throwInTick(message: string): void {
  process.nextTick(() => {
    throw new Error(message);
  });
}

describe('drainMicrotasks', () => {
  it('runs ticks first, then microtasks, and what these begin', async () => {
    const log: string[] = [];
    await macrotask(() => {
      void Promise.resolve().then(() => {
        log.push('microtask');
        process.nextTick(() => log.push('tick of the microtask'));
      });
      process.nextTick(() => {
        log.push('tick');
        process.nextTick(() => log.push('tick of the tick'));
      });
      drainMicrotasks();
      log.push('drained');
    });
    expect(log).toEqual([
      'tick',
      'tick of the tick',
      'microtask',
      'tick of the microtask',
      'drained',
    ]);
  });

  it('does nothing when nothing is queued', async () => {
    await macrotask(() => expect(drainMicrotasks()).toBeUndefined());
  });

  it('reports each error once, in order, and runs the rest', async () => {
    const log: string[] = [];
    const errors = await uncaughtErrors(() =>
      macrotask(() => {
        throwInTick('first');
        process.nextTick(() => log.push('between'));
        throwInTick('second');
        queueMicrotask(() => log.push('microtask'));
        drainMicrotasks();
        log.push('drained');
      }),
    );
    expect(log).toEqual(['between', 'microtask', 'drained']);
    expect(errors.map(String)).toEqual(['Error: first', 'Error: second']);
  });

  it('reports an error before it returns, not some time later', async () => {
    let isReported = false;
    const note = (): void => {
      isReported = true;
    };
    let wasReported = false;
    await uncaughtErrors(() =>
      macrotask(() => {
        process.on('uncaughtException', note);
        throwInTick('now');
        drainMicrotasks();
        wasReported = isReported;
        process.off('uncaughtException', note);
      }),
    );
    expect(wasReported).toBe(true);
  });

  it('leaves no asynchronous context of a tick that threw behind', async () => {
    const ids: number[] = [];
    await uncaughtErrors(() =>
      macrotask(() => {
        new AsyncLocalStorage<string>().run('context', () => throwInTick('inside'));
        drainMicrotasks();
        ids.push(executionAsyncId());
      }),
    );
    expect(ids).toEqual([0]);
  });
});

describe('rethrow', () => {
  it.each([new Error('an error'), 'a string', undefined, null, 0])(
    'makes an uncaughtException of %s',
    async (thrown) => {
      const errors = await uncaughtErrors(() =>
        macrotask(() => {
          rethrow(thrown);
          drainMicrotasks();
        }),
      );
      expect(errors).toEqual([thrown]);
    },
  );
});
