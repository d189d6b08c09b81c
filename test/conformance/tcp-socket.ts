/**
 * The callback form: what is called, in which order, and what happens when a callback throws. The
 * same cases for every backend.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { TcpListener } from '../../src/io/tcp/tcp-listener.ts';
import type { SocketCallbacks, TcpSocket } from '../../src/io/tcp/tcp-socket.ts';
import { TcpStream } from '../../src/io/tcp/tcp-stream.ts';
import { Suite } from '../support/conformance-suite.ts';
import { readAll, readExactly } from '../support/tcp-pair.ts';
import { uncaughtErrors } from '../support/uncaught-errors.ts';

export const socketSuite: Suite = new Suite();

const LOOPBACK = '127.0.0.1';
const MORE_THAN_BUFFERS = 16 * 1024 * 1024;

/** A listener in callback form, and what was called on it, in order. */
interface Served {
  readonly listener: TcpListener;
  readonly port: number;
  readonly calls: string[];
  /** Resolves when the first socket is closed. */
  readonly closed: Promise<void>;
}

async function serve(callbacks: Partial<SocketCallbacks> = {}): Promise<Served> {
  const calls: string[] = [];
  let onClosed = (): void => {};
  const closed = new Promise<void>((resolve) => {
    onClosed = resolve;
  });
  const listener = await TcpListener.listen({
    hostname: LOOPBACK,
    port: 0,
    socket: {
      open(socket) {
        calls.push('open');
        callbacks.open?.(socket);
      },
      data(socket, chunk) {
        if (calls.at(-1) !== 'data') calls.push('data');
        callbacks.data?.(socket, chunk);
      },
      drain(socket) {
        calls.push('drain');
        callbacks.drain?.(socket);
      },
      error(socket, error) {
        calls.push(`error ${(error as Error & { code: string }).code}`);
        callbacks.error?.(socket, error);
      },
      close(socket) {
        calls.push('close');
        onClosed();
        callbacks.close?.(socket);
      },
    },
  });
  return { listener, port: listener.address().port, calls, closed };
}

