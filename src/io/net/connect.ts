/**
 * Connecting a `Socket`: checking where to, looking the name up, and one attempt. Several
 * addresses, tried one against the other, are for `happy-eyeballs.ts`.
 *
 * A socket may be destroyed, or connected anew, by any listener that is called on the way: after
 * each of them it is asked whether this is still what it does.
 */

import {
  attemptError,
  beginAttempt,
  bindLocal,
  earlyError,
  isBlocked,
  isEarly,
} from './attempt.ts';
import type { Target } from './attempt.ts';
import { HappyEyeballs } from './happy-eyeballs.ts';
import type { FoundAddress } from './happy-eyeballs.ts';
import {
  blockedAddress,
  connectError,
  invalidAddressFamily,
  invalidIpAddress,
} from './net-errors.ts';
import { dns, net, refuseAsNode } from './node-net.ts';
import type { RingSocket } from './socket.ts';
import { isPort } from './arguments.ts';

/** The options of `connect`, as far as they are looked at here. */
export interface ConnectOptions {
  path?: unknown;
  port?: unknown;
  host?: string;
  localAddress?: string;
  localPort?: number;
  family?: number | 'IPv4' | 'IPv6';
  hints?: number;
  lookup?: Lookup;
  autoSelectFamily?: boolean;
  autoSelectFamilyAttemptTimeout?: number;
}

type Lookup = (
  hostname: string,
  options: { family: number | undefined; hints: number; all?: boolean },
  done: (error: Error | null, address: unknown, family?: number) => void,
) => void;

/** The shortest time that Node gives an attempt. */
const ATTEMPT_TIMEOUT_MS_MIN = 10;

/** Throws Node's own error for options that it refuses. */
export function validateConnect(options: ConnectOptions): void {
  const { path, port, localAddress, localPort, lookup } = options;
  const { autoSelectFamily, autoSelectFamilyAttemptTimeout: timeout } = options;
  const refuse = (): never => {
    const socket = new net.Socket();
    try {
      return refuseAsNode(() => socket.connect(options as never));
    } finally {
      socket.destroy();
    }
  };
  if (port === undefined && isMissing(path)) refuse();
  if (path) {
    if (typeof path !== 'string') refuse();
    return;
  }
  const isLocalBad =
    (localAddress && net.isIP(localAddress) === 0) || (localPort && typeof localPort !== 'number');
  const isFamilyBad = !isMissing(autoSelectFamily) && typeof autoSelectFamily !== 'boolean';
  const isTimeoutBad = !isMissing(timeout) && !(Number.isInteger(timeout) && timeout >= 1);
  const isLookupBad = !isMissing(lookup) && typeof lookup !== 'function';
  const isPortBad = port !== undefined && !isPort(port);
  const isHostBad = Boolean(options.host) && typeof options.host !== 'string';
  if (isHostBad || isLocalBad || isFamilyBad || isTimeoutBad || isLookupBad || isPortBad) refuse();
}

/** Begins to connect with options that were checked. */
export function beginConnect(socket: RingSocket, options: ConnectOptions): void {
  const { path, localAddress, localPort } = options;
  if (path) {
    connectOnce(socket, { address: path as string, port: undefined, family: undefined });
    return;
  }
  const host = options.host || 'localhost';
  const port = Number(options.port) | 0;
  const family = net.isIP(host) as 0 | 4 | 6;
  if (family === 0) {
    lookUp(socket, host, port, options);
    return;
  }
  process.nextTick(() => {
    if (!socket.connecting) return;
    connectOnce(socket, { address: host, port, family, localAddress, localPort });
  });
}

