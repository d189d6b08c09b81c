/**
 * Draining: `process.nextTick` callbacks and microtasks, as Node does after each callback of
 * libuv's. Callbacks that reach JavaScript through koffi are not drained after by every Node.
 *
 * Hot path: no allocation, no closures, no polymorphism per drain.
 */

interface TickProcess {
  _tickCallback(this: void): void;
}

/** Kept apart from `process`, whose properties are looked up by name each time. */
const runTicks = (process as unknown as TickProcess)._tickCallback;

/** Runs everything that is queued. What throws is reported, and the rest runs. */
export function drainMicrotasks(): void {
  for (;;) {
    try {
      runTicks();
      return;
    } catch (error) {
      rethrow(error);
    }
  }
}

/**
 * Throws from a microtask, where Node makes an `uncaughtException` of it at once: with its
 * listeners called, its async context stack emptied, or the process ended with the right trace.
 */
export function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
