/**
 * SocketStream over a connection that the test plays: buffering, marks, order, what fails with
 * what.
 * Streams over real sockets are in `conformance/tcp-stream.ts`.
 */

import { describe, expect, it } from 'vitest';
import { SocketStream } from '../../../src/io/stream/socket-stream.ts';
import { FakeConnection } from '../../support/fake-connection.ts';
import { rejectionOf } from '../../support/rejections.ts';

function open(): { connection: FakeConnection; stream: SocketStream } {
  const connection = new FakeConnection();
  return { connection, stream: new SocketStream(connection) };
}

describe('SocketStream.read', () => {
  it('receives from the first read on, and not before', async () => {
    const { connection, stream } = open();
    expect(connection.calls).toEqual([]);
    const read = stream.read();
    expect(connection.calls).toEqual(['start']);
    connection.deliver('abc');
    expect(String(await read)).toBe('abc');
  });

  it('keeps what nobody has asked for', async () => {
    const { connection, stream } = open();
    const first = stream.read();
    for (const text of ['1', '2', '3']) connection.deliver(text);
    expect(String(await first)).toBe('1');
    expect(String(await stream.read())).toBe('2');
    expect(String(await stream.read())).toBe('3');
  });

  it('stops receiving at 64 KiB, and starts again with the next read', async () => {
    const { connection, stream } = open();
    const first = stream.read();
    connection.deliver('x');
    await first;
    connection.deliver(Buffer.alloc(64 * 1024 - 1));
    expect(connection.isStarted).toBe(true);
    connection.deliver('y');
    expect(connection.isStarted).toBe(false);
    // What the kernel had handed over already still arrives.
    connection.deliver('z');
    expect(connection.calls).toEqual(['start', 'stop']);
    expect((await stream.read())?.length).toBe(64 * 1024 - 1);
    expect(connection.isStarted).toBe(true);
    expect([String(await stream.read()), String(await stream.read())]).toEqual(['y', 'z']);
  });

  it('gives what arrived before the end, then null for ever', async () => {
    const { connection, stream } = open();
    const first = stream.read();
    connection.deliver('a');
    connection.deliver('b');
    connection.handler?.onEnd();
    expect([String(await first), String(await stream.read())]).toEqual(['a', 'b']);
    expect([await stream.read(), await stream.read()]).toEqual([null, null]);
    expect(connection.calls).toEqual(['start']);
  });

  it('gives what arrived before a failure, then the failure for ever', async () => {
    const { connection, stream } = open();
    const first = stream.read();
    connection.deliver('a');
    connection.deliver('b');
    const failure = new Error('reset');
    connection.handler?.onError(failure);
    expect([String(await first), String(await stream.read())]).toEqual(['a', 'b']);
    expect(await rejectionOf(stream.read())).toBe(failure);
    expect(await rejectionOf(stream.read())).toBe(failure);
  });

  it('rejects every read that waits when receiving fails', async () => {
    const { connection, stream } = open();
    const reads = [rejectionOf(stream.read()), rejectionOf(stream.read())];
    const failure = new Error('reset');
    connection.handler?.onError(failure);
    expect(await Promise.all(reads)).toEqual([failure, failure]);
  });

  it('rejects reads that wait when the connection is gone', async () => {
    const { connection, stream } = open();
    const read = rejectionOf(stream.read());
    connection.handler?.onClose();
    expect((await read).code).toBe('ERR_SOCKET_CLOSED');
  });

  it('takes an aborted read out of the row', async () => {
    const { connection, stream } = open();
    const controller = new AbortController();
    const [first, second] = [
      rejectionOf(stream.read({ signal: controller.signal })),
      stream.read(),
    ];
    controller.abort(new Error('enough'));
    expect((await first).message).toBe('enough');
    connection.deliver('for the second');
    expect(String(await second)).toBe('for the second');
  });

  it('gives buffered bytes after close(), and nothing new', async () => {
    const { connection, stream } = open();
    const first = stream.read();
    connection.deliver('a');
    connection.deliver('b');
    await first;
    const closing = stream.close();
    connection.handler?.onClose();
    await closing;
    expect(String(await stream.read())).toBe('b');
    expect((await rejectionOf(stream.read())).code).toBe('ERR_SOCKET_CLOSED');
    expect(connection.calls).toEqual(['start', 'close']);
  });
});

