/**
 * Timers that are left to Node: they fire, never early, and can be taken back.
 */

import { describe, expect, it } from 'vitest';
import { Timer } from '../../src/runtime/timer-heap.ts';
import { clearSubstitute, substituteTimer } from '../../src/runtime/timer-substitute.ts';

describe('substituteTimer', () => {
  it('fires once, not early, and forgets itself', async () => {
    const startMs = performance.now();
    const timer = await new Promise<Timer>((resolve) => {
      substituteTimer(new Timer(0, resolve, null), 2.5);
    });
    // Node counts in whole milliseconds of a clock that it reads once a turn.
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(1.5);
    expect(timer.substitute).toBeNull();
  });

  it('keeps the process alive only where the timer did', () => {
    const timer = new Timer(0, () => {}, null);
    timer.isReferenced = false;
    substituteTimer(timer, 1000);
    expect(timer.substitute?.hasRef()).toBe(false);
    expect(clearSubstitute(timer)).toBe(true);
  });
});

describe('clearSubstitute', () => {
  it('takes a timer back, once', async () => {
    let fired = 0;
    const timer = new Timer(0, () => (fired += 1), null);
    substituteTimer(timer, 1);
    expect([clearSubstitute(timer), clearSubstitute(timer)]).toEqual([true, false]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(fired).toBe(0);
  });
});
