/**
 * Datagram sockets without a ring: connecting twice, what the kernel would cut, and the end.
 */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { endpoint } from '../../../src/io/tcp/address.ts';
import { bindOnNode } from '../../../src/io/udp/node-udp.ts';
import type { NodeUdp } from '../../../src/io/udp/node-udp.ts';
import { Runtime } from '../../../src/runtime/runtime.ts';

async function open(): Promise<NodeUdp> {
  const runtime = new Runtime({ backend: 'libuv' });
  onTestFinished(() => runtime.close());
  const request = { reuseAddress: false, reusePort: false, ipv6Only: false, gro: true };
  return await bindOnNode(runtime, { ...request, endpoint: endpoint('127.0.0.1', 4, 0) });
}

describe('NodeUdp', () => {
  it('cuts data itself, connects again, and refuses what comes after the end', async () => {
    const socket = await open();
    expect(socket.usesGro).toBe(false);
    const peer = createSocket('udp4');
    peer.bind(0, '127.0.0.1');
    await once(peer, 'listening');
    const sizes: number[] = [];
    peer.on('message', ({ length }) => sizes.push(length));
    const to = endpoint('127.0.0.1', 4, peer.address().port);
    await socket.connect(to);
    await socket.connect(to);
    await new Promise<void>((resolve) => {
      socket.send({ bytes: Buffer.alloc(25), to: null, segmentSize: 10 }, () => resolve());
    });
    while (sizes.length < 3) await once(peer, 'message');
    expect([sizes, socket.queuedBytes]).toEqual([[10, 10, 5], 0]);
    peer.close();
    const closed = new Promise<void>((resolve) => {
      socket.start({ onMessage() {}, onError() {}, onClose: resolve });
    });
    socket.close();
    socket.close();
    await closed;
    const failure = await new Promise<Error | null>((resolve) => {
      socket.send({ bytes: Buffer.alloc(1), to, segmentSize: 0 }, resolve);
    });
    expect(failure).toMatchObject({ code: 'ERR_SOCKET_CLOSED' });
  });
});
