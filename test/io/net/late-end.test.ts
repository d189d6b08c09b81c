/**
 * The end of a socket whose peer has ended: a pipe back to it loses nothing.
 */

import { once } from 'node:events';
import { Duplex, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { createConnection } from '../../../src/io/net/create-connection.ts';
import { endOnceDrained } from '../../../src/io/net/late-end.ts';
import { Server } from '../../../src/io/net/server.ts';
import { closeQuietly } from '../../support/quiet-ring.ts';
import { ringTest } from '../../support/ring-test.ts';

const SIZE = 8 * 1024 * 1024;

/** A stream that is full, until its write is let go. */
function full(): { stream: Duplex; drain: () => void; ends: unknown[] } {
  let drain = (): void => {};
  const ends: unknown[] = [];
  const stream = new Duplex({
    highWaterMark: 1,
    read() {},
    write(_chunk, _encoding, done) {
      drain = done;
    },
    final(done) {
      ends.push('final');
      done();
    },
  });
  stream.write('something');
  return { stream, drain: () => drain(), ends };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('endOnceDrained', () => {
  it('holds the call of the stream back until everything is written', async () => {
    const { stream, drain, ends } = full();
    endOnceDrained(stream);
    process.nextTick(() => stream.end());
    await turn();
    expect([stream.writableEnded, Object.hasOwn(stream, 'end')]).toEqual([false, false]);
    stream.once('drain', () => stream.write('more'));
    drain();
    await turn();
    expect(stream.writableEnded).toBe(false);
    drain();
    await turn();
    await turn();
    expect([stream.writableEnded, ends]).toEqual([true, ['final']]);
  });

  it('lets a program end when it wants', async () => {
    const { stream } = full();
    endOnceDrained(stream);
    await turn();
    stream.end();
    expect(stream.writableEnded).toBe(true);
    const other = full();
    endOnceDrained(other.stream);
    process.nextTick(() => other.stream.end('last words'));
    await turn();
    expect(other.stream.writableEnded).toBe(true);
  });
});

describe('a socket without allowHalfOpen', () => {
  ringTest('6.1', 'is piped back to itself whole', async ({ open }) => {
    const runtime = open();
    const server = new Server((socket) => {
      const copy = new Transform({ transform: (chunk, _encoding, done) => done(null, chunk) });
      pipeline(socket as unknown as Duplex, copy, socket as unknown as Duplex).catch((error) =>
        socket.destroy(error),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const client = createConnection(port, '127.0.0.1');
    client.end(Buffer.alloc(SIZE, 'x'));
    let size = 0;
    client.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    await once(client, 'close');
    expect(size).toBe(SIZE);
    await new Promise((resolve) => server.close(resolve));
    await closeQuietly(runtime);
  });
});
