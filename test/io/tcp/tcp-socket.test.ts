/**
 * TcpSocket over a connection that the test plays: which callback is called when. Sockets over a
 * kernel are in `conformance/tcp-socket.ts`.
 */

import { AsyncResource } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { openSocket } from '../../../src/io/tcp/tcp-socket.ts';
import type { SocketCallbacks, TcpSocket } from '../../../src/io/tcp/tcp-socket.ts';
import { closedError } from '../../../src/runtime/errors.ts';
import { FakeConnection } from '../../support/fake-connection.ts';

interface Opened {
  readonly connection: FakeConnection;
  readonly socket: TcpSocket;
  /** Callbacks that were called, in order. */
  readonly called: string[];
}

function open(callbacks: Partial<SocketCallbacks> = {}): Opened {
  const connection = new FakeConnection();
  const called: string[] = [];
  let opened: TcpSocket | undefined;
  const all: SocketCallbacks = {
    open(socket) {
      opened = socket;
      called.push('open');
      callbacks.open?.(socket);
    },
    data(socket, chunk) {
      called.push(`data ${String(chunk)}`);
      callbacks.data?.(socket, chunk);
    },
    drain: () => void called.push('drain'),
    error: (_socket, error) => void called.push(`error ${error.message}`),
    close: () => void called.push('close'),
  };
  openSocket(connection, all, new AsyncResource('Test'));
  if (opened === undefined) throw new Error('open was not called');
  return { connection, socket: opened, called };
}

describe('openSocket', () => {
  it('calls open, then begins to receive', () => {
    const { connection, called } = open({
      open: (socket) => expect(socket.bytesRead).toBe(0),
    });
    expect([called, connection.calls]).toEqual([['open'], ['start']]);
  });

  it('does not receive on a socket that open has closed or paused', () => {
    expect(open({ open: (socket) => socket.end() }).connection.calls).toEqual(['close']);
    expect(open({ open: (socket) => socket.destroy() }).connection.calls).toEqual(['destroy']);
    expect(open({ open: (socket) => socket.pause() }).connection.isStarted).toBe(false);
  });

  it('works with nothing but data', () => {
    const connection = new FakeConnection();
    const chunks: string[] = [];
    const callbacks = {
      data: (_socket: TcpSocket, chunk: Buffer) => void chunks.push(String(chunk)),
    };
    openSocket(connection, callbacks, new AsyncResource('Test'));
    connection.deliver('abc');
    connection.handler?.onDrain();
    connection.handler?.onError(new Error('reset'));
    connection.handler?.onClose();
    expect([chunks, connection.calls]).toEqual([['abc'], ['start', 'destroy']]);
  });
});

describe('TcpSocket.write', () => {
  it('is true below 64 KiB and false from there on', () => {
    const { connection, socket } = open();
    expect(socket.write(Buffer.alloc(64 * 1024 - 1))).toBe(true);
    expect(socket.write('x')).toBe(false);
    expect(socket.queuedBytes).toBe(64 * 1024);
    connection.finishSend();
    expect(socket.write('y')).toBe(true);
  });

  it('sends few bytes at once, and what does not fit the other way', () => {
    const { connection, socket } = open();
    connection.promptMax = 4;
    const bytes = Buffer.from('abcd');
    expect([socket.write('1234'), socket.write(bytes), socket.write('12345')]).toEqual([
      true,
      true,
      true,
    ]);
    expect(connection.prompt.map(String)).toEqual(['1234', 'abcd']);
    expect(connection.sends.map(({ bytes: sent }) => String(sent))).toEqual(['12345']);
  });

  it('refuses memory that may move, however few bytes it is', () => {
    const { connection, socket } = open();
    connection.promptMax = 64;
    expect(() => socket.write(new Uint8Array(new SharedArrayBuffer(8)))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
    );
    expect(() => socket.write(7 as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
    expect([connection.prompt, connection.sends]).toEqual([[], []]);
  });

  it('calls drain once, when all is with the kernel', () => {
    const { connection, socket, called } = open();
    socket.write(Buffer.alloc(64 * 1024));
    socket.write('x');
    connection.finishSend();
    expect(called).toEqual(['open']);
    connection.finishSend();
    expect(called).toEqual(['open', 'drain']);
    socket.write('little');
    connection.finishSend();
    expect(called).toEqual(['open', 'drain']);
  });

  it('reports the first failure only, and destroys', () => {
    const { connection, socket, called } = open();
    socket.write('1');
    socket.write('2');
    connection.finishSend(new Error('broken'));
    connection.finishSend(new Error('broken too'));
    connection.handler?.onError(new Error('also'));
    connection.handler?.onClose();
    expect(called).toEqual(['open', 'error broken', 'close']);
    expect(connection.calls).toEqual(['start', 'destroy']);
  });

  it('reports a failure while it closes, but not that it is closed', () => {
    const { connection, socket, called } = open();
    socket.write('1');
    socket.end();
    connection.finishSend(new Error('broken'));
    connection.handler?.onClose();
    expect(called).toEqual(['open', 'error broken', 'close']);
    const other = open();
    other.socket.write('1');
    other.socket.destroy();
    other.connection.finishSend(closedError('socket'));
    other.connection.handler?.onClose();
    expect(other.called).toEqual(['open', 'close']);
  });
});

describe('TcpSocket, what it is told', () => {
  it('passes data on as it comes', () => {
    const { connection, called } = open();
    connection.deliver('a');
    connection.deliver('b');
    expect(called).toEqual(['open', 'data a', 'data b']);
  });

  it('closes when the peer has sent everything', () => {
    const { connection } = open();
    connection.handler?.onEnd();
    expect(connection.calls).toEqual(['start', 'close']);
  });

  it('destroys when receiving fails, even if error throws', () => {
    const connection = new FakeConnection();
    const failure = new Error('thrown in error');
    const callbacks = {
      data() {},
      error() {
        throw failure;
      },
    };
    openSocket(connection, callbacks, new AsyncResource('Test'));
    expect(() => connection.handler?.onError(new Error('reset'))).toThrow(failure);
    expect(connection.calls).toEqual(['start', 'destroy']);
  });

  it('pauses, resumes, ends, destroys', () => {
    const { connection, socket } = open();
    socket.pause();
    socket.resume();
    socket.end('bye');
    expect(String(connection.sends[0]?.bytes)).toBe('bye');
    socket.resume();
    socket.destroy();
    expect(connection.calls).toEqual(['start', 'stop', 'start', 'close', 'destroy']);
  });

  it('passes on references and addresses', () => {
    const { connection, socket } = open();
    expect(socket.unref().ref()).toBe(socket);
    expect(connection.calls).toEqual(['start', 'unref', 'ref']);
    expect(socket.localAddress).toBe(connection.localAddress);
    expect(socket.remoteAddress).toBe(connection.remoteAddress);
  });
});
