/**
 * Socket addresses: `sockaddr_in` (16 bytes), `sockaddr_in6` (28) and `sockaddr_un` (2 and the
 * path, at most 110).
 *
 *   in:   0 family (u16)  2 port (big-endian)  4 address (4 bytes)  8 padding
 *   in6:  0 family  2 port (big-endian)  4 flow info (big-endian)  8 address (16)  24 scope id
 *   un:   0 family  2 path: NUL-terminated; empty when unnamed; abstract when it begins with NUL
 *
 * Pure: a zone in an address (`fe80::1%2`) counts only as a number; interface names are for whoever
 * can look them up.
 */

import { assert } from '../assert.ts';
import { AF_INET, AF_INET6, AF_UNIX } from '../constants/sockets.ts';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from './ip-address.ts';

export const SOCKADDR_IN_SIZE = 16;
export const SOCKADDR_IN6_SIZE = 28;
export const SOCKADDR_UN_SIZE = 110;
/** Room for any address: `struct sockaddr_storage`. */
export const SOCKADDR_STORAGE_SIZE = 128;
/** Bytes of a path, its NUL included; an abstract name may use them all. */
export const UNIX_PATH_SIZE = 108;

/** An address of an IP socket, to be encoded. */
export interface InetSockaddr {
  /** `AF_INET` or `AF_INET6`. */
  readonly family: number;
  /** As text; with IPv6, a `%` and the number of an interface may follow. */
  readonly address: string;
  readonly port: number;
  /** IPv6 only: the number of an interface, for link-local addresses. */
  readonly scopeId?: number;
  /** IPv6 only. */
  readonly flowInfo?: number;
}

/** An address of a Unix socket. */
export interface UnixSockaddr {
  readonly family: typeof AF_UNIX;
  /** Without the final NUL. Empty: unnamed. Beginning with NUL: abstract. */
  readonly path: Uint8Array;
}

/** An address as it was decoded. */
export type Sockaddr =
  | { readonly family: typeof AF_INET; readonly address: string; readonly port: number }
  | {
      readonly family: typeof AF_INET6;
      readonly address: string;
      readonly port: number;
      readonly scopeId: number;
      readonly flowInfo: number;
    }
  | UnixSockaddr;

/** Encodes an address into exactly the bytes that the kernel wants; their count is the size. */
export function encodeSockaddr(from: InetSockaddr | UnixSockaddr): Uint8Array {
  if ('path' in from) return encodeUnix(from.path);
  if (from.family === AF_INET) return encodeInet(from);
  assert(from.family === AF_INET6, 'A family that has addresses with ports');
  return encodeInet6(from);
}

function encodeInet({ address, port }: InetSockaddr): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_IN_SIZE);
  const parsed = parseIpv4(address);
  assert(parsed !== null, 'An IPv4 address as text');
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port, false);
  bytes.set(parsed, 4);
  return bytes;
}

function encodeInet6({ address, port, scopeId, flowInfo }: InetSockaddr): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_IN6_SIZE);
  const [text = '', zone = '0'] = address.split('%');
  const parsed = parseIpv6(text);
  assert(parsed !== null, 'An IPv6 address as text');
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET6, true);
  view.setUint16(2, port, false);
  view.setUint32(4, flowInfo ?? 0, false);
  bytes.set(parsed, 8);
  view.setUint32(24, scopeId ?? (/^\d+$/.test(zone) ? Number(zone) : 0), true);
  return bytes;
}

function encodeUnix(path: Uint8Array): Uint8Array {
  const isNamed = path.length > 0 && path[0] !== 0;
  // Only a path ends in a NUL: in an abstract name that would be one more byte of it.
  const size = path.length + (isNamed ? 1 : 0);
  assert(size <= UNIX_PATH_SIZE, 'A path that fits into sockaddr_un');
  const bytes = new Uint8Array(2 + size);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(path, 2);
  return bytes;
}

/** Decodes what the kernel wrote; `null` for other families and for addresses that are cut off. */
export function decodeSockaddr(bytes: Uint8Array): Sockaddr | null {
  if (bytes.length < 2) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const family = view.getUint16(0, true);
  if (family === AF_UNIX) return { family, path: decodePath(bytes.subarray(2)) };
  if (family === AF_INET && bytes.length >= SOCKADDR_IN_SIZE) {
    return { family, address: formatIpv4(bytes.subarray(4)), port: view.getUint16(2, false) };
  }
  if (family === AF_INET6 && bytes.length >= SOCKADDR_IN6_SIZE) {
    return {
      family,
      address: formatIpv6(bytes.subarray(8)),
      port: view.getUint16(2, false),
      scopeId: view.getUint32(24, true),
      flowInfo: view.getUint32(4, false),
    };
  }
  return null;
}

/** A copy, up to the first NUL unless the name is abstract. */
function decodePath(path: Uint8Array): Uint8Array {
  const isAbstract = path[0] === 0 && path.length > 1;
  const end = isAbstract ? -1 : path.indexOf(0);
  return path.slice(0, end === -1 ? path.length : end);
}