async function nodeClient(port: number): Promise<Socket> {
  const socket = connect({ host: LOOPBACK, port, allowHalfOpen: true });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Waits in turns of the loop. */
async function happens(hasHappened: () => boolean): Promise<void> {
  while (!hasHappened()) await nextTurn();
}

function echo(socket: TcpSocket, chunk: Buffer): void {
  socket.write(chunk);
}

socketSuite.add('open, data and close are called in this order', async () => {
  const { listener, port, calls, closed } = await serve({ data: echo });
  const client = await TcpStream.connect({ hostname: LOOPBACK, port });
  await client.write('ping');
  expect(String(await client.read())).toBe('ping');
  await client.close();
  await closed;
  expect(calls).toEqual(['open', 'data', 'close']);
  await listener.close();
});

socketSuite.add('an echo of much data comes back whole', async () => {
  const { listener, port, closed } = await serve({ data: echo });
  const client = await TcpStream.connect({ hostname: LOOPBACK, port });
  const bytes = Buffer.alloc(4_000_000);
  for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(i, i);
  const [received] = await Promise.all([readExactly(client, bytes.length), client.write(bytes)]);
  expect(received.equals(bytes)).toBe(true);
  await client.close();
  await closed;
  await listener.close();
});

socketSuite.add('the peer’s end sends what is queued, then closes', async () => {
  const bytes = Buffer.alloc(MORE_THAN_BUFFERS, 'x');
  const { listener, port, calls, closed } = await serve({
    data: (socket) => void socket.write(bytes),
  });
  const client = await TcpStream.connect({ hostname: LOOPBACK, port });
  await client.write('go');
  await client.shutdown();
  expect((await readAll(client)).length).toBe(bytes.length);
  await closed;
  expect(calls.filter((call) => call !== 'drain')).toEqual(['open', 'data', 'close']);
  await client.close();
  await listener.close();
});

socketSuite.add('write() says when it is too much, and drain when it is over', async () => {
  const results: boolean[] = [];
  const queued: number[] = [];
  const { listener, port, calls, closed } = await serve({
    open: (socket) => {
      results.push(socket.write('little'));
      for (let i = 0; i < 4; i += 1)
        results.push(socket.write(Buffer.alloc(MORE_THAN_BUFFERS / 4)));
      queued.push(socket.queuedBytes);
    },
    drain: (socket) => {
      queued.push(socket.queuedBytes);
      socket.end();
    },
  });
  const client = await TcpStream.connect({ hostname: LOOPBACK, port });
  expect((await readAll(client)).length).toBe(6 + MORE_THAN_BUFFERS);
  await client.close();
  await closed;
  expect(results).toEqual([true, false, false, false, false]);
  expect(queued).toEqual([6 + MORE_THAN_BUFFERS, 0]);
  expect(calls).toEqual(['open', 'drain', 'close']);
  await listener.close();
});

socketSuite.add('drain is called only after write() returned false', async () => {
  const { listener, port, calls, closed } = await serve({ data: echo });
  const client = await TcpStream.connect({ hostname: LOOPBACK, port });
  for (let i = 0; i < 10; i += 1) {
    await client.write('x');
    await client.read();
  }
  await client.close();
  await closed;
  expect(calls).not.toContain('drain');
  await listener.close();
});

socketSuite.add('end(data) sends it, and everything before it', async () => {
  const { listener, port, calls, closed } = await serve({
    open: (socket) => {
      socket.write('one ');
      socket.write(Buffer.from('two '));
      socket.end('three');
      // What comes after the end is not sent, and is no error.
      socket.write('four');
    },
  });
  const client = await TcpStream.connect({ hostname: LOOPBACK, port });
  expect(String(await readAll(client))).toBe('one two three');
  await closed;
  expect(calls).toEqual(['open', 'close']);
  await client.close();
  await listener.close();
});

socketSuite.add('destroy() closes at once', async () => {
  const { listener, port, calls, closed } = await serve({
    open: (socket) => {
      socket.write(Buffer.alloc(MORE_THAN_BUFFERS));
      socket.destroy();
    },
  });
  const client = await nodeClient(port);
  await closed;
  expect(calls).toEqual(['open', 'close']);
  client.destroy();
  await listener.close();
});

socketSuite.add('pause() stops data, resume() goes on', async () => {
  let paused: TcpSocket | undefined;
  const chunks: string[] = [];
  const { listener, port, closed } = await serve({
    data: (socket, chunk) => {
      chunks.push(String(chunk));
      if (chunks.length === 1) {
        paused = socket;
        socket.pause();
      }
    },
  });
  const client = await TcpStream.connect({ hostname: LOOPBACK, port });
  await client.write('first');
  await happens(() => paused !== undefined);
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
  await client.write('second');
  for (let turns = 0; turns < 50; turns += 1) await nextTurn();
  expect(chunks).toEqual(['first']);
  paused?.resume();
  await happens(() => chunks.length === 2);
  expect(chunks).toEqual(['first', 'second']);
  await client.close();
  await closed;
  await listener.close();
});

socketSuite.add('pause() in open holds until resume()', async () => {
  let opened: TcpSocket | undefined;
  const { listener, port, calls, closed } = await serve({
    open: (socket) => {
      opened = socket;
      socket.pause();
    },
  });
  const client = await TcpStream.connect({ hostname: LOOPBACK, port });
  await client.write('data');
  for (let turns = 0; turns < 50; turns += 1) await nextTurn();
  expect(calls).toEqual(['open']);
  opened?.resume();
  await happens(() => calls.includes('data'));
  await client.close();
  await closed;
  await listener.close();
});

socketSuite.add('pause() and resume() in a row change nothing', async () => {
  const { listener, port, closed } = await serve({
    data: (socket, chunk) => {
      socket.pause();
      socket.resume();
      socket.pause();
      socket.resume();
      socket.write(chunk);
    },
  });
  const client = await TcpStream.connect({ hostname: LOOPBACK, port });
  const bytes = Buffer.alloc(1_000_000, 'x');
  const [received] = await Promise.all([readExactly(client, bytes.length), client.write(bytes)]);
  expect(received.equals(bytes)).toBe(true);
  await client.close();
  await closed;
  await listener.close();
});

socketSuite.add('a reset is an error, then a close', async () => {
  const { listener, port, calls, closed } = await serve();
  const client = await nodeClient(port);
  client.write('x');
  await happens(() => calls.includes('data'));
  client.resetAndDestroy();
  await closed;
  expect(calls).toEqual(['open', 'data', 'error ECONNRESET', 'close']);
  await listener.close();
});

socketSuite.add('many failed writes are one error', async () => {
  const { listener, port, calls, closed } = await serve({
    open: (socket) => {
      for (let i = 0; i < 10; i += 1) socket.write(Buffer.alloc(MORE_THAN_BUFFERS / 8));
    },
  });
  const client = await nodeClient(port);
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
  client.resetAndDestroy();
  await closed;
  const failures = calls.filter((call) => call.startsWith('error'));
  expect(failures).toHaveLength(1);
  expect(['error ECONNRESET', 'error EPIPE']).toContain(failures[0]);
  expect(calls.at(-1)).toBe('close');
  await listener.close();
});

socketSuite.add('a socket knows its addresses, counts, and carries data', async () => {
  const seen: unknown[] = [];
  const { listener, port, closed } = await serve({
    open: (socket) => {
      socket.data = { greeted: true };
      seen.push(socket.localAddress?.port, socket.remoteAddress);
      socket.write('hello');
    },
    data: (socket) => {
      seen.push(socket.data, socket.bytesRead, socket.bytesWritten, socket.queuedBytes);
    },
  });
  const client = await TcpStream.connect({ hostname: LOOPBACK, port });
  await client.read();
  await client.write('123');
  const address = client.localAddress;
  await client.close();
  await closed;
  expect(seen).toEqual([port, address, { greeted: true }, 3, 5, 0]);
  await listener.close();
});

socketSuite.add('write() refuses what is not bytes, and the socket lives on', async () => {
  const codes: unknown[] = [];
  const { listener, port, closed } = await serve({
    data: (socket, chunk) => {
      for (const wrong of [undefined, 1, {}, new Uint8Array(new SharedArrayBuffer(1))]) {
        try {
          socket.write(wrong as string);
        } catch (error) {
          codes.push((error as { code: string }).code);
        }
      }
      socket.write(chunk);
    },
  });
  const client = await TcpStream.connect({ hostname: LOOPBACK, port });
  await client.write('fine');
  expect(String(await client.read())).toBe('fine');
  const type = 'ERR_INVALID_ARG_TYPE';
  expect(codes).toEqual([type, type, type, 'ERR_INVALID_ARG_VALUE']);
  await client.close();
  await closed;
  await listener.close();
});

socketSuite.add('callbacks run in the async context of listen()', async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const note = (): void => void seen.push(storage.getStore());
  const served = await storage.run('listening', () =>
    serve({ open: note, data: note, close: note }),
  );
  const client = await TcpStream.connect({ hostname: LOOPBACK, port: served.port });
  await client.write('x');
  await client.close();
  await served.closed;
  expect(seen).toEqual(['listening', 'listening', 'listening']);
  await served.listener.close();
});

