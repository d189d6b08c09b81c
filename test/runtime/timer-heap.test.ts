/**
 * The timer heap against a sorted list, and what a heap alone does not give: order among equals,
 * removal from the middle.
 */

import { describe, expect, it } from 'vitest';
import { Timer, TimerHeap } from '../../src/runtime/timer-heap.ts';
import { SeededRandom } from '../support/seeded-random.ts';

function timerAt(deadlineMs: number): Timer {
  return new Timer(deadlineMs, () => {}, null);
}

function takeAll(heap: TimerHeap, nowMs = Infinity): Timer[] {
  const taken: Timer[] = [];
  for (
    let timer = heap.takeDue(nowMs, Infinity);
    timer !== undefined;
    timer = heap.takeDue(nowMs, Infinity)
  ) {
    taken.push(timer);
  }
  return taken;
}

describe('TimerHeap.takeDue', () => {
  it('gives nothing when the heap is empty', () => {
    const heap = new TimerHeap();
    expect(heap.takeDue(Infinity, Infinity)).toBeUndefined();
    expect(heap.nextDeadlineMs).toBe(Infinity);
    expect(heap.size).toBe(0);
  });

  it('gives a timer at its deadline and not before', () => {
    const heap = new TimerHeap();
    const timer = timerAt(10.25);
    heap.add(timer);
    expect(heap.nextDeadlineMs).toBe(10.25);
    expect(heap.takeDue(10.249, Infinity)).toBeUndefined();
    expect(heap.takeDue(10.25, Infinity)).toBe(timer);
    expect(timer.index).toBe(-1);
    expect(heap.size).toBe(0);
  });

  it('gives earlier deadlines first and equal ones in the order of insertion', () => {
    const heap = new TimerHeap();
    const deadlines = [5, 1, 5, 3, 1, 5, 0.5, 3];
    const timers = deadlines.map(timerAt);
    for (const timer of timers) heap.add(timer);
    const order = takeAll(heap).map((timer) => timers.indexOf(timer));
    expect(order).toEqual([6, 1, 4, 3, 7, 0, 2, 5]);
  });

  it('leaves what is not due', () => {
    const heap = new TimerHeap();
    for (const deadlineMs of [4, 2, 3, 1]) heap.add(timerAt(deadlineMs));
    expect(takeAll(heap, 2.5).map(({ deadlineMs }) => deadlineMs)).toEqual([1, 2]);
    expect(heap.nextDeadlineMs).toBe(3);
  });

  it('leaves what was added since', () => {
    const heap = new TimerHeap();
    const [first, second, third] = [timerAt(1), timerAt(2), timerAt(0)];
    heap.add(first);
    heap.add(second);
    const { nextSequence } = heap;
    expect(heap.takeDue(5, nextSequence)).toBe(first);
    heap.add(third);
    heap.add(first);
    expect(heap.takeDue(5, nextSequence)).toBeUndefined();
    expect(takeAll(heap)).toEqual([third, first, second]);
  });

  it('puts a timer that is added again behind its equals', () => {
    const heap = new TimerHeap();
    const [first, second] = [timerAt(1), timerAt(1)];
    heap.add(first);
    heap.add(second);
    expect(heap.takeDue(1, Infinity)).toBe(first);
    heap.add(first);
    expect(takeAll(heap)).toEqual([second, first]);
  });
});

describe('TimerHeap.remove', () => {
  it('says whether the timer was there', () => {
    const heap = new TimerHeap();
    const timer = timerAt(1);
    expect(heap.remove(timer)).toBe(false);
    heap.add(timer);
    expect(heap.remove(timer)).toBe(true);
    expect(heap.remove(timer)).toBe(false);
    expect(heap.size).toBe(0);
  });

  it('leaves the timer of another heap alone', () => {
    const [mine, other] = [new TimerHeap(), new TimerHeap()];
    const timer = timerAt(1);
    mine.add(timerAt(1));
    other.add(timer);
    expect(mine.remove(timer)).toBe(false);
    expect(other.takeDue(1, Infinity)).toBe(timer);
  });

  it('keeps the order of the rest, whichever timer goes', () => {
    const COUNT = 40;
    for (let gone = 0; gone < COUNT; gone += 1) {
      const heap = new TimerHeap();
      const timers = Array.from({ length: COUNT }, (_, i) => timerAt((i * 7) % 13));
      for (const timer of timers) heap.add(timer);
      const removed = timers[gone] as Timer;
      heap.remove(removed);
      const rest = timers.filter((timer) => timer !== removed);
      expect(takeAll(heap)).toEqual(rest.toSorted((a, b) => a.deadlineMs - b.deadlineMs));
    }
  });
});

describe('TimerHeap', () => {
  it('does what a sorted list does', () => {
    const random = new SeededRandom();
    const heap = new TimerHeap();
    // `toSorted` is stable, so equal deadlines stay in the order of insertion.
    let model: Timer[] = [];
    let nowMs = 0;
    for (let step = 0; step < 20_000; step += 1) {
      const choice = random.below(10);
      if (choice < 5) {
        const timer = timerAt(nowMs + random.below(20) / 4);
        heap.add(timer);
        model = [...model, timer].toSorted((a, b) => a.deadlineMs - b.deadlineMs);
      } else if (choice < 7 && model.length > 0) {
        const timer = random.pick(model);
        expect(heap.remove(timer), random.replay).toBe(true);
        model = model.filter((other) => other !== timer);
      } else {
        nowMs += random.next();
        const due = model.filter(({ deadlineMs }) => deadlineMs <= nowMs);
        expect(takeAll(heap, nowMs), random.replay).toEqual(due);
        model = model.slice(due.length);
      }
      expect(heap.size, random.replay).toBe(model.length);
      expect(heap.nextDeadlineMs, random.replay).toBe(model[0]?.deadlineMs ?? Infinity);
    }
  });
});
