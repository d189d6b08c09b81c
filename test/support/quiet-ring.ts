/**
 * Waits until a runtime has nothing in flight: a server has said 'close' before the kernel has let
 * go of its accept, as Node's does.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Runtime } from '../../src/runtime/runtime.ts';

const TURNS_MAX = 1000;

/** What can be closed with a callback. */
interface Closable {
  close(callback: () => void): unknown;
}

/** Closes a server and waits for the ring to be quiet. */
export async function closeQuietly(runtime: Runtime, server?: Closable): Promise<void> {
  if (server !== undefined) await new Promise<void>((resolve) => server.close(resolve));
  for (let turns = 0; turns < TURNS_MAX && runtime.metrics().inFlight > 0; turns += 1) {
    await nextTurn();
  }
}
