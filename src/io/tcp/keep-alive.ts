/**
 * Keep-alive probes of a TCP socket: whether there are any, and how patient they are.
 *
 * As libuv has it, a delay comes with an interval of a second and ten probes: a peer that is gone
 * is noticed ten seconds after it. The kernel's own are 75 seconds and nine.
 */

import {
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
} from '../../native/abi.ts';
import type { Engine } from '../../runtime/index.ts';

/** libuv's, where a delay is given and nothing else. */
const INTERVAL_SECONDS = 1;
const PROBES = 10;

export interface KeepAlive {
  readonly isOn: boolean;
  /** Seconds before the first probe; 0 leaves all of it to the kernel. */
  readonly delay: number;
  /** Seconds between probes. */
  readonly interval?: number | undefined;
  /** Probes that go unanswered before the connection is over. */
  readonly count?: number | undefined;
}

/** No probes: what every socket begins with. */
export const NO_KEEP_ALIVE: KeepAlive = { isOn: false, delay: 0 };

/** Sets it on a descriptor. What the kernel refuses stays as it was. */
export function applyKeepAlive({ calls }: Engine, fd: number, keepAlive: KeepAlive): void {
  const { isOn, delay, interval = INTERVAL_SECONDS, count = PROBES } = keepAlive;
  calls.setOption(fd, SOL_SOCKET, SO_KEEPALIVE, isOn ? 1 : 0);
  if (!isOn || delay < 1 || interval < 1 || count < 1) return;
  calls.setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, delay);
  calls.setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval);
  calls.setOption(fd, IPPROTO_TCP, TCP_KEEPCNT, count);
}
