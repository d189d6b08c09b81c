/**
 * The timer of `socket.setTimeout`, on a clock that the test moves.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IdleTimer } from '../../../src/io/stream/idle-timer.ts';

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
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(1000);
    expect(fired).toBe(1);
  });

  it('keeps one timer while it is paused and set again', () => {
    const fired: number[] = [];
    const timer = new IdleTimer(() => fired.push(performance.now() - begin));
    const begin = performance.now();
    for (let at = 0; at < 500; at += 50) {
      timer.set(100);
      vi.advanceTimersByTime(30);
      timer.pause();
      expect(vi.getTimerCount()).toBe(1);
      vi.advanceTimersByTime(20);
    }
    vi.advanceTimersByTime(1000);
    expect([fired, vi.getTimerCount()]).toEqual([[], 0]);
    timer.set(100);
    timer.pause();
    vi.advanceTimersByTime(40);
    // Sooner than the one that is armed, and then later than it.
    timer.set(10);
    vi.advanceTimersByTime(10);
    timer.pause();
    timer.set(300);
    vi.advanceTimersByTime(299);
    expect(fired).toEqual([1550]);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual([1550, 1850]);
  });

  it('fires in the context of whoever has set it last', () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const timer = new IdleTimer(() => seen.push(storage.getStore()));
    storage.run('first', () => timer.set(100));
    timer.pause();
    storage.run('second', () => timer.set(100));
    storage.run('third', () => timer.touch());
    vi.advanceTimersByTime(100);
    expect(seen).toEqual(['second']);
  });
});
