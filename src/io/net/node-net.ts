/**
 * What the drop-in leaves to Node: its whole `net` where there is no ring, the errors of bad
 * arguments, names, cluster, and the files that Unix sockets leave behind.
 *
 * The only file of the drop-in that imports these modules of Node's.
 */

import cluster from 'node:cluster';
import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { Channel, TracingChannel } from 'node:diagnostics_channel';
import dns from 'node:dns';
import { chmodSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import net from 'node:net';
import type { BlockList } from 'node:net';

export {
  BlockList,
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  isIP,
  isIPv4,
  isIPv6,
  setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
  SocketAddress,
} from 'node:net';
export { cluster, dns, net };

/** What Node exports and does not document. */
interface Undocumented {
  readonly _createServerHandle: (...args: unknown[]) => unknown;
  readonly _normalizeArgs: (args: unknown[]) => unknown;
  readonly _setSimultaneousAccepts: (handle: unknown) => void;
}

const undocumented = net as unknown as Undocumented;
/** As in Node: not for programs. */
export const _createServerHandle: Undocumented['_createServerHandle'] =
  undocumented._createServerHandle;
/** As in Node: not for programs. */
export const _normalizeArgs: Undocumented['_normalizeArgs'] = undocumented._normalizeArgs;
/** As in Node: deprecated, and without effect. */
export const _setSimultaneousAccepts: Undocumented['_setSimultaneousAccepts'] =
  undocumented._setSimultaneousAccepts;

/** The channels on which Node says what its sockets do. */
export const channels: Channels = {
  clientSocket: channel('net.client.socket'),
  serverSocket: channel('net.server.socket'),
  serverListen: tracingChannel('net.server.listen'),
};

interface Channels {
  readonly clientSocket: Channel;
  readonly serverSocket: Channel;
  readonly serverListen: TracingChannel;
}

/** Whether this Node looks at the option `blockList`: 22.13+. Older ones ignore it. */
const hasBlockLists = 'isBlockList' in net.BlockList;

/** Whether `maxConnections` of 0 lets nobody in: Node 22+. Before, it let everybody in. */
export const maxConnectionsMayBeZero: boolean = hasBlockLists;

/** The option `blockList`, if Node would heed it. Throws Node's error for what is none. */
export function blockListOf(
  options: { readonly blockList?: unknown },
  refuse: () => void,
): BlockList | undefined {
  const { blockList } = options;
  if (!hasBlockLists || !blockList) return undefined;
  if (!(blockList instanceof net.BlockList)) refuseAsNode(refuse);
  return blockList;
}

/** What Node's own sockets can do, by the Node that runs. */
const { prototype } = net.Socket;

/** Whether sockets have a type of service: newer Nodes than 22. */
export const hasTypeOfService: boolean = 'setTypeOfService' in prototype;

/** 4 where `setKeepAlive` takes an interval and a count, or an object, as in newer Nodes. */
export const keepAliveArgumentCount: number = prototype.setKeepAlive.length;

/**
 * Has Node itself refuse arguments that were found to be bad, so that code and message are those
 * of the Node that runs.
 */
export function refuseAsNode(call: () => void): never {
  call();
  throw new TypeError('Node accepts these arguments, and onering does not');
}

/** Removes the file of a Unix socket, as far as it is there. */
export function removeSocketFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else has removed it: that was all there was to do.
  }
}

/** Adds rights for everybody to the file of a Unix socket. */
export function openSocketFile(path: string, rights: number): void {
  chmodSync(path, (statSync(path).mode & 0o777) | rights);
}

const O_NONBLOCK = 0o4000;

/** Whether a descriptor is in non-blocking mode: the ring does not wait for such. */
export function isNonBlocking(fd: number): boolean {
  try {
    const [, flags = '0'] = /^flags:\s*([0-7]+)/m.exec(readProc(fd)) ?? [];
    return (Number.parseInt(flags, 8) & O_NONBLOCK) !== 0;
  } catch {
    // Without /proc nothing is known: the careful answer.
    return true;
  }
}

function readProc(fd: number): string {
  return readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
}
