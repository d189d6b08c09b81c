/**
 * SocketListener over an acceptor that the test plays: who gets a connection, who hears of the end.
 */

import { describe, expect, it } from 'vitest';
import { SocketListener, validateCallbacks } from '../../../src/io/stream/socket-listener.ts';
import { SocketStream } from '../../../src/io/stream/socket-stream.ts';
import type { AcceptHandler, Acceptor } from '../../../src/io/tcp/acceptor.ts';
import { FakeConnection } from '../../support/fake-connection.ts';
import { rejectionOf } from '../../support/rejections.ts';

class FakeAcceptor implements Acceptor {
  readonly address = { address: '::', family: 'IPv6', port: 1 } as const;
  readonly calls: string[] = [];
  handler: AcceptHandler | null = null;

  start(handler: AcceptHandler): void {
    this.handler = handler;
  }

  pause(): void {
    this.calls.push('pause');
  }

  resume(): void {
    this.calls.push('resume');
  }

  close(): void {
    this.calls.push('close');
    this.handler?.onClose();
  }

  setReferenced(isReferenced: boolean): void {
    this.calls.push(isReferenced ? 'ref' : 'unref');
  }
}

function open(signal?: AbortSignal): {
  acceptor: FakeAcceptor;
  listener: SocketListener<SocketStream>;
} {
  const acceptor = new FakeAcceptor();
  const listener = new SocketListener({
    acceptor,
    callbacks: undefined,
    wrap: (connection) => new SocketStream(connection),
    signal,
  });
  return { acceptor, listener };
}

describe('SocketListener', () => {
  it('gives connections to those who wait, in order, but not to who gave up', async () => {
    const { acceptor, listener } = open();
    const controller = new AbortController();
    const first = listener.accept({ signal: new AbortController().signal });
    const aborted = rejectionOf(listener.accept({ signal: controller.signal }));
    const second = listener.accept();
    controller.abort();
    const connections = [new FakeConnection(), new FakeConnection()];
    for (const connection of connections) acceptor.handler?.onConnection(connection);
    expect((await aborted).name).toBe('AbortError');
    const streams = await Promise.all([first, second]);
    expect(streams.map((stream) => stream.takeConnection())).toEqual(connections);
  });

  it('keeps 256 that nobody takes, and pauses', async () => {
    const { acceptor, listener } = open();
    for (let i = 0; i < 256; i += 1) acceptor.handler?.onConnection(new FakeConnection());
    expect(acceptor.calls).toEqual(['pause']);
    for (let i = 0; i < 128; i += 1) await listener.accept();
    expect(acceptor.calls).toEqual(['pause']);
    await listener.accept();
    expect(acceptor.calls).toEqual(['pause', 'resume']);
  });

  it('destroys what nobody took, and tells those who wait', async () => {
    const controller = new AbortController();
    const { acceptor, listener } = open(controller.signal);
    const untaken = new FakeConnection();
    acceptor.handler?.onConnection(untaken);
    controller.abort();
    await listener.close();
    expect([untaken.calls, acceptor.calls]).toEqual([['destroy'], ['close']]);
    expect((await rejectionOf(listener.accept())).code).toBe('ERR_LISTENER_CLOSED');
  });

  it('reports a failure to everybody from then on', async () => {
    const { acceptor, listener } = open();
    const waiting = rejectionOf(listener.accept());
    const failure = new Error('broken');
    acceptor.handler?.onError(failure);
    expect([await waiting, await rejectionOf(listener.accept())]).toEqual([failure, failure]);
  });
});

describe('validateCallbacks', () => {
  it('takes functions, and data at least', () => {
    const callbacks = { data: () => {} };
    expect(validateCallbacks(callbacks)).toBe(callbacks);
    expect(validateCallbacks(undefined)).toBeUndefined();
    for (const wrong of [{}, { data: 1 }, { data: () => {}, open: 'x' }, 5]) {
      expect(() => validateCallbacks(wrong as never)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
      );
    }
    expect(() => validateCallbacks({ data: () => {}, dat: 1 } as never)).toThrow(/data/);
  });
});
