/**
 * Encoded addresses: written once, and never given back while a send uses them.
 */

import { describe, expect, it } from 'vitest';
import { endpoint } from '../../../src/io/tcp/address.ts';
import { Destinations } from '../../../src/io/udp/destinations.ts';
import type { Destination } from '../../../src/io/udp/destinations.ts';
import { MemoryPool } from '../../../src/runtime/memory-pool.ts';
import { SimKernel } from '../../support/sim-kernel.ts';

function given(): { destinations: Destinations; pool: MemoryPool } {
  const pool = new MemoryPool(new SimKernel());
  return { destinations: new Destinations(pool), pool };
}

describe('Destinations', () => {
  it('writes an address once', () => {
    const { destinations } = given();
    const first = destinations.of(endpoint('127.0.0.1', 4, 53));
    expect([first.size, first.block.bytes.readUInt16BE(2)]).toEqual([16, 53]);
    expect(destinations.of(endpoint('127.0.0.1', 4, 53))).toBe(first);
    expect(destinations.of(endpoint('127.0.0.1', 4, 54))).not.toBe(first);
    expect(destinations.of(endpoint('::1', 6, 53)).size).toBe(28);
  });

  it('gives back what no send uses, when there are many', () => {
    const { destinations } = given();
    const used: Destination[] = [];
    for (let port = 1; port <= 256; port += 1) {
      const destination = destinations.of(endpoint('127.0.0.1', 4, port));
      destination.users = port % 2;
      if (destination.users > 0) used.push(destination);
    }
    const blocks = new Set(used.map(({ block }) => block));
    for (let port = 300; port < 500; port += 1) {
      expect(blocks.has(destinations.of(endpoint('127.0.0.1', 4, port)).block)).toBe(false);
    }
    expect(destinations.of(endpoint('127.0.0.1', 4, 1))).toBe(used[0]);
  });

  it('gives everything back at the end', () => {
    const { destinations, pool } = given();
    const { block } = destinations.of(endpoint('127.0.0.1', 4, 1));
    destinations.clear();
    expect(pool.take(16)).toBe(block);
  });
});
