/**
 * A listening socket on Node's own `net`: who waits while it is paused, and what closing means.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { AcceptHandler, ListenRequest } from '../../../src/io/tcp/acceptor.ts';
import type { Connection } from '../../../src/io/tcp/connection.ts';
import { openNodeAcceptor } from '../../../src/io/tcp/node-acceptor.ts';
import type { NodeAcceptor } from '../../../src/io/tcp/node-acceptor.ts';
import { Runtime } from '../../../src/runtime/runtime.ts';
import { rejectionOf } from '../../support/rejections.ts';

const REQUEST: ListenRequest = { hostname: '127.0.0.1', port: 0, backlog: 64, reusePort: false };

interface Listening {
  readonly acceptor: NodeAcceptor;
  readonly connections: Connection[];
  readonly closed: Promise<void>;
  readonly handler: AcceptHandler;
}

let runtime: Runtime;

beforeEach(() => {
  runtime = new Runtime({ backend: 'libuv' });
});

afterEach(async () => {
  await runtime.close();
});

async function listen(): Promise<Listening> {
  const acceptor = await openNodeAcceptor(runtime, REQUEST);
  const connections: Connection[] = [];
  let onClose = (): void => {};
  const closed = new Promise<void>((resolve) => {
    onClose = resolve;
  });
  const handler: AcceptHandler = {
    onConnection: (connection) => void connections.push(connection),
    onError(error) {
      throw error;
    },
    onClose,
  };
  onTestFinished(() => {
    for (const connection of connections) connection.destroy();
  });
  return { acceptor, connections, closed, handler };
}

async function connectTo({ acceptor }: Listening): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: acceptor.address.port });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function someTurns(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
}

describe('openNodeAcceptor', () => {
  it('listens where it was asked to', async () => {
    const listening = await listen();
    const { address } = listening.acceptor;
    expect(address).toEqual({ address: '127.0.0.1', family: 'IPv4', port: address.port });
    const taken = { ...REQUEST, port: address.port };
    expect((await rejectionOf(openNodeAcceptor(runtime, taken))).code).toBe('EADDRINUSE');
    listening.acceptor.start(listening.handler);
    listening.acceptor.close();
    await listening.closed;
  });
});

describe('NodeAcceptor', () => {
  it('hands over who came before start() and while it was paused', async () => {
    const listening = await listen();
    await connectTo(listening);
    await someTurns();
    listening.acceptor.start(listening.handler);
    expect(listening.connections).toHaveLength(1);
    listening.acceptor.pause();
    await connectTo(listening);
    await someTurns();
    expect(listening.connections).toHaveLength(1);
    listening.acceptor.resume();
    expect(listening.connections).toHaveLength(2);
    await connectTo(listening);
    await someTurns();
    expect(listening.connections).toHaveLength(3);
    listening.acceptor.close();
    await listening.closed;
  });

  it('closes at once, although its connections live on', async () => {
    const listening = await listen();
    listening.acceptor.start(listening.handler);
    const socket = await connectTo(listening);
    await someTurns();
    listening.acceptor.close();
    await listening.closed;
    const [connection] = listening.connections;
    socket.write('still');
    const data = new Promise((resolve) => {
      connection?.setHandler({
        onData: (chunk) => resolve(String(chunk)),
        onEnd() {},
        onError() {},
        onDrain() {},
        onClose() {},
      });
    });
    connection?.start();
    expect(await data).toBe('still');
    const refused = connect({ host: '127.0.0.1', port: listening.acceptor.address.port });
    expect((await once(refused, 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('closes connections that nobody took', async () => {
    const listening = await listen();
    listening.acceptor.start(listening.handler);
    listening.acceptor.pause();
    const socket = await connectTo(listening);
    await someTurns();
    listening.acceptor.close();
    await listening.closed;
    socket.resume();
    if (!socket.closed) await once(socket, 'close');
    expect(listening.connections).toEqual([]);
  });

  it('can be unreferenced and referenced', async () => {
    const listening = await listen();
    listening.acceptor.setReferenced(false);
    expect(process.getActiveResourcesInfo()).not.toContain('TCPServerWrap');
    listening.acceptor.setReferenced(true);
    expect(process.getActiveResourcesInfo()).toContain('TCPServerWrap');
    listening.acceptor.start(listening.handler);
    listening.acceptor.close();
    await listening.closed;
  });

  it('is closed with the runtime, once', async () => {
    const listening = await listen();
    listening.acceptor.start(listening.handler);
    await runtime.close();
    await listening.closed;
    listening.acceptor.close();
    listening.acceptor.destroy();
    expect(process.getActiveResourcesInfo()).not.toContain('TCPServerWrap');
  });
});
