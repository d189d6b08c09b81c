/**
 * The arguments of `setKeepAlive`, as the Node that runs takes them: what the kernel is told is
 * held against Node's own sockets.
 */

import * as nodeNet from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isOtherKeepAlive, keepAliveOf, keepAliveOption } from '../../../src/io/net/keep-alive.ts';
import * as net from '../../../src/io/net/net.ts';
import { NO_KEEP_ALIVE } from '../../../src/io/tcp/keep-alive.ts';
import * as sockets from '../../../src/native/constants/sockets.ts';
import type { Engine } from '../../../src/runtime/engine.ts';
import { ringTest } from '../../support/ring-test.ts';

type Act = (socket: nodeNet.Socket & { setKeepAlive(...args: unknown[]): unknown }) => unknown;

const ACTS: readonly Act[] = [
  () => {},
  (socket) => socket.setKeepAlive(true),
  (socket) => socket.setKeepAlive(true, 5900),
  (socket) => socket.setKeepAlive(true, 5000, 2000, 3),
  (socket) => socket.setKeepAlive(true, 5000, 0, 0),
  (socket) => socket.setKeepAlive({ enable: true, initialDelay: 7000, interval: 4000, count: 2 }),
  (socket) => socket.setKeepAlive({ enable: false }),
  (socket) => socket.setKeepAlive(true, 5000) && socket.setKeepAlive(true, 500),
  (socket) => socket.setKeepAlive(true, 5000) && socket.setKeepAlive(),
];

function look({ calls }: Engine, socket: nodeNet.Socket): number[] {
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const { TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT } = sockets;
  return [
    calls.getOption(fd, sockets.SOL_SOCKET, sockets.SO_KEEPALIVE),
    ...[TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT].map((option) =>
      calls.getOption(fd, sockets.IPPROTO_TCP, option),
    ),
  ];
}

/** What the kernel was told of a socket at each end, in each of the ways. */
async function told(engine: Engine, { createServer, connect }: typeof nodeNet): Promise<unknown> {
  const seen: number[][] = [];
  const options = { keepAlive: true, keepAliveInitialDelay: 9000 };
  const server = createServer(options, (peer) => {
    seen.push(look(engine, peer));
    peer.end();
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  for (const act of [...ACTS, null]) {
    const wish = act === null ? { keepAlive: true, keepAliveInitialDelay: 8000 } : {};
    const socket = connect({ port, host: '127.0.0.1', ...wish }).resume();
    await new Promise((resolve) => socket.once('connect', resolve));
    if (act !== null) act(socket);
    seen.push(look(engine, socket));
    await new Promise((resolve) => socket.once('close', resolve));
  }
  await new Promise((resolve) => server.close(resolve));
  return seen.toSorted((a, b) => String(a).localeCompare(String(b)));
}

describe('setKeepAlive', () => {
  ringTest('6.1', 'tells the kernel what Node tells it', async ({ open }) => {
    const engine = open().requireEngine();
    const ours = await told(engine, net);
    expect(ours).toEqual(await told(engine, nodeNet));
    expect(ours).toContainEqual([1, 5, 1, 10]);
  });

  it('turns milliseconds into seconds, and knows what is new', () => {
    expect(keepAliveOption(false, 5000)).toBe(NO_KEEP_ALIVE);
    const five = keepAliveOption(true, 5999);
    expect(five).toEqual({ isOn: true, delay: 5 });
    expect(isOtherKeepAlive(five, keepAliveOf([true, 5000]))).toBe(false);
    expect(isOtherKeepAlive(five, keepAliveOf([true, 6000]))).toBe(true);
    expect(isOtherKeepAlive(five, NO_KEEP_ALIVE)).toBe(true);
    expect(isOtherKeepAlive({ isOn: false, delay: 1 }, NO_KEEP_ALIVE)).toBe(false);
    expect(isOtherKeepAlive(five, { ...five, count: 1 })).toBe(true);
  });
});
