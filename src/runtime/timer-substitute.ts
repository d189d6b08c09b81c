/**
 * Timers outlive their runtime: what is left of each is waited for on Node's own timers.
 */

import type { Timer } from './timer-heap.ts';

/** Leaves a timer to Node. It fires never early, and keeps the process alive as it did. */
export function substituteTimer(timer: Timer, delayMs: number): void {
  timer.substitute = setTimeout(() => {
    timer.substitute = null;
    timer.fire(timer);
  }, Math.ceil(delayMs));
  if (!timer.isReferenced) timer.substitute.unref();
}

/** Takes a timer back from Node. Returns false when it is not there. */
export function clearSubstitute(timer: Timer): boolean {
  if (timer.substitute === null) return false;
  clearTimeout(timer.substitute);
  timer.substitute = null;
  return true;
}
