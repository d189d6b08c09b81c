/**
 * Leases of streams, on every backend: the same bytes as reads give, in any mixture of both; what
 * is lent comes back, and nobody starves while it is out.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { createHash } from 'node:crypto';
import { describe, expect } from 'vitest';
import type { Lease } from '../../../src/runtime/lease.ts';
import { backends, Suite } from '../../support/conformance-suite.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { readExactly, tcpPair } from '../../support/tcp-pair.ts';

const suite = new Suite();
const COUNT = 8;
const SIZE = 1024;
const small = { runtime: { receiveBuffers: COUNT, receiveBufferSize: SIZE } };

suite.add(
  'give what reads give, in any mixture',
  async ({ runtime }) => {
    const random = new SeededRandom();
    const { client, server, destroy } = await tcpPair();
    const data = random.bytes(300_000);
    const sending = client.write(data).then(() => client.shutdown());
    const hash = createHash('sha1');
    const held: Lease[] = [];
    for (;;) {
      if (random.chance(0.5)) {
        const chunk = await server.read();
        if (chunk === null) break;
        hash.update(chunk);
      } else {
        const lease = await server.lease();
        if (lease === null) break;
        hash.update(lease.bytes);
        held.push(lease);
        if (held.length > COUNT) held.shift()?.release();
      }
    }
    await sending;
    expect(hash.digest('hex'), random.replay).toBe(createHash('sha1').update(data).digest('hex'));
    for (const lease of held) lease.release();
    expect(runtime.metrics().leased).toBe(0);
    await destroy();
  },
  small,
);

suite.add(
  'starve nobody, however many are held',
  async ({ backend, runtime }) => {
    const { client, server, destroy } = await tcpPair();
    const other = await tcpPair();
    const held: Lease[] = [];
    for (let i = 0; i < COUNT * 2; i += 1) {
      await client.write(Buffer.alloc(16, i));
      const lease = await server.lease();
      if (lease !== null) held.push(lease);
      await other.client.write('x');
      expect(String(await readExactly(other.server, 1))).toBe('x');
    }
    // Each shows its own bytes, lent or copied.
    expect(held.map(({ bytes }) => bytes[0])).toEqual(held.map((_, i) => i));
    const { leased, leasesCopied } = runtime.metrics();
    const isRing = backend === 'uring';
    expect([leased, leasesCopied]).toEqual(isRing ? [COUNT / 2, COUNT + COUNT / 2] : [0, 0]);
    for (const lease of held) lease.release();
    expect(runtime.metrics().leased).toBe(0);
    await Promise.all([destroy(), other.destroy()]);
  },
  small,
);

suite.add(
  'that nobody took come back when the stream closes',
  async ({ runtime }) => {
    const { client, server, destroy } = await tcpPair();
    const first = server.lease();
    await client.write('1');
    (await first)?.release();
    await client.write('2');
    await client.write('3');
    // Whatever has arrived by then waits in the stream.
    await new Promise<void>((resolve) => setImmediate(resolve));
    await server.destroy();
    expect(runtime.metrics().leased).toBe(0);
    await destroy();
  },
  small,
);

suite.add('outlive their stream and their runtime', async ({ runtime }) => {
  const { client, server } = await tcpPair();
  const waiting = server.lease();
  await client.write('still here');
  const lease = await waiting;
  await runtime.close();
  expect(String(lease?.bytes)).toBe('still here');
  lease?.release();
  expect(lease?.isReleased).toBe(true);
});

suite.add('end, fail and are aborted as reads are', async () => {
  const { client, server, destroy } = await tcpPair();
  const controller = new AbortController();
  const aborted = rejectionOf(server.lease({ signal: controller.signal }));
  controller.abort();
  expect((await aborted).name).toBe('AbortError');
  await client.shutdown();
  expect([await server.lease(), await server.read()]).toEqual([null, null]);
  await destroy();
  const closed = await tcpPair();
  await closed.destroy();
  expect((await rejectionOf(closed.server.lease())).code).toBe('ERR_SOCKET_CLOSED');
});

describe.each(backends)('leases on %s', (backend) => {
  suite.define(backend);
});
