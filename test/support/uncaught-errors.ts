/**
 * Collects what reaches `uncaughtException` while a function runs, in place of the listeners that
 * are there, which would fail the test run.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';

/** Returns the errors, in order, once the immediates that throw them have run. */
export async function uncaughtErrors(run: () => void | Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const listeners = process.rawListeners('uncaughtException');
  const collect = (error: unknown): void => {
    errors.push(error);
  };
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', collect);
  try {
    await run();
    // An immediate that throws ends the round of immediates: each error takes one.
    for (let quiet = 0; quiet < 3; quiet += 1) await nextTurn();
  } finally {
    process.off('uncaughtException', collect);
    for (const listener of listeners) {
      process.on('uncaughtException', listener as NodeJS.UncaughtExceptionListener);
    }
  }
  return errors;
}
