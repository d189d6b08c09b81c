/**
 * The timer of `socket.setTimeout`, on a clock that the test moves.
 */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IdleTimer } from '../../../src/io/net/idle-timer.ts';

describe('IdleTimer', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('fires once when nothing has moved for so long', () => {
    let fired = 0;
    const timer = new IdleTimer(() => (fired += 1));
    timer.touch();
    timer.set(100);
    vi.advanceTimersByTime(99);
    timer.touch();
    vi.advanceTimersByTime(99);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(fired).toBe(1);
    timer.touch();
    vi.advanceTimersByTime(100);
    expect(fired).toBe(2);
  });

  it('begins again when it is set, and stops when it is cleared', () => {
    let fired = 0;
    const timer = new IdleTimer(() => (fired += 1));
    timer.set(100);
    timer.set(10);
    vi.advanceTimersByTime(10);
    expect(fired).toBe(1);
    timer.set(10);
    timer.clear();
    timer.touch();
    vi.advanceTimersByTime(1000);
    expect([fired, vi.getTimerCount()]).toEqual([1, 0]);
  });
});
