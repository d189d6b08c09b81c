/**
 * The quiet watch: when it wants its timer, and what becomes of a resize that loses the ring.
 */

import { describe, expect, it } from 'vitest';
import type { Pressure } from '../../src/runtime/pressure.ts';
import { QuietWatch } from '../../src/runtime/quiet-watch.ts';

function watch(pressure: { isGrown?: boolean; relieve?: () => void; settle?: () => void }) {
  const lost: unknown[] = [];
  const quiet = { quietMs: 50, isGrown: false, relieve() {}, settle() {}, ...pressure };
  const made = new QuietWatch(quiet as unknown as Pressure, (error) => lost.push(error));
  return { made, lost };
}

describe('QuietWatch', () => {
  it('wants its timer while the queue is grown and the timer is not set', () => {
    expect(watch({ isGrown: false }).made.isWanted).toBe(false);
    const { made } = watch({ isGrown: true });
    expect(made.isWanted).toBe(true);
    made.timer.index = 0;
    expect(made.isWanted).toBe(false);
  });

  it('gives its timer a deadline, and keeps nothing alive', () => {
    const { made } = watch({ isGrown: true });
    expect(made.arm(7).deadlineMs).toBe(57);
    expect(made.timer.isReferenced).toBe(false);
  });

  it('settles when its timer fires', () => {
    let settled = 0;
    const { made, lost } = watch({ settle: () => (settled += 1) });
    made.timer.fire(made.timer);
    expect([settled, lost]).toEqual([1, []]);
  });

  it('reports a ring that was lost by growing or by shrinking', () => {
    const failure = new Error('lost');
    const lose = (): never => {
      throw failure;
    };
    const { made, lost } = watch({ relieve: lose, settle: lose });
    made.relieve();
    made.timer.fire(made.timer);
    expect(lost).toEqual([failure, failure]);
  });
});
