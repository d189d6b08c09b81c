/**
 * What a socket holds of the ring: its async resource, its writes, and closing in every state.
 */

import { createHook, executionAsyncId } from 'node:async_hooks';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect } from 'vitest';
import { createConnection } from '../../../src/io/net/create-connection.ts';
import { Server } from '../../../src/io/net/server.ts';
import { SocketHandle, sizeOfChunk } from '../../../src/io/net/socket-handle.ts';
import { closeQuietly } from '../../support/quiet-ring.ts';
import { ringTest } from '../../support/ring-test.ts';

describe('SocketHandle', () => {
  ringTest('6.1', 'is the async resource of the events, and ends as one', async ({ open }) => {
    const runtime = open();
    const ended: number[] = [];
    const hook = createHook({ destroy: (id) => void ended.push(id) }).enable();
    const server = new Server((peer) => peer.end('x')).listen(0);
    const socket = createConnection((server.address() as AddressInfo).port);
    const id = socket._handle?.getAsyncId();
    const seen: number[] = [];
    for (const event of ['connect', 'data', 'close']) {
      socket.on(event, () => seen.push(executionAsyncId()));
    }
    await once(socket, 'close');
    await closeQuietly(runtime, server);
    await new Promise(setImmediate);
    hook.disable();
    expect(seen).toEqual([id, id, id]);
    expect(ended).toContain(id);
  });

  ringTest('6.1', 'writes small pieces as if they were with the kernel', async ({ open }) => {
    const runtime = open();
    const server = new Server().listen(0);
    const socket = createConnection((server.address() as AddressInfo).port);
    const [[peer]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [
      [typeof socket],
      unknown,
    ];
    let received = '';
    peer.on('data', (chunk: Buffer) => (received += String(chunk)));
    const bytes = Buffer.from('hello');
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      socket.write(bytes, () => {
        order.push('written');
        // What was written is nobody's any more.
        bytes.fill('x');
        socket.write(' world');
        socket.destroy();
        resolve();
      });
      process.nextTick(() => order.push('tick'));
      setImmediate(() => order.push('immediate'));
      order.push(`length ${socket.writableLength}`);
    });
    await once(peer, 'close');
    expect(order.slice(0, 3)).toEqual(['length 0', 'written', 'tick']);
    expect(received).toBe('hello world');
    await closeQuietly(runtime, server);
  });

  ringTest('6.1', 'tells whoever writes faster than anybody reads', async ({ open }) => {
    const runtime = open();
    const server = new Server({ pauseOnConnect: true }).listen(0);
    const socket = createConnection((server.address() as AddressInfo).port);
    const [peer] = (await once(server, 'connection')) as [typeof socket];
    let isGoingOn = true;
    // A megabyte more than any buffer of the kernel's would be a hang.
    for (let turns = 0; isGoingOn && turns < 100_000; turns += 1) {
      isGoingOn = socket.write('x'.repeat(4000));
      await new Promise(setImmediate);
    }
    expect([isGoingOn, socket.writableNeedDrain]).toEqual([false, true]);
    peer.resume();
    await once(socket, 'drain');
    socket.destroy();
    await once(peer, 'close');
    await closeQuietly(runtime, server);
  });

  ringTest('6.1', 'sends strings and buffers of a vector as one', async ({ open }) => {
    const runtime = open();
    const server = new Server().listen(0);
    const socket = createConnection((server.address() as AddressInfo).port);
    const [peer] = await once(server, 'connection');
    peer.pipe(peer);
    for (const size of [3, 40_000]) {
      const pieces: [string | Buffer, BufferEncoding][] = [
        ['ä'.repeat(size), 'utf8'],
        [Buffer.alloc(size, 1), 'utf8'],
        ['ff'.repeat(size), 'hex'],
        ['', 'utf8'],
        ['é'.repeat(size), 'latin1'],
      ];
      const expected = Buffer.concat(
        pieces.map(([piece, encoding]) =>
          typeof piece === 'string' ? Buffer.from(piece, encoding) : piece,
        ),
      );
      socket.cork();
      for (const [piece, encoding] of pieces) socket.write(piece, encoding);
      socket.uncork();
      const chunks: Buffer[] = [];
      while (Buffer.concat(chunks).length < expected.length) {
        chunks.push(...((await once(socket, 'data')) as [Buffer]));
      }
      expect(Buffer.concat(chunks).equals(expected)).toBe(true);
    }
    expect([sizeOfChunk('ä', 'utf8'), sizeOfChunk(Buffer.alloc(3), 'utf8')]).toEqual([2, 3]);
    socket.end();
    await once(socket.resume(), 'close');
    await closeQuietly(runtime, server);
  });

  ringTest('6.1', 'closes in every state, once', async ({ open }) => {
    const runtime = open();
    let closings = 0;
    const count = (): number => closings;
    const fresh = new SocketHandle(runtime, false);
    expect([fresh.fd, fresh.hasRef(), fresh.bytesRead, fresh.writeQueueSize]).toEqual([
      -1,
      true,
      0,
      0,
    ]);
    fresh.close(() => (closings += 1));
    fresh.close(() => (closings += 100));
    const bound = new SocketHandle(runtime, false);
    const { endpoint } = await import('../../../src/io/tcp/address.ts');
    bound.bindTo(endpoint('127.0.0.1', 4, 0));
    bound.unref();
    bound.close(() => (closings += 1));
    expect([bound.fd, bound.hasRef()]).toEqual([-1, false]);
    while (count() < 2) await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(closings).toBe(2);
  });

  ringTest('6.1', 'says that it cannot write before it is connected', async ({ open }) => {
    const handle = new SocketHandle(open(), false);
    const error = await new Promise((resolve) => handle.write('x', 'utf8', resolve));
    expect(error).toMatchObject({ code: 'EBADF', syscall: 'write' });
    await new Promise<void>((resolve) => handle.close(resolve));
  });
});
