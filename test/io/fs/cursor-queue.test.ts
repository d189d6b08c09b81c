/**
 * Turns at the current position: in order, one at a time, and not lost by one that fails.
 */

import { describe, expect, it } from 'vitest';
import { CursorQueue } from '../../../src/io/fs/cursor-queue.ts';
import { Operation } from '../../../src/runtime/operation.ts';
import { rejectionOf } from '../../support/rejections.ts';

describe('CursorQueue', () => {
  it('begins one after the other', async () => {
    const queue = new CursorQueue();
    const begun: Operation[] = [];
    const begin = (operation: Operation) => (): Promise<Operation> => {
      begun.push(operation);
      queue.begin(operation);
      return Promise.resolve(operation);
    };
    const [first, second, third] = [new Operation(1), new Operation(2), new Operation(3)];
    expect(queue.isBusy).toBe(false);
    await begin(first)();
    expect(queue.isBusy).toBe(true);
    const waiting = [queue.wait(begin(second)), queue.wait(begin(third))];
    expect(begun).toEqual([first]);
    queue.end(first);
    expect(begun).toEqual([first, second]);
    // The end of one that was not at the current position is nobody's turn.
    queue.end(first);
    expect(begun).toEqual([first, second]);
    queue.end(second);
    queue.end(third);
    expect(await Promise.all(waiting)).toEqual([second, third]);
    expect(queue.isBusy).toBe(false);
  });

  it('goes on behind one that cannot begin', async () => {
    const queue = new CursorQueue();
    const [first, last] = [new Operation(1), new Operation(2)];
    const failure = new Error('cannot begin');
    queue.begin(first);
    const failing = queue.wait(() => {
      throw failure;
    });
    const behind = queue.wait(() => {
      queue.begin(last);
      return Promise.resolve('begun');
    });
    queue.end(first);
    expect(await rejectionOf(failing)).toBe(failure);
    expect(await behind).toBe('begun');
  });
});
