/**
 * The arguments of `socket.setKeepAlive`, in the forms that the running Node takes. Newer
 * ones know an interval and a count, and all of it as one object; Node 22 looks at two arguments.
 */

import { NO_KEEP_ALIVE } from '../tcp/keep-alive.ts';
import type { KeepAlive } from '../tcp/keep-alive.ts';
import { keepAliveArgumentCount } from './node-net.ts';

/** The arguments as an object. */
interface KeepAliveOptions {
  enable?: unknown;
  initialDelay?: number | undefined;
  interval?: number | undefined;
  count?: number | undefined;
}

type KeepAliveArguments = readonly [
  enable?: unknown,
  initialDelayMs?: number | undefined,
  intervalMs?: number | undefined,
  count?: number | undefined,
];

/** What the arguments ask for. */
export function keepAliveOf(args: KeepAliveArguments): KeepAlive {
  if (keepAliveArgumentCount < 4) return { isOn: Boolean(args[0]), delay: toSeconds(args[1]) };
  const [first] = args;
  if (typeof first === 'object' && first !== null) {
    const { enable, initialDelay, interval, count } = first as KeepAliveOptions;
    return keepAliveOf([Boolean(enable), initialDelay, interval, count]);
  }
  const [, delay, interval, count] = args;
  const seconds = interval === undefined ? undefined : toSeconds(interval);
  return { isOn: Boolean(first), delay: toSeconds(delay), interval: seconds, count };
}

/** What the options of a socket ask for. */
export function keepAliveOption(isOn: unknown, delayMs: number | undefined): KeepAlive {
  return isOn ? { isOn: true, delay: toSeconds(delayMs) } : NO_KEEP_ALIVE;
}

/** Whether the kernel has to hear of a change. */
export function isOtherKeepAlive(one: KeepAlive, other: KeepAlive): boolean {
  if (one.isOn !== other.isOn || !one.isOn) return one.isOn !== other.isOn;
  if (one.delay !== other.delay || one.interval !== other.interval) return true;
  return one.count !== other.count;
}

function toSeconds(delayMs = 0): number {
  return ~~(delayMs / 1000);
}
