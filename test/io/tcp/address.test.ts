/**
 * Addresses: validation, resolution, and what the kernel answers.
 */

import { describe, expect, it } from 'vitest';
import {
  addressOf,
  endpoint,
  resolveEndpoints,
  validateHostname,
  validatePort,
} from '../../../src/io/tcp/address.ts';
import { EINVAL } from '../../../src/native/errno.ts';
import { AF_INET, AF_INET6, AF_UNIX } from '../../../src/native/constants/sockets.ts';
import { encodeSockaddr } from '../../../src/native/layout/sockaddr.ts';

describe('validatePort', () => {
  it.each([0, 1, 80, 65_535])('takes %i', (port) => {
    expect(validatePort(port, 'options.port')).toBe(port);
  });

  it.each([
    [-1, 'ERR_OUT_OF_RANGE'],
    [65_536, 'ERR_OUT_OF_RANGE'],
    [1.5, 'ERR_OUT_OF_RANGE'],
    [Number.NaN, 'ERR_OUT_OF_RANGE'],
    ['80', 'ERR_INVALID_ARG_TYPE'],
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
  ])('refuses %s', (port, code) => {
    expect(() => validatePort(port, 'options.port')).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining('"options.port"') }),
    );
  });
});

describe('validateHostname', () => {
  it('takes a string or nothing', () => {
    expect(validateHostname('::1', 'hostname')).toBe('::1');
    expect(validateHostname(undefined, 'hostname')).toBeUndefined();
    for (const wrong of [null, 1, {}, ['::1']]) {
      expect(() => validateHostname(wrong, 'hostname')).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
      );
    }
  });
});

describe('resolveEndpoints', () => {
  it('takes IP addresses as they are', async () => {
    expect(await resolveEndpoints('192.0.2.1', 80)).toEqual([
      { address: '192.0.2.1', family: 'IPv4', port: 80, domain: AF_INET, scopeId: 0 },
    ]);
    expect(await resolveEndpoints('2001:db8::1', 80)).toEqual([
      { address: '2001:db8::1', family: 'IPv6', port: 80, domain: AF_INET6, scopeId: 0 },
    ]);
  });

  it('asks the resolver for names', async () => {
    const found = await resolveEndpoints('localhost', 443);
    expect(found.length).toBeGreaterThan(0);
    for (const { address, port, family, domain } of found) {
      expect(['127.0.0.1', '::1']).toContain(address);
      expect(port).toBe(443);
      expect([family, domain]).toEqual(address === '::1' ? ['IPv6', AF_INET6] : ['IPv4', AF_INET]);
    }
  });

  it('rejects with the resolver’s error', async () => {
    await expect(resolveEndpoints('no such host', 80)).rejects.toMatchObject({
      syscall: 'getaddrinfo',
      hostname: 'no such host',
    });
  });
});

describe('endpoint', () => {
  it('is as frozen as its type says: plain data', () => {
    expect(endpoint('::1', 6, 1)).toEqual({
      address: '::1',
      family: 'IPv6',
      port: 1,
      domain: AF_INET6,
      scopeId: 0,
    });
  });
});

describe('addressOf', () => {
  it('reads both families', () => {
    const four = encodeSockaddr({ family: AF_INET, address: '10.1.2.3', port: 0x1234 });
    expect(addressOf(four)).toEqual({ address: '10.1.2.3', family: 'IPv4', port: 0x1234 });
    const six = encodeSockaddr({ family: AF_INET6, address: 'fe80::1', port: 65_535 });
    expect(addressOf(six)).toEqual({ address: 'fe80::1', family: 'IPv6', port: 65_535 });
  });

  it('is null for a failure, another family, and what is cut off', () => {
    expect(addressOf(-EINVAL)).toBeNull();
    expect(addressOf(encodeSockaddr({ family: AF_UNIX, path: Buffer.from('/x') }))).toBeNull();
    expect(addressOf(new Uint8Array(0))).toBeNull();
    const four = encodeSockaddr({ family: AF_INET, address: '10.1.2.3', port: 1 });
    expect(addressOf(four.subarray(0, 7))).toBeNull();
  });
});
