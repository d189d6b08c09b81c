/**
 * Arguments of datagram sockets: what `bind`, `send` and `connect` take, checked, with defaults.
 */

import { isIpAddress, resolveEndpoints, validateHostname, validatePort } from '../tcp/address.ts';
import type { Endpoint, SocketAddress } from '../tcp/address.ts';
import { endpoint } from '../tcp/address.ts';
import {
  boolean,
  integer,
  invalidArgType,
  invalidArgValue,
  validateNames,
  validateObject,
} from '../../runtime/index.ts';
import { validateSignal } from '../stream/arguments.ts';
import type { UdpSocket } from './udp-socket.ts';
import type { UdpBindRequest } from './udp-transport.ts';

/** Datagrams that may wait to be taken. */
const QUEUE_DEFAULT = 1024;
const SEGMENT_SIZE_MAX = 65_507;

/** One datagram that arrived. */
export interface Datagram {
  /** What it carries; the buffer is yours. */
  readonly data: Buffer;
  readonly sender: SocketAddress;
  /** Bytes that were sent: more than `data` holds when it was cut off. */
  readonly size: number;
  readonly isTruncated: boolean;
}

/** Where a datagram goes. What `address()` returns and a datagram's `sender` fit. */
export interface DatagramTarget {
  /** An IP address. */
  address?: string;
  /** A host name or an IP address, where there is no `address`. */
  hostname?: string;
  family?: 'IPv4' | 'IPv6';
  port: number;
  /** Has the data cut into datagrams of this size (UDP_SEGMENT, Linux 4.18+). */
  segmentSize?: number;
}

/** What a socket in callback form calls. All are optional but `message`. */
export interface UdpCallbacks {
  /** A datagram arrived. The buffer is yours to keep. */
  message: (socket: UdpSocket, data: Buffer, sender: SocketAddress) => void;
  /** Everything that was posted is with the kernel, after `post` returned false. */
  drain?: (socket: UdpSocket) => void;
  /** Receiving or a `post` failed; the socket goes on. */
  error?: (socket: UdpSocket, error: Error) => void;
  /** The descriptor is gone. */
  close?: (socket: UdpSocket) => void;
}

/** Where and how to bind. All are optional. */
export interface UdpBindOptions {
  /**
   * A host name or an IP address.
   * @defaultValue all addresses of `family`
   */
  hostname?: string;
  /**
   * 0 lets the kernel choose; `address()` tells which.
   * @defaultValue 0
   */
  port?: number;
  /**
   * Which family, where `hostname` does not say.
   * @defaultValue 'IPv4'
   */
  family?: 'IPv4' | 'IPv6';
  /**
   * Whether others may bind the same address: for multicast.
   * @defaultValue false
   */
  reuseAddress?: boolean;
  /**
   * Whether several sockets may share the port, each with its own share of senders.
   * @defaultValue false
   */
  reusePort?: boolean;
  /**
   * Whether a socket of IPv6 leaves IPv4 alone.
   * @defaultValue false
   */
  ipv6Only?: boolean;
  /**
   * Datagrams that may wait to be taken, before the newest is dropped.
   * @defaultValue 1024
   */
  queueMax?: number;
  /**
   * Whether the kernel shall put datagrams of one sender together (UDP_GRO, Linux 5.0+), where it
   * can. They are taken apart again here: fewer trips through the kernel, the same datagrams.
   * @defaultValue false
   */
  gro?: boolean;
  /** Aborting it closes the socket. */
  signal?: AbortSignal;
  /** Makes this a socket in callback form. */
  socket?: UdpCallbacks;
}

/** The same, checked. */
export interface UdpBinding {
  readonly request: UdpBindRequest;
  readonly callbacks: UdpCallbacks | undefined;
  readonly queueMax: number;
  readonly signal: AbortSignal | undefined;
}

const NAMES = [
  'hostname',
  'port',
  'family',
  'reuseAddress',
  'reusePort',
  'ipv6Only',
  'queueMax',
  'gro',
  'signal',
  'socket',
];

/** Checks the options of `bind`, and finds the address. */
export async function validateBind(options: UdpBindOptions): Promise<UdpBinding> {
  validateObject(options, 'options');
  validateNames(options, 'options', NAMES);
  const hostname = validateHostname(options.hostname, 'options.hostname');
  const port = options.port === undefined ? 0 : validatePort(options.port, 'options.port');
  const family = validateFamily(options.family, 'options.family');
  const reuseAddress = boolean(options.reuseAddress, 'options.reuseAddress', false);
  const reusePort = boolean(options.reusePort, 'options.reusePort', false);
  const ipv6Only = boolean(options.ipv6Only, 'options.ipv6Only', false);
  const gro = boolean(options.gro, 'options.gro', false);
  const queueMax = integer(options.queueMax, 'options.queueMax', QUEUE_DEFAULT, 1, 2 ** 31 - 1);
  const callbacks = validateCallbacks(options.socket);
  const signal = validateSignal(options.signal);
  const byDefault = family === 'IPv6' ? endpoint('::', 6, port) : endpoint('0.0.0.0', 4, port);
  let where = byDefault;
  if (hostname !== undefined) {
    const found = await resolveEndpoints(hostname, port);
    where = found.find((one) => one.family === family) ?? found[0] ?? byDefault;
  }
  const request = { endpoint: where, reuseAddress, reusePort, ipv6Only, gro };
  return { request, callbacks, queueMax, signal };
}

/** A target that was checked: an endpoint, or a name to look up. */
interface Target {
  readonly endpoint: Endpoint | undefined;
  readonly hostname: string;
  readonly port: number;
  readonly segmentSize: number;
}

/** Checks where a datagram goes. */
export function validateTarget(to: DatagramTarget): Target {
  validateObject(to, 'to');
  validateNames(to, 'to', ['address', 'hostname', 'family', 'port', 'segmentSize']);
  const name = to.address === undefined ? 'hostname' : 'address';
  const hostname = validateHostname(to[name], `to.${name}`) ?? 'localhost';
  const port = integer(to.port, 'to.port', undefined, 1, 65_535);
  const segmentSize =
    to.segmentSize === undefined
      ? 0
      : integer(to.segmentSize, 'to.segmentSize', undefined, 1, SEGMENT_SIZE_MAX);
  const version = isIpAddress(hostname);
  const known = version === 0 ? undefined : endpoint(hostname, version, port);
  if (known === undefined && name === 'address') {
    throw invalidArgValue('to.address', hostname, 'must be an IP address');
  }
  return { endpoint: known, hostname, port, segmentSize };
}

function validateFamily(family: unknown, name: string): 'IPv4' | 'IPv6' {
  if (family === undefined) return 'IPv4';
  if (family === 'IPv4' || family === 'IPv6') return family;
  if (typeof family !== 'string') throw invalidArgType(name, 'of type string', family);
  throw invalidArgValue(name, family, "must be one of: 'IPv4', 'IPv6'");
}

function validateCallbacks(socket: UdpCallbacks | undefined): UdpCallbacks | undefined {
  if (socket === undefined) return undefined;
  validateObject(socket, 'options.socket');
  const names = ['message', 'drain', 'error', 'close'] as const;
  validateNames(socket, 'options.socket', names);
  for (const name of names) {
    const callback = socket[name];
    const isMissing = callback === undefined && name !== 'message';
    if (!isMissing && typeof callback !== 'function') {
      throw invalidArgType(`options.socket.${name}`, 'of type function', callback);
    }
  }
  return socket;
}