/** Goes through the life of one socket, whose callback `name` throws the first time. */
async function failOnce(name: keyof SocketCallbacks, failure: Error): Promise<readonly string[]> {
  let count = 0;
  const fail = (): void => {
    count += 1;
    if (count === 1) throw failure;
  };
  const greet = (socket: TcpSocket): void => void socket.write(Buffer.alloc(1_000_000));
  const served = await serve(name === 'drain' ? { open: greet, drain: fail } : { [name]: fail });
  const { listener, port, calls, closed } = served;
  const client = await nodeClient(port);
  client.resume();
  client.write('first');
  await happens(() => calls.includes(name === 'drain' ? 'drain' : 'data'));
  // Bytes before a reset may hide it: some kernels then report an end.
  if (name === 'error') client.resetAndDestroy();
  else client.end('second');
  await closed;
  await listener.close();
  return calls;
}

for (const name of ['open', 'data', 'drain', 'error', 'close'] as const) {
  socketSuite.add(`an exception in ${name} is uncaught, and the socket goes on`, async () => {
    const failure = new Error(`thrown in ${name}`);
    let calls: readonly string[] = [];
    const errors = await uncaughtErrors(async () => {
      calls = await failOnce(name, failure);
    });
    expect(errors).toEqual([failure]);
    expect(calls).toContain(name === 'error' ? 'error ECONNRESET' : name);
    expect(calls.at(-1)).toBe('close');
  });
}

socketSuite.add('runtime.close() closes sockets in callback form', async ({ runtime }) => {
  const { port, calls, closed, listener } = await serve({ data: echo });
  const client = await nodeClient(port);
  client.write('x');
  await once(client, 'data');
  await runtime.close();
  await closed;
  expect(calls).toEqual(['open', 'data', 'close']);
  expect(listener.isClosed).toBe(true);
  client.destroy();
});

socketSuite.add('listener.close() leaves its sockets open', async () => {
  const { listener, port, calls, closed } = await serve({ data: echo });
  const client = await TcpStream.connect({ hostname: LOOPBACK, port });
  await client.write('1');
  await client.read();
  await listener.close();
  await client.write('2');
  expect(String(await client.read())).toBe('2');
  await client.close();
  await closed;
  expect(calls).toEqual(['open', 'data', 'close']);
});
