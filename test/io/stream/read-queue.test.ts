/**
 * The queue between a connection and its readers: order, the two kinds of takers, aborts, ends.
 */

import { describe, expect, it } from 'vitest';
import { ReadQueue } from '../../../src/io/stream/read-queue.ts';
import { Lease } from '../../../src/runtime/lease.ts';
import { rejectionOf } from '../../support/rejections.ts';

/** A lease of somebody's, and how often it came back. */
function lent(text: string): { lease: Lease; returned: number[] } {
  const returned: number[] = [];
  const lender = { takeBack: (id: number) => void returned.push(id) };
  return { lease: new Lease(Buffer.from(text), lender, 7), returned };
}

describe('ReadQueue', () => {
  it('hands pieces to those who wait, in order, then keeps them', async () => {
    const queue = new ReadQueue();
    const waiting = [queue.wait<Buffer>(false, undefined), queue.wait<Buffer>(false, undefined)];
    expect(queue.isAwaited).toBe(true);
    for (const text of ['a', 'b', 'cd']) queue.push(Buffer.from(text));
    expect((await Promise.all(waiting)).map(String)).toEqual(['a', 'b']);
    expect([queue.bytes, queue.isAwaited]).toEqual([2, false]);
    expect([String(queue.take()), queue.take(), queue.bytes]).toEqual(['cd', undefined, 0]);
  });

  it('gives each taker the kind that it asked for', async () => {
    const queue = new ReadQueue();
    const asBytes = queue.wait<Buffer>(false, undefined);
    const asLease = queue.wait<Lease>(true, undefined);
    const first = lent('one');
    queue.push(first.lease);
    queue.push(Buffer.from('two'));
    expect(String(await asBytes)).toBe('one');
    expect(first.returned).toEqual([7]);
    const copy = await asLease;
    expect([String(copy.bytes), copy.isZeroCopy]).toEqual(['two', false]);
    const third = lent('three');
    queue.push(third.lease);
    expect(queue.takeLease()).toBe(third.lease);
    expect(third.returned).toEqual([]);
  });

  it('takes an aborted waiter out of the line', async () => {
    const queue = new ReadQueue();
    const controller = new AbortController();
    const aborted = rejectionOf(queue.wait(false, controller.signal));
    const next = queue.wait<Buffer>(false, new AbortController().signal);
    controller.abort(new Error('enough'));
    queue.push(Buffer.from('x'));
    expect((await aborted).message).toBe('enough');
    expect(String(await next)).toBe('x');
  });

  it('serves many rounds of one and of several who wait', async () => {
    const queue = new ReadQueue();
    for (let round = 0; round < 5; round += 1) {
      const alone = queue.wait<Buffer>(false, undefined);
      queue.push(Buffer.from(`${round}`));
      const both = [queue.wait<Buffer>(false, undefined), queue.wait<Lease>(true, undefined)];
      queue.push(Buffer.from('x'));
      queue.push(lent('y').lease);
      const [chunk, lease] = (await Promise.all(both)) as [Buffer, Lease];
      expect([String(await alone), String(chunk), String(lease.bytes)]).toEqual([
        `${round}`,
        'x',
        'y',
      ]);
      expect(queue.isAwaited).toBe(false);
    }
  });

  it('keeps those behind in line when the first or one between is aborted', async () => {
    const queue = new ReadQueue();
    const [first, between] = [new AbortController(), new AbortController()];
    const gone = [rejectionOf(queue.wait(false, first.signal))];
    const second = queue.wait<Buffer>(false, undefined);
    gone.push(rejectionOf(queue.wait(false, between.signal)));
    const last = queue.wait<Buffer>(false, undefined);
    between.abort(new Error('between'));
    first.abort(new Error('first'));
    queue.push(Buffer.from('2'));
    queue.push(Buffer.from('4'));
    expect((await Promise.all(gone)).map(({ message }) => message)).toEqual(['first', 'between']);
    expect([String(await second), String(await last)]).toEqual(['2', '4']);
  });

  it('ends and fails everybody who waits', async () => {
    const queue = new ReadQueue();
    const ended = [queue.wait(false, undefined), queue.wait(true, undefined)];
    queue.end();
    expect(await Promise.all(ended)).toEqual([null, null]);
    const failed = rejectionOf(queue.wait(true, undefined));
    queue.fail(new Error('gone'));
    expect((await failed).message).toBe('gone');
  });

  it('gives leases back that nobody has taken, and keeps their bytes', () => {
    const queue = new ReadQueue();
    const { lease, returned } = lent('kept');
    queue.push(lease);
    queue.settleLeases();
    expect([returned, lease.isReleased]).toEqual([[7], true]);
    expect([queue.bytes, String(queue.take())]).toEqual([4, 'kept']);
  });
});
