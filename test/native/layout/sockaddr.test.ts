/**
 * Socket addresses, byte for byte beside C, and back.
 */

import { describe, expect, it } from 'vitest';
import { AF_INET, AF_INET6, AF_NETLINK, AF_UNIX } from '../../../src/native/constants/sockets.ts';
import {
  decodeSockaddr,
  encodeSockaddr,
  SOCKADDR_IN6_SIZE,
  SOCKADDR_IN_SIZE,
  SOCKADDR_STORAGE_SIZE,
  SOCKADDR_UN_SIZE,
  UNIX_PATH_SIZE,
} from '../../../src/native/layout/sockaddr.ts';
import { recordedHex, recordedStruct } from '../../support/recorded-structs.ts';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

const inet = { family: AF_INET, address: '192.168.1.200', port: 8080 } as const;
const inet6 = {
  family: AF_INET6,
  address: 'fe80::a:b',
  port: 443,
  scopeId: 3,
  flowInfo: 0x12345,
} as const;

describe('sizes', () => {
  it('are those of C', () => {
    expect([
      SOCKADDR_UN_SIZE,
      SOCKADDR_IN_SIZE,
      SOCKADDR_IN6_SIZE,
      SOCKADDR_STORAGE_SIZE,
      UNIX_PATH_SIZE,
    ]).toEqual([110, 16, 28, 128, 108]);
  });
});

describe('IPv4', () => {
  it('is encoded and decoded', () => {
    expect(hex(encodeSockaddr(inet))).toBe(recordedHex('sockaddr_in'));
    expect(decodeSockaddr(recordedStruct('sockaddr_in'))).toEqual(inet);
  });

  it('is not decoded when it is cut off', () => {
    expect(decodeSockaddr(recordedStruct('sockaddr_in').subarray(0, 15))).toBeNull();
  });

  it('refuses text that is no address', () => {
    expect(() => encodeSockaddr({ ...inet, address: 'localhost' })).toThrow(/IPv4 address as text/);
  });
});

describe('IPv6', () => {
  it('is encoded and decoded, with scope and flow', () => {
    expect(hex(encodeSockaddr(inet6))).toBe(recordedHex('sockaddr_in6'));
    expect(decodeSockaddr(recordedStruct('sockaddr_in6'))).toEqual(inet6);
  });

  it('takes a numeric zone for the scope', () => {
    const { flowInfo, port } = inet6;
    const zoned = { family: AF_INET6, address: 'fe80::a:b%3', port, flowInfo };
    expect(hex(encodeSockaddr(zoned))).toBe(recordedHex('sockaddr_in6'));
  });

  it('has no scope and no flow unless they are given', () => {
    const decoded = decodeSockaddr(encodeSockaddr({ family: AF_INET6, address: '::1', port: 0 }));
    expect(decoded).toEqual({
      family: AF_INET6,
      address: '::1',
      port: 0,
      scopeId: 0,
      flowInfo: 0,
    });
  });

  it('is not decoded when it is cut off', () => {
    expect(decodeSockaddr(recordedStruct('sockaddr_in6').subarray(0, 27))).toBeNull();
  });

  it('refuses text that is no address, and families without ports', () => {
    expect(() => encodeSockaddr({ ...inet6, address: '::g' })).toThrow(/IPv6 address as text/);
    expect(() => encodeSockaddr({ ...inet6, family: AF_NETLINK })).toThrow(/A family/);
  });
});

describe('Unix', () => {
  const unix = (path: string): { family: typeof AF_UNIX; path: Uint8Array } => ({
    family: AF_UNIX,
    path: Uint8Array.from(Buffer.from(path)),
  });

  it.each([
    ['/tmp/a.sock', 'sockaddr_un_path'],
    ['\0hidden', 'sockaddr_un_abstract'],
    ['', 'sockaddr_un_unnamed'],
  ] as const)('encodes and decodes %j', (path, name) => {
    expect(hex(encodeSockaddr(unix(path)))).toBe(recordedHex(name));
    expect(decodeSockaddr(recordedStruct(name))).toEqual(unix(path));
  });

  it('stops at the NUL of a path with room behind it', () => {
    const bytes = new Uint8Array(SOCKADDR_UN_SIZE);
    bytes.set(recordedStruct('sockaddr_un_path'));
    expect(decodeSockaddr(bytes)).toEqual(unix('/tmp/a.sock'));
  });

  it('keeps NULs inside an abstract name', () => {
    const name = unix('\0a\0b');
    expect(decodeSockaddr(encodeSockaddr(name))).toEqual(name);
  });

  it('takes as many bytes as there is room for', () => {
    expect(encodeSockaddr(unix('p'.repeat(107)))).toHaveLength(SOCKADDR_UN_SIZE);
    expect(encodeSockaddr(unix(`\0${'p'.repeat(107)}`))).toHaveLength(SOCKADDR_UN_SIZE);
    expect(() => encodeSockaddr(unix('p'.repeat(108)))).toThrow(/fits into sockaddr_un/);
    expect(() => encodeSockaddr(unix(`\0${'p'.repeat(108)}`))).toThrow(/fits into sockaddr_un/);
  });
});

describe('decodeSockaddr', () => {
  it('is null for nothing, for half a family and for families it does not know', () => {
    expect(decodeSockaddr(new Uint8Array(0))).toBeNull();
    expect(decodeSockaddr(new Uint8Array(1))).toBeNull();
    expect(decodeSockaddr(Uint8Array.of(AF_NETLINK, 0, ...Array<number>(26).fill(0)))).toBeNull();
  });

  it('reads a view at its own offset', () => {
    const bytes = new Uint8Array(32);
    bytes.set(recordedStruct('sockaddr_in'), 5);
    expect(decodeSockaddr(bytes.subarray(5, 5 + SOCKADDR_IN_SIZE))).toEqual(inet);
  });
});
