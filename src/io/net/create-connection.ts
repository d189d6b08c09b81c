/**
 * `net.connect`, also called `net.createConnection`: a socket that is made and connected in one.
 */

import { runtime } from '../../runtime/index.ts';
import { normalizeArguments } from './arguments.ts';
import { channels, net } from './node-net.ts';
import { Socket } from './socket.ts';
import type { RingSocket } from './socket.ts';

/** Makes a socket and connects it. */
export function createConnection(...args: unknown[]): RingSocket {
  if (runtime().engine === null) return Reflect.apply(net.connect, net, args) as never;
  const normalized = normalizeArguments(args);
  const [options] = normalized;
  const socket = new Socket(options);
  if (channels.clientSocket.hasSubscribers) channels.clientSocket.publish({ socket });
  const { timeout } = options as { timeout?: number };
  if (timeout) socket.setTimeout(timeout);
  return socket.connect(normalized);
}
