/**
 * The bounded queue of datagrams: order, what is dropped, aborts, ends.
 */

import { describe, expect, it } from 'vitest';
import { DatagramQueue } from '../../../src/io/udp/datagram-queue.ts';
import { rejectionOf } from '../../support/rejections.ts';

describe('DatagramQueue', () => {
  it('keeps the oldest, and counts what it drops', () => {
    const queue = new DatagramQueue<number>(2);
    for (const value of [1, 2, 3, 4]) queue.push(value);
    expect([queue.size, queue.dropped]).toEqual([2, 2]);
    expect([queue.take(), queue.take(), queue.take()]).toEqual([1, 2, undefined]);
  });

  it('drops nothing while somebody waits', async () => {
    const queue = new DatagramQueue<number>(1);
    const waiting = [queue.wait(undefined), queue.wait(undefined)];
    for (const value of [1, 2, 3]) queue.push(value);
    expect([await Promise.all(waiting), queue.size, queue.dropped]).toEqual([[1, 2], 1, 0]);
  });

  it('skips who gave up', async () => {
    const queue = new DatagramQueue<number>(1);
    const controller = new AbortController();
    const aborted = rejectionOf(queue.wait(controller.signal));
    const other = queue.wait(new AbortController().signal);
    controller.abort();
    queue.push(1);
    expect((await aborted).name).toBe('AbortError');
    expect(await other).toBe(1);
  });

  it('fails the first who waits, and ends all', async () => {
    const queue = new DatagramQueue<number>(1);
    expect(queue.fail(new Error('nobody'))).toBe(false);
    const failed = rejectionOf(queue.wait(new AbortController().signal));
    const ended = queue.wait(undefined);
    expect(queue.fail(new Error('refused'))).toBe(true);
    queue.end();
    expect([(await failed).message, await ended]).toEqual(['refused', null]);
  });
});