function lookUp(socket: RingSocket, host: string, port: number, options: ConnectOptions): void {
  const family = familyNumber(options.family);
  const isOpen = family !== 4 && family !== 6;
  const hints = options.hints || (isOpen ? dns.ADDRCONFIG : 0);
  const lookup = options.lookup ?? dns.lookup;
  const { localAddress, localPort } = options;
  socket._host = host;
  const selectsFamily = options.autoSelectFamily ?? net.getDefaultAutoSelectFamily();
  if (isOpen && !localAddress && selectsFamily) {
    lookup(host, { family, hints, all: true }, (error, addresses) => {
      if (!socket.connecting) return;
      if (error) {
        socket.emit('lookup', error, undefined, undefined, host);
        failSoon(socket, error);
      } else {
        const found = addresses as FoundAddress[];
        connectToAny(socket, { host, port, localPort, found, options });
      }
    });
    return;
  }
  lookup(host, { family, hints }, (error, address, addressFamily) => {
    socket.emit('lookup', error, address, addressFamily, host);
    if (!socket.connecting) return;
    if (error) failSoon(socket, error);
    else if (net.isIP(String(address)) === 0) failSoon(socket, invalidIpAddress(address));
    else if (addressFamily !== 4 && addressFamily !== 6) {
      failSoon(socket, invalidAddressFamily(addressFamily, options.host, options.port));
    } else {
      socket._unrefTimer();
      const target = { address: String(address), port, family: addressFamily } as const;
      connectOnce(socket, { ...target, localAddress, localPort });
    }
  });
}

interface Found {
  readonly host: string;
  readonly port: number;
  readonly localPort: number | undefined;
  readonly found: readonly FoundAddress[];
  readonly options: ConnectOptions;
}

/** Tries the addresses of a name: both families in turns, that of the first one first. */
function connectToAny(socket: RingSocket, { host, port, localPort, found, options }: Found): void {
  const groups: Record<4 | 6, FoundAddress[]> = { 4: [], 6: [] };
  let first: 4 | 6 | undefined;
  for (const { address, family } of found) {
    socket.emit('lookup', null, address, family, host);
    if (!socket.connecting) return;
    if (net.isIP(address) === 0 || (family !== 4 && family !== 6)) continue;
    first ??= family;
    const group = groups[family];
    if (!group.some((known) => known.address === address)) group.push({ address, family });
  }
  if (first === undefined) {
    const { address, family } = found[0] ?? { address: undefined, family: undefined };
    if (net.isIP(String(address)) === 0) failSoon(socket, invalidIpAddress(address));
    else failSoon(socket, invalidAddressFamily(family, options.host, options.port));
    return;
  }
  const [preferred, others] = first === 4 ? [groups[4], groups[6]] : [groups[6], groups[4]];
  const inTurns: FoundAddress[] = [];
  for (let at = 0; at < Math.max(preferred.length, others.length); at += 1) {
    inTurns.push(...preferred.slice(at, at + 1), ...others.slice(at, at + 1));
  }
  socket._unrefTimer();
  const [only] = inTurns;
  if (inTurns.length === 1 && only !== undefined) {
    connectOnce(socket, { ...only, port, localPort });
    return;
  }
  const timeoutMs =
    options.autoSelectFamilyAttemptTimeout ?? net.getDefaultAutoSelectFamilyAttemptTimeout();
  new HappyEyeballs(socket, {
    addresses: inTurns,
    port,
    localPort,
    timeoutMs: Math.max(ATTEMPT_TIMEOUT_MS_MIN, timeoutMs),
  }).next();
}

/** Makes one attempt, which decides. */
function connectOnce(socket: RingSocket, target: Target): void {
  const handle = socket._handle;
  if (handle === null) return;
  const { address, port, family, localAddress, localPort } = target;
  const bound = bindLocal(handle, target);
  if (bound < 0) {
    const from = localAddress ?? (family === 6 ? '::' : '0.0.0.0');
    socket.destroy(connectError(bound, 'bind', { address: from, port: localPort }));
    return;
  }
  socket.emit('connectionAttempt', address, port, family);
  if (socket._handle !== handle) return;
  if (isBlocked(socket, target)) {
    socket.destroy(blockedAddress(address));
    return;
  }
  const begun = beginAttempt(handle, target, (result) => {
    if (socket._handle !== handle || socket.destroyed) return;
    socket.connecting = false;
    if (result >= 0) {
      socket._afterConnect();
    } else if (isEarly(result)) {
      socket.destroy(earlyError(result, handle, target));
    } else {
      const error = attemptError(result, target);
      socket.emit('connectionAttemptFailed', address, port, family, error);
      socket.destroy(error);
    }
  });
  if (begun < 0) socket.destroy(earlyError(begun, handle, target));
}

function isMissing(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function familyNumber(family: ConnectOptions['family']): number | undefined {
  if (family === 'IPv4') return 4;
  return family === 'IPv6' ? 6 : family;
}

/** The listeners of a socket that was just made are not there yet. */
function failSoon(socket: RingSocket, error: Error): void {
  process.nextTick(() => socket.destroy(error));
}
