/**
 * What a scheduler is made of: given to it whole, so that tests can give it other parts.
 */

import type { HostLoop } from '../native/index.ts';
import type { Metrics } from './metrics.ts';
import type { PolledRing } from './polled-ring.ts';
import type { Pressure } from './pressure.ts';
import type { Ring } from './ring.ts';
import type { Waiter } from './wait.ts';

/** What the scheduler is made of. */
export interface SchedulerParts {
  readonly ring: Ring;
  readonly waiter: Waiter;
  readonly loop: HostLoop;
  readonly pressure: Pressure;
  readonly metrics: Metrics;
  readonly busyWaitMicros: number;
  readonly minWait: { readonly count: number; readonly micros: number };
  /** Called with each polled ring that is made. */
  readonly onPolledRing: (made: PolledRing) => void;
  /** Called when the ring itself is broken. */
  readonly onFailure: (error: Error) => void;
}
