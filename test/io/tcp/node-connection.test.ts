/**
 * A connection on Node's own `net`: that it says the same things, in the same order, as the one on
 * the ring. What both do for their faces is in `conformance/`.
 */

import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { ConnectionHandler } from '../../../src/io/tcp/connection.ts';
import { connectOnNode } from '../../../src/io/tcp/node-connection.ts';
import type { NodeConnection } from '../../../src/io/tcp/node-connection.ts';
import { Runtime } from '../../../src/runtime/runtime.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { fullBacklog } from '../../support/silent-listener.ts';

const MORE_THAN_BUFFERS = 16 * 1024 * 1024;

class Listening implements ConnectionHandler {
  readonly said: string[] = [];

  onData(chunk: Buffer): void {
    this.said.push(`data ${String(chunk)}`);
  }

  onEnd(): void {
    this.said.push('end');
  }

  onError(error: Error): void {
    this.said.push(`error ${(error as Error & { code: string }).code}`);
  }

  onDrain(): void {
    this.said.push('drain');
  }

  onClose(): void {
    this.said.push('close');
  }

  async until(what: string): Promise<void> {
    while (!this.said.includes(what)) await nextTurn();
  }
}

let runtime: Runtime;

beforeEach(() => {
  runtime = new Runtime({ backend: 'libuv' });
});

afterEach(async () => {
  await runtime.close();
});

interface Connected {
  readonly connection: NodeConnection;
  readonly listening: Listening;
  readonly peer: Socket;
}

async function connected(): Promise<Connected> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const { port } = server.address() as AddressInfo;
  const connection = await connectOnNode(runtime, '127.0.0.1', port, undefined);
  const [peer] = await accepted;
  server.close();
  peer.on('error', () => {});
  const listening = new Listening();
  connection.setHandler(listening);
  onTestFinished(() => {
    peer.destroy();
    connection.destroy();
  });
  return { connection, listening, peer };
}

describe('connectOnNode', () => {
  it('rejects with the reason when it is aborted on its way', async () => {
    const silent = await fullBacklog();
    const controller = new AbortController();
    const attempt = rejectionOf(
      connectOnNode(runtime, '127.0.0.1', silent.port, controller.signal),
    );
    await nextTurn();
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await attempt).toBe(reason);
    silent.close();
  });

  it('lets go of the signal once it is connected', async () => {
    const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const controller = new AbortController();
    const { port } = server.address() as AddressInfo;
    const connection = await connectOnNode(runtime, '127.0.0.1', port, controller.signal);
    controller.abort();
    await nextTurn();
    expect(connection.isClosed).toBe(false);
    const listening = new Listening();
    connection.setHandler(listening);
    connection.close();
    await listening.until('close');
    server.close();
  });
});

describe('NodeConnection', () => {
  it('receives between start() and stop() only', async () => {
    const { connection, listening, peer } = await connected();
    peer.write('1');
    for (let turns = 0; turns < 10; turns += 1) await nextTurn();
    expect(listening.said).toEqual([]);
    connection.start();
    await listening.until('data 1');
    connection.stop();
    peer.write('2');
    for (let turns = 0; turns < 10; turns += 1) await nextTurn();
    expect(listening.said).toEqual(['data 1']);
    connection.start();
    await listening.until('data 2');
    peer.end();
    await listening.until('end');
    connection.close();
    await listening.until('close');
    expect(listening.said).toEqual(['data 1', 'data 2', 'end', 'close']);
  });

  it('calls back in order, then says drain', async () => {
    const { connection, listening, peer } = await connected();
    peer.resume();
    const order: string[] = [];
    connection.send(Buffer.from('abc'), (error) => order.push(`1 ${error}`));
    connection.send(Buffer.from('de'), (error) => order.push(`2 ${error}`));
    expect(connection.queuedBytes).toBe(5);
    await listening.until('drain');
    expect([order, connection.queuedBytes]).toEqual([['1 null', '2 null'], 0]);
    expect(connection.bytesWritten).toBe(5);
  });

  it('fails what waits when it is destroyed, and does not say drain', async () => {
    const { connection, listening } = await connected();
    const outcomes: (string | undefined)[] = [];
    for (let i = 0; i < 3; i += 1) {
      connection.send(Buffer.alloc(MORE_THAN_BUFFERS), (error) => {
        outcomes.push((error as (Error & { code: string }) | null)?.code);
      });
    }
    await nextTurn();
    connection.destroy();
    await listening.until('close');
    const closed = 'ERR_SOCKET_CLOSED';
    expect([outcomes, listening.said]).toEqual([[closed, closed, closed], ['close']]);
  });

  it('refuses sends and shutdowns after a shutdown and after a close', async () => {
    const { connection, listening, peer } = await connected();
    peer.resume();
    const outcomes: (string | undefined)[] = [];
    const note = (error: Error | null): void => {
      outcomes.push((error as (Error & { code: string }) | null)?.code);
    };
    connection.shutdown(note);
    connection.send(Buffer.from('x'), note);
    connection.shutdown(note);
    await once(peer, 'end');
    connection.close();
    connection.send(Buffer.from('x'), note);
    connection.shutdown(note);
    await listening.until('close');
    const refused = outcomes.filter((code) => code === 'ERR_SOCKET_CLOSED');
    expect([outcomes.length, refused.length]).toEqual([5, 4]);
  });

  it('tells a shutdown that waits when it is destroyed', async () => {
    const { connection, listening } = await connected();
    const outcomes: unknown[] = [];
    connection.send(Buffer.alloc(MORE_THAN_BUFFERS), (error) => outcomes.push(error));
    connection.shutdown((error) => outcomes.push(error));
    await nextTurn();
    connection.destroy();
    await listening.until('close');
    const closed = { code: 'ERR_SOCKET_CLOSED' };
    expect(outcomes).toMatchObject([closed, closed]);
  });

  it('says error and close when it is reset, and is closed then', async () => {
    const { connection, listening, peer } = await connected();
    connection.start();
    await nextTurn();
    peer.resetAndDestroy();
    await listening.until('error ECONNRESET');
    connection.destroy();
    await listening.until('close');
    expect(listening.said).toEqual(['error ECONNRESET', 'close']);
    expect(connection.isClosed).toBe(true);
  });

  it('knows its addresses after it is closed', async () => {
    const { connection, listening, peer } = await connected();
    connection.destroy();
    await listening.until('close');
    expect(connection.remoteAddress).toMatchObject({ address: '127.0.0.1', family: 'IPv4' });
    expect(connection.localAddress?.port).toBeGreaterThan(0);
    connection.setNoDelay(false);
    connection.setKeepAlive(true, 1000);
    connection.setReferenced(false);
    connection.setReferenced(true);
    expect(peer.destroyed).toBe(false);
  });

  it('is destroyed with the runtime', async () => {
    const { connection, listening } = await connected();
    const outcomes: unknown[] = [];
    connection.send(Buffer.alloc(MORE_THAN_BUFFERS), (error) => outcomes.push(error));
    await runtime.close();
    await listening.until('close');
    expect(outcomes).toMatchObject([{ code: 'ERR_SOCKET_CLOSED' }]);
    expect(connection.isClosed).toBe(true);
  });

  it('tells a handler that comes too late that it is closed', async () => {
    const { connection, listening } = await connected();
    connection.destroy();
    await listening.until('close');
    const late = new Listening();
    connection.setHandler(late);
    expect(late.said).toEqual([]);
    await late.until('close');
  });
});
