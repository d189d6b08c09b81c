/**
 * Which large reads the loop copies itself: one at a time, of bounded size, and none that would
 * delay something else.
 */

import { describe, expect, it } from 'vitest';
import { COPY_SIZE_MIN, CopyShare, LOOP_COPY_SIZE_MAX } from '../../../src/io/files/copy-share.ts';
import type { Engine } from '../../../src/runtime/index.ts';

/** A share of an engine that says how much is in flight. */
function given() {
  const scheduler = { inFlight: 0 };
  const share = CopyShare.of({ scheduler } as unknown as Engine);
  const begin = (length = COPY_SIZE_MIN, position = 0) => {
    let end = (): void => {};
    const isLoops = share.take(length, position);
    const promise = new Promise<void>((resolve) => {
      end = resolve;
    });
    share.until(promise, isLoops);
    scheduler.inFlight += 1;
    return {
      isLoops,
      end: async () => {
        scheduler.inFlight -= 1;
        end();
        await promise;
      },
    };
  };
  return { begin, scheduler, share };
}

describe('CopyShare', () => {
  it('is one for all files of an engine', () => {
    const engine = { scheduler: { inFlight: 0 } } as unknown as Engine;
    expect(CopyShare.of(engine)).toBe(CopyShare.of(engine));
  });

  it('has the loop copy one piece at a time', async () => {
    const { begin } = given();
    const first = begin();
    expect([first.isLoops, begin().isLoops, begin().isLoops]).toEqual([true, false, false]);
    await first.end();
    const next = begin();
    expect([next.isLoops, begin().isLoops]).toEqual([true, false]);
  });

  it('leaves all to the workers while anything else is in flight', async () => {
    const { begin, scheduler } = given();
    scheduler.inFlight = 1;
    const first = begin();
    expect(first.isLoops).toBe(false);
    scheduler.inFlight -= 1;
    expect(begin().isLoops).toBe(true);
    await first.end();
    expect(begin().isLoops).toBe(false);
  });

  it('leaves all to the workers during a large transfer, however that ends', async () => {
    const { begin, share } = given();
    let end = (): void => {};
    const large = share.whileLarge(
      () =>
        new Promise<never>((_resolve, reject) => {
          end = () => reject(new Error('bad sector'));
        }),
    );
    const piece = begin();
    expect(piece.isLoops).toBe(false);
    await piece.end();
    end();
    await expect(large).rejects.toThrow('bad sector');
    expect(begin().isLoops).toBe(true);
  });

  it('counts a piece that fails as one that is over', async () => {
    const { scheduler, share } = given();
    for (let round = 0; round < 3; round += 1) {
      expect(share.take(COPY_SIZE_MIN, 0)).toBe(true);
      share.until(Promise.reject(new Error('bad sector')), true);
      scheduler.inFlight = 0;
      await Promise.resolve();
    }
  });

  it('does not copy much at once, nor what may have to be waited for', () => {
    expect(given().begin(LOOP_COPY_SIZE_MAX).isLoops).toBe(true);
    expect(given().begin(LOOP_COPY_SIZE_MAX + 1).isLoops).toBe(false);
    expect(given().begin(COPY_SIZE_MIN, -1).isLoops).toBe(false);
  });
});
