/**
 * The timer heap with 1,000 and with 100,000 timers: adding them all, taking them out of the
 * middle, and taking them when they are due.
 *
 * Deadlines and the order of removal are scattered and always the same. Each sample fills or
 * empties a whole heap, so a figure is the mean over all sizes up to the named one; what brings
 * the heap into its state before is not in it.
 */

import { Timer, TimerHeap } from '../../src/runtime/timer-heap.ts';
import { measureParts, scatter } from './measurement.ts';
import type { Micro, Part } from './measurement.ts';

const TIMER_COUNTS = [1000, 100_000];
const TIMER_COUNTS_SMOKE = [10, 100];

export const timerHeap: Micro = {
  name: 'timer-heap',
  summary: 'add, remove and takeDue with 1,000 and 100,000 timers',
  run: (size) =>
    measureParts(size, (size.isSmoke ? TIMER_COUNTS_SMOKE : TIMER_COUNTS).flatMap(partsOf)),
};

function partsOf(timerCount: number): Part[] {
  const heap = new TimerHeap();
  const timers = Array.from(
    { length: timerCount },
    (_, index) => new Timer(scatter(index), () => {}, null),
  );
  const removalOrder = timers.toSorted((a, b) => scatter(a.deadlineMs) - scatter(b.deadlineMs));
  const addAll = (): void => {
    for (const timer of timers) heap.add(timer);
  };
  const removeAll = (): void => {
    for (const timer of removalOrder) heap.remove(timer);
  };
  const takeAll = (): void => {
    let previousMs = -Infinity;
    for (;;) {
      const timer = heap.takeDue(Infinity, Infinity);
      if (timer === undefined) return;
      if (timer.deadlineMs < previousMs) throw new Error('A timer was due before the one before');
      previousMs = timer.deadlineMs;
    }
  };
  const nothing = (): void => {};
  const part = (name: string, steps: Steps): Part => ({
    name: `${name}, ${timerCount} timers`,
    count: timerCount,
    measure: () => measureSteps(heap, timerCount, steps),
  });
  return [
    part('add', { before: nothing, measured: addAll, after: removeAll }),
    part('remove', { before: addAll, measured: removeAll, after: nothing }),
    part('takeDue', { before: addAll, measured: takeAll, after: nothing }),
  ];
}

interface Steps {
  readonly before: () => void;
  readonly measured: () => void;
  readonly after: () => void;
}

function measureSteps(heap: TimerHeap, timerCount: number, steps: Steps): number {
  steps.before();
  const sizeBefore = heap.size;
  const startMs = performance.now();
  steps.measured();
  const tookMs = performance.now() - startMs;
  const moved = Math.abs(heap.size - sizeBefore);
  if (moved !== timerCount) throw new Error(`${moved} timers were moved, not ${timerCount}`);
  steps.after();
  return tookMs;
}
