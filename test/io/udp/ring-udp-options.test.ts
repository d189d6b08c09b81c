/**
 * Options as setsockopt(2) gets them: levels, numbers and bytes for both families.
 */

import { describe, expect, it } from 'vitest';
import { AF_INET, AF_INET6 } from '../../../src/native/constants/sockets.ts';
import {
  applyMembership,
  applyMulticastInterface,
  applyOption,
} from '../../../src/io/udp/ring-udp-options.ts';
import type { DirectCalls } from '../../../src/runtime/direct-calls.ts';

/** Calls that are written down, and answered with `result`. */
function noting(result = 0): { calls: DirectCalls; told: unknown[][] } {
  const told: unknown[][] = [];
  const calls = {
    setOption: (...args: unknown[]) => (told.push(args), result),
    setOptionBytes: (fd: number, level: number, option: number, value: Uint8Array) => (
      told.push([fd, level, option, ...value]),
      result
    ),
  } as unknown as DirectCalls;
  return { calls, told };
}

describe('options of datagram sockets', () => {
  it('have their places in both families', () => {
    const { calls, told } = noting();
    for (const domain of [AF_INET, AF_INET6]) {
      applyOption(calls, 3, domain, 'ttl', 9);
      applyOption(calls, 3, domain, 'multicastTtl', 8);
      applyOption(calls, 3, domain, 'broadcast', 1);
    }
    expect(told).toEqual([
      [3, 0, 2, 9],
      [3, 0, 33, 8],
      [3, 1, 6, 1],
      [3, 41, 16, 9],
      [3, 41, 18, 8],
      [3, 1, 6, 1],
    ]);
  });

  it('encode memberships and interfaces', () => {
    const { calls, told } = noting();
    const interfaceName = '10.0.0.1';
    applyMembership(calls, 3, { isMember: true, group: '239.1.2.3', interfaceName });
    applyMembership(calls, 3, { isMember: false, group: '239.1.2.3', interfaceName: undefined });
    applyMembership(calls, 3, { isMember: true, group: 'ff02::1', interfaceName: '::%7' });
    applyMulticastInterface(calls, 3, AF_INET, '10.0.0.1');
    applyMulticastInterface(calls, 3, AF_INET6, '::%7');
    const group = [0xff, 2, ...new Array<number>(13).fill(0), 1];
    expect(told).toEqual([
      [3, 0, 35, 239, 1, 2, 3, 10, 0, 0, 1],
      [3, 0, 36, 239, 1, 2, 3, 0, 0, 0, 0],
      [3, 41, 20, ...group, 7, 0, 0, 0],
      [3, 0, 32, 10, 0, 0, 1],
      [3, 41, 17, 7],
    ]);
  });

  it("are refused in Node's words", () => {
    const { calls } = noting(-22);
    expect(() => applyOption(calls, 3, AF_INET, 'ttl', 1)).toThrow('setTTL EINVAL');
    const membership = { isMember: true, group: 'nonsense', interfaceName: undefined };
    expect(() => applyMembership(calls, 3, membership)).toThrow('addMembership EINVAL');
    expect(() => applyMulticastInterface(calls, 3, AF_INET, 'x')).toThrow(/EINVAL/);
  });
});
