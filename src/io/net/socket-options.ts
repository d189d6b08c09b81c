/**
 * What `new Socket()` is given: checked, completed as Node does it, and whether a socket of
 * Node's own has to stand in.
 */

import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  SO_DOMAIN,
  SO_TYPE,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../native/abi.ts';
import type { BlockList } from 'node:net';
import { runtime } from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { isNonBlocking, net, refuseAsNode } from './node-net.ts';
import type { OnReadOptions } from './on-read.ts';
import { RingConnection } from '../tcp/ring-connection.ts';
import { SocketHandle } from './socket-handle.ts';

/** The options of `net.Socket`, those that Node keeps to itself included. */
export interface SocketOptions {
  fd?: number;
  handle?: unknown;
  allowHalfOpen?: boolean;
  readable?: boolean;
  writable?: boolean;
  highWaterMark?: number;
  readableHighWaterMark?: number;
  writableHighWaterMark?: number;
  objectMode?: boolean;
  readableObjectMode?: boolean;
  writableObjectMode?: boolean;
  pauseOnCreate?: boolean;
  manualStart?: boolean;
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  typeOfService?: number;
  signal?: AbortSignal;
  onread?: OnReadOptions | null;
  blockList?: BlockList;
}

/** The options of the stream below, which are not the user's to choose. */
interface StreamOptions extends SocketOptions {
  allowHalfOpen: boolean;
  emitClose: false;
  autoDestroy: true;
  decodeStrings: false;
}

/** Copies the options and sets what sockets need. */
export function streamOptions(given: SocketOptions | number | undefined): StreamOptions {
  const options: SocketOptions = typeof given === 'number' ? { fd: given } : { ...given };
  const isObjectMode =
    options.objectMode || options.readableObjectMode || options.writableObjectMode;
  const { keepAliveInitialDelay: delay } = options;
  if (isObjectMode || (delay !== undefined && typeof delay !== 'number')) {
    const { objectMode, readableObjectMode, writableObjectMode } = options;
    const refused = { objectMode, readableObjectMode, writableObjectMode };
    refuseAsNode(() => new net.Socket({ ...refused, keepAliveInitialDelay: delay } as object));
  }
  if (delay !== undefined && delay < 0) options.keepAliveInitialDelay = 0;
  // As in Node: 'close' comes from the handle, strings are encoded by it.
  return Object.assign(options, {
    allowHalfOpen: Boolean(options.allowHalfOpen),
    emitClose: false,
    autoDestroy: true,
    decodeStrings: false,
  } as const);
}

/** The socket of Node's that stands in where the ring cannot carry one, or `null`. */
export function standInFor([given]: unknown[]): object | null {
  const options = typeof given === 'number' ? { fd: given } : (given as SocketOptions | undefined);
  if (runtime().engine === null) return new net.Socket(options);
  const { fd, handle } = options ?? {};
  const hasHandle = handle !== undefined && handle !== null;
  if (hasHandle && !(handle instanceof SocketHandle)) return new net.Socket(options);
  if (!hasHandle && fd !== undefined && familyOf(runtime(), fd) === null) {
    return new net.Socket(options);
  }
  return null;
}

/** The handle of a descriptor that the program gave, and owns no longer. */
export function adoptDescriptor(fd: number): SocketHandle {
  const current = runtime();
  const family = familyOf(current, fd);
  if (family === null) refuseAsNode(() => new net.Socket({ fd }));
  return SocketHandle.of(current, new RingConnection(current, fd), family === AF_UNIX);
}

/** The family of a descriptor, if it is a stream socket that the ring can wait for. */
export function familyOf(current: Runtime, fd: unknown): number | null {
  if (typeof fd !== 'number' || !Number.isInteger(fd) || fd < 0) return null;
  const { calls } = current.requireEngine();
  if (calls.getOption(fd, SOL_SOCKET, SO_TYPE) !== SOCK_STREAM) return null;
  const family = calls.getOption(fd, SOL_SOCKET, SO_DOMAIN);
  if (family !== AF_INET && family !== AF_INET6 && family !== AF_UNIX) return null;
  return isNonBlocking(fd) ? null : family;
}
