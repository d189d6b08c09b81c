/**
 * Addresses: from what users write to what the kernel reads, and back.
 */

import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import {
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  isIP,
} from 'node:net';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  decodeSockaddr,
  EINVAL,
  encodeSockaddr,
  UNIX_PATH_SIZE,
} from '../../native/abi.ts';
import { codedError, integer, invalidArgType } from '../../runtime/index.ts';

/** Where a socket is: what `address()` returns. */
export interface SocketAddress {
  /** An IP address as text. */
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6';
  /** 0 to 65535. */
  readonly port: number;
}

/** An address that is resolved. */
export interface Endpoint extends SocketAddress {
  /** `AF_INET` or `AF_INET6`. */
  readonly domain: number;
  /** Interface of a link-local IPv6 address, 0 for none. */
  readonly scopeId: number;
}

/** A resolved address of a Unix socket. */
export interface UnixEndpoint {
  readonly domain: typeof AF_UNIX;
  /** A path, or an abstract name, which begins with NUL. */
  readonly path: Uint8Array;
}

/** Encodes either kind of address into the bytes that the kernel wants. */
export function encodeEndpoint(where: Endpoint | UnixEndpoint): Uint8Array {
  if ('path' in where) return encodeSockaddr({ family: where.domain, path: where.path });
  const { domain, address, port, scopeId } = where;
  return encodeSockaddr({ family: domain, address, port, scopeId });
}

/** Makes an endpoint of a path; `-EINVAL` where it is too long for a socket's name. */
export function unixEndpoint(path: string): UnixEndpoint | number {
  const bytes = Buffer.from(path);
  const isAbstract = bytes[0] === 0;
  if (bytes.length + (isAbstract ? 0 : 1) > UNIX_PATH_SIZE) return -EINVAL;
  return { domain: AF_UNIX, path: bytes };
}

/** Checks a port number. */
export function validatePort(port: unknown, name: string): number {
  return integer(port, name, undefined, 0, 65_535);
}

/** Checks a host name. */
export function validateHostname(hostname: unknown, name: string): string | undefined {
  if (hostname === undefined || hostname === '') return undefined;
  if (typeof hostname === 'string') return hostname;
  throw invalidArgType(name, 'of type string', hostname);
}

/** The version of an IP address: 4, 6, or 0 for anything else. */
export function isIpAddress(text: string): number {
  return isIP(text);
}

/** Finds the addresses of a host name, in the resolver's order; an IP address is its own. */
export async function resolveEndpoints(hostname: string, port: number): Promise<Endpoint[]> {
  const version = isIP(hostname);
  if (version !== 0) return [endpoint(hostname, version, port)];
  const found = await lookup(hostname, { all: true });
  if (found.length === 0) {
    throw codedError('ENOTFOUND', `getaddrinfo ENOTFOUND ${hostname}`);
  }
  return found.map(({ address, family }) => endpoint(address, family, port));
}

/** How long an address of several may take to answer, as Node has it; 0 for no limit. */
export function attemptTimeoutMs(): number {
  return getDefaultAutoSelectFamily() ? getDefaultAutoSelectFamilyAttemptTimeout() : 0;
}

/** Makes an endpoint of an IP address. */
export function endpoint(address: string, version: number, port: number): Endpoint {
  const [, zone = ''] = address.split('%');
  const scopeId = zone === '' || /^\d+$/.test(zone) ? Number(zone) : interfaceIndex(zone);
  const isFour = version === 4;
  return {
    address,
    family: isFour ? 'IPv4' : 'IPv6',
    port,
    domain: isFour ? AF_INET : AF_INET6,
    scopeId,
  };
}

/** Mirrors if_nametoindex(3): the number of an interface, 0 where there is none of that name. */
function interfaceIndex(name: string): number {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));
  } catch {
    // No such interface: the kernel refuses the address with EINVAL, as it does for Node.
    return 0;
  }
}

/** Reads an encoded address; `null` for `-errno` and for families that are not IP. */
export function addressOf(encoded: Uint8Array | number): SocketAddress | null {
  if (typeof encoded === 'number') return null;
  const decoded = decodeSockaddr(encoded);
  if (decoded === null || decoded.family === AF_UNIX) return null;
  return {
    address: decoded.address,
    family: decoded.family === AF_INET ? 'IPv4' : 'IPv6',
    port: decoded.port,
  };
}
