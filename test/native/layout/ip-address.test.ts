/**
 * IP addresses as text, beside `node:net`: which texts are addresses, and how bytes are shown.
 */

import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  formatIpv4,
  formatIpv6,
  parseIpv4,
  parseIpv6,
} from '../../../src/native/layout/ip-address.ts';

/** A small generator with a seed, so that a failure can be run again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
}

const FOUR: readonly string[] = [
  '0.0.0.0',
  '255.255.255.255',
  '127.0.0.1',
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '01.2.3.4',
  '1.2.3.04',
  '1.2.3.',
  '.1.2.3',
  ' 1.2.3.4',
  '1.2.3.4 ',
  '1e1.2.3.4',
  '+1.2.3.4',
  '',
];

const SIX: readonly string[] = [
  '::',
  '::1',
  '1::',
  '1::8',
  '1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7::',
  '::2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7',
  '1::2::3',
  ':::',
  ':1::2',
  '1::2:',
  '1:2:3:4::5:6:7:8',
  '12345::',
  'g::',
  '::ffff:127.0.0.1',
  '::ffff:127.0.0.256',
  '::127.0.0.1',
  '1.2.3.4::',
  '1:2:3:4:5:6:1.2.3.4',
  '1:2:3:4:5:6:7:1.2.3.4',
  '::1.2.3.4:5',
  'FE80::ABCD',
  '',
  ':',
  '1',
];

describe('parseIpv4, parseIpv6', () => {
  it.each(FOUR)('take %j where net.isIPv4 does', (text) => {
    expect(parseIpv4(text) !== null).toBe(isIPv4(text));
  });

  it.each(SIX)('take %j where net.isIPv6 does', (text) => {
    expect(parseIpv6(text) !== null).toBe(isIPv6(text));
  });

  it('leave zones to others', () => {
    expect(parseIpv6('fe80::1%2')).toBeNull();
  });

  it('give the bytes in network order', () => {
    expect(parseIpv4('1.20.255.4')).toEqual(Uint8Array.of(1, 20, 255, 4));
    expect(parseIpv6('1:203::ff:10.11.12.13')).toEqual(
      Uint8Array.of(0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0xff, 10, 11, 12, 13),
    );
  });
});

describe('formatIpv4', () => {
  it('shows four bytes', () => {
    expect(formatIpv4(Uint8Array.of(192, 168, 0, 1))).toBe('192.168.0.1');
  });
});

describe('formatIpv6', () => {
  it('shows what Node shows, for 2000 addresses that are mostly zeros', () => {
    const random = seeded(0x1b51);
    for (let round = 0; round < 2000; round += 1) {
      const groups = Array.from({ length: 8 }, () => {
        const kind = random();
        if (kind < 0.6) return '0';
        return kind < 0.7 ? 'ffff' : Math.floor(random() * 0x10000).toString(16);
      });
      const text = groups.join(':');
      const { address } = new SocketAddress({ address: text, family: 'ipv6' });
      const bytes = parseIpv6(text);
      expect(bytes === null ? null : formatIpv6(bytes), text).toBe(address);
      expect(parseIpv6(address), address).toEqual(bytes);
    }
  });

  it.each(['::', '::1', '::2', '::ffff:0.0.0.1', '::fffe:1:2', '::1.2.3.4', '1::', '::1:0:0'])(
    'shows %s as Node does',
    (text) => {
      const { address } = new SocketAddress({ address: text, family: 'ipv6' });
      expect(formatIpv6(parseIpv6(text) ?? new Uint8Array())).toBe(address);
    },
  );
});
