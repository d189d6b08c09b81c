/**
 * Arguments of datagram sockets: defaults, and which address a name becomes.
 */

import { describe, expect, it } from 'vitest';
import { validateBind, validateTarget } from '../../../src/io/udp/udp-arguments.ts';

describe('validateBind', () => {
  it('fills in every field', async () => {
    const { request, callbacks, queueMax, signal } = await validateBind({});
    expect(request).toMatchObject({
      endpoint: { address: '0.0.0.0', family: 'IPv4', port: 0 },
      reuseAddress: false,
      reusePort: false,
      ipv6Only: false,
      gro: false,
    });
    expect([callbacks, queueMax, signal]).toEqual([undefined, 1024, undefined]);
  });

  it('binds to all addresses of a family, or to the one that is named', async () => {
    const six = await validateBind({ family: 'IPv6', port: 5 });
    expect(six.request.endpoint).toMatchObject({ address: '::', family: 'IPv6', port: 5 });
    const named = await validateBind({ hostname: '::1' });
    expect(named.request.endpoint).toMatchObject({ address: '::1', family: 'IPv6' });
    const local = await validateBind({ hostname: 'localhost' });
    expect(local.request.endpoint.address).toBe('127.0.0.1');
  });
});

describe('validateTarget', () => {
  it('tells addresses from names', () => {
    expect(validateTarget({ address: '::1', port: 9 }).endpoint).toMatchObject({ family: 'IPv6' });
    expect(validateTarget({ hostname: '127.0.0.1', port: 9 }).endpoint?.port).toBe(9);
    expect(validateTarget({ hostname: 'a.example', port: 9 })).toEqual({
      endpoint: undefined,
      hostname: 'a.example',
      port: 9,
      segmentSize: 0,
    });
    expect(validateTarget({ port: 9 }).hostname).toBe('localhost');
  });
});
