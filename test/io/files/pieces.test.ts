/**
 * Pieces of a large transfer: what was short or failed, and in which order, decides the outcome.
 */

import { describe, expect, it } from 'vitest';
import { inPieces, SPLIT_SIZE } from '../../../src/io/files/pieces.ts';
import { rejectionOf } from '../../support/rejections.ts';

interface Asked {
  readonly offset: number;
  readonly length: number;
  readonly settle: (count: number) => void;
  readonly fail: (error: Error) => void;
}

/** A transfer whose pieces the test settles, in the order that it likes. */
function manual(length: number, lanes: number, signal?: AbortSignal) {
  const asked: Asked[] = [];
  const transfer = (offset: number, size: number): Promise<number> =>
    new Promise((settle, fail) => {
      asked.push({ offset, length: size, settle, fail });
    });
  const outcome = inPieces({ length, lanes, signal, transfer });
  outcome.catch(() => {
    // Looked at by the test, once the pieces are settled.
  });
  return { asked, outcome };
}

/** Until whoever waits for a promise that has settled has gone on. */
async function afterPromises(): Promise<void> {
  await new Promise(setImmediate);
}

const HALF = SPLIT_SIZE / 2;

describe('inPieces', () => {
  it('covers all of it once, several at a time', async () => {
    const { asked, outcome } = manual(5 * SPLIT_SIZE + 7, 4);
    expect(asked.length).toBe(4);
    for (let index = 0; index < asked.length; index += 1) {
      asked[index]?.settle(asked[index]?.length ?? 0);
      await afterPromises();
    }
    expect(await outcome).toBe(5 * SPLIT_SIZE + 7);
    let end = 0;
    for (const { offset, length } of asked) {
      expect(offset).toBe(end);
      end += length;
    }
    expect(end).toBe(5 * SPLIT_SIZE + 7);
  });

  it('has one in flight where order matters', async () => {
    const { asked, outcome } = manual(3 * HALF, 1);
    for (let index = 0; index < 3; index += 1) {
      expect(asked.length).toBe(index + 1);
      asked[index]?.settle(HALF);
      await afterPromises();
    }
    expect(await outcome).toBe(3 * HALF);
  });

  it('ends at the first short piece, whichever was over first', async () => {
    const { asked, outcome } = manual(8 * SPLIT_SIZE, 4);
    asked[3]?.settle(0);
    await afterPromises();
    asked[2]?.settle(HALF);
    asked[1]?.settle(11);
    asked[0]?.settle(HALF);
    expect(await outcome).toBe(HALF + 11);
    expect(asked.length).toBeLessThan(8);
  });

  it('says how far it came when a later piece fails', async () => {
    const { asked, outcome } = manual(2 * SPLIT_SIZE, 4);
    asked[1]?.fail(new Error('bad sector'));
    asked[2]?.settle(HALF);
    asked[3]?.fail(new Error('another'));
    await afterPromises();
    asked[0]?.settle(HALF);
    expect(await outcome).toBe(HALF);
  });

  it('fails with the error of the first piece', async () => {
    const { asked, outcome } = manual(2 * SPLIT_SIZE, 4);
    asked[1]?.fail(new Error('second'));
    asked[0]?.fail(new Error('first'));
    asked[2]?.settle(0);
    asked[3]?.settle(0);
    expect(await rejectionOf(outcome)).toMatchObject({ message: 'first' });
  });

  it('fails when a piece was aborted, however far it came', async () => {
    const controller = new AbortController();
    const { asked, outcome } = manual(2 * SPLIT_SIZE, 4, controller.signal);
    asked[0]?.settle(HALF);
    await afterPromises();
    controller.abort(new Error('enough'));
    for (const { fail } of asked.slice(1)) fail(controller.signal.reason as Error);
    expect(await rejectionOf(outcome)).toMatchObject({ message: 'enough' });
  });

  it('waits for every piece that it began', async () => {
    const { asked, outcome } = manual(2 * SPLIT_SIZE, 4);
    let isOver = false;
    void outcome.catch(() => {
      isOver = true;
    });
    const last = asked.length - 1;
    for (const { fail } of asked.slice(0, last)) fail(new Error('no'));
    await afterPromises();
    expect(isOver).toBe(false);
    asked[last]?.fail(new Error('no'));
    expect(await rejectionOf(outcome)).toMatchObject({ message: 'no' });
  });
});