describe('SocketStream.write', () => {
  it('passes bytes on and waits for the connection', async () => {
    const { connection, stream } = open();
    let isDone = false;
    const write = stream.write('abc').then(() => {
      isDone = true;
    });
    await Promise.resolve();
    expect([String(connection.sends[0]?.bytes), isDone]).toEqual(['abc', false]);
    connection.finishSend();
    await write;
    expect(isDone).toBe(true);
  });

  it('is over at once when few bytes were copied', async () => {
    const { connection, stream } = open();
    connection.promptMax = 4;
    const bytes = Buffer.from('abcd');
    await stream.write(bytes);
    await stream.write('1234');
    expect(connection.prompt.map(String)).toEqual(['abcd', '1234']);
    const { signal } = new AbortController();
    const writes = [stream.write('12345'), stream.write('1', { signal })];
    expect(connection.sends.map(({ bytes: sent }) => String(sent))).toEqual(['12345', '1']);
    connection.finishSend();
    connection.finishSend();
    await Promise.all(writes);
  });

  it('waits for the connection from its first failure on', async () => {
    const { connection, stream } = open();
    connection.promptMax = 4;
    await stream.write('1');
    const failure = new Error('reset');
    connection.handler?.onError(failure);
    const write = rejectionOf(stream.write('2'));
    connection.finishSend(failure);
    expect([await write, await rejectionOf(stream.read())]).toEqual([failure, failure]);
    expect(connection.prompt.map(String)).toEqual(['1']);
  });

  it('copies nothing past what is corked, and nothing that it refuses', async () => {
    const { connection, stream } = open();
    connection.promptMax = 64;
    stream.cork();
    const held = [stream.write('a'), stream.write('b')];
    expect(connection.prompt).toEqual([]);
    stream.uncork();
    connection.finishSend();
    await Promise.all(held);
    const shared = new Uint8Array(new SharedArrayBuffer(8));
    expect((await rejectionOf(stream.write(shared))).code).toBe('ERR_INVALID_ARG_VALUE');
    expect((await rejectionOf(stream.write(7 as never))).code).toBe('ERR_INVALID_ARG_TYPE');
    expect(connection.prompt).toEqual([]);
  });

  it('passes a view on without copying it', () => {
    const { connection, stream } = open();
    const bytes = new Uint8Array(4);
    void stream.write(bytes);
    expect(connection.sends[0]?.bytes).toBe(bytes);
  });

  it('rejects with what the connection says', async () => {
    const { connection, stream } = open();
    const write = rejectionOf(stream.write('abc'));
    const failure = new Error('gone');
    connection.finishSend(failure);
    expect(await write).toBe(failure);
  });

  it('destroys the connection when it is aborted, and rejects with the reason', async () => {
    const { connection, stream } = open();
    const controller = new AbortController();
    const write = rejectionOf(stream.write('abc', { signal: controller.signal }));
    const reason = new Error('enough');
    controller.abort(reason);
    expect(connection.calls).toEqual(['destroy']);
    connection.finishSend(new Error('destroyed'));
    expect(await write).toBe(reason);
  });

  it('is not concerned with a signal that is aborted later', async () => {
    const { connection, stream } = open();
    const controller = new AbortController();
    const write = stream.write('abc', { signal: controller.signal });
    connection.finishSend();
    await write;
    controller.abort();
    expect(connection.calls).toEqual([]);
  });
});

describe('SocketStream, its end', () => {
  it('resolves close() and destroy() once the descriptor is gone', async () => {
    for (const end of ['close', 'destroy'] as const) {
      const { connection, stream } = open();
      let isGone = false;
      const ending = stream[end]().then(() => {
        isGone = true;
      });
      await Promise.resolve();
      expect([connection.calls, isGone, stream.isClosed]).toEqual([[end], false, true]);
      connection.handler?.onClose();
      await ending;
      expect(isGone).toBe(true);
    }
  });

  it('tells shutdown() what the connection says', async () => {
    const { connection, stream } = open();
    const first = stream.shutdown();
    connection.shutdowns[0]?.(null);
    await first;
    const second = rejectionOf(stream.shutdown());
    const failure = new Error('twice');
    connection.shutdowns[1]?.(failure);
    expect(await second).toBe(failure);
  });

  it('passes on what keeps the process alive, and counts', () => {
    const { connection, stream } = open();
    expect(stream.unref().ref()).toBe(stream);
    expect(connection.calls).toEqual(['unref', 'ref']);
    Object.assign(connection, { bytesRead: 3, bytesWritten: 4 });
    expect([stream.bytesRead, stream.bytesWritten]).toEqual([3, 4]);
  });
});
