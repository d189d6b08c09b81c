/**
 * TcpDuplex over a connection that the test plays: when it receives, when it is done, when it is
 * gone. Streams over a kernel, `http` and `tls` are in `conformance/tcp-duplex.ts`.
 */

import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { toDuplex } from '../../../src/io/tcp/duplex.ts';
import type { TcpDuplex } from '../../../src/io/tcp/duplex.ts';
import { TcpStream } from '../../../src/io/tcp/tcp-stream.ts';
import { FakeConnection } from '../../support/fake-connection.ts';

function open(): { connection: FakeConnection; duplex: TcpDuplex; events: string[] } {
  const connection = new FakeConnection();
  const duplex = toDuplex(new TcpStream(connection));
  const events: string[] = [];
  for (const name of ['end', 'finish', 'error', 'close', 'drain'] as const) {
    duplex.on(name, () => void events.push(name));
  }
  return { connection, duplex, events };
}

describe('TcpDuplex, reading', () => {
  it('receives once somebody reads, and stops when its buffer is full', async () => {
    const { connection, duplex } = open();
    await nextTurn();
    expect(connection.isStarted).toBe(false);
    duplex.read(0);
    expect(connection.isStarted).toBe(true);
    connection.deliver(Buffer.alloc(duplex.readableHighWaterMark));
    expect(connection.isStarted).toBe(false);
    expect((duplex.read() as Buffer).length).toBe(duplex.readableHighWaterMark);
    await nextTurn();
    expect(connection.isStarted).toBe(true);
    duplex.destroy();
  });

  it('hands chunks to a listener, in order, while nothing is buffered', async () => {
    const { connection, duplex } = open();
    const seen: string[] = [];
    duplex.on('data', (chunk) => {
      seen.push(String(chunk));
      if (seen.length === 2) duplex.pause();
    });
    await nextTurn();
    for (const text of ['1', '2', '3', '4']) connection.deliver(text);
    expect([seen, duplex.readableLength]).toEqual([['1', '2'], 2]);
    duplex.resume();
    await nextTurn();
    connection.deliver('5');
    expect(seen.join('')).toBe('12345');
    duplex.destroy();
    connection.deliver('6');
    expect(seen.join('')).toBe('12345');
  });

  it('ends with the peer, and can still be written to', async () => {
    const { connection, duplex, events } = open();
    duplex.resume();
    await nextTurn();
    connection.handler?.onEnd();
    await once(duplex, 'end');
    duplex.write('still');
    expect(String(connection.sends[0]?.bytes)).toBe('still');
    expect(events).toEqual(['end']);
    duplex.destroy();
  });

  it('ends even if nobody reads, once the writer has ended', async () => {
    const { connection, duplex, events } = open();
    duplex.read(0);
    connection.handler?.onEnd();
    duplex.end();
    connection.shutdowns[0]?.(null);
    for (let turns = 0; turns < 3; turns += 1) await nextTurn();
    expect(connection.calls.at(-1)).toBe('destroy');
    connection.handler?.onClose();
    await nextTurn();
    expect(events).toContain('close');
    expect(duplex.destroyed).toBe(true);
  });
});

describe('TcpDuplex, writing', () => {
  it('calls back when the kernel has the bytes', async () => {
    const { connection, duplex } = open();
    const order: string[] = [];
    duplex.write('one', () => order.push('one'));
    duplex.write('two', () => order.push('two'));
    duplex.write('three', () => order.push('three'));
    expect(connection.sends.map(({ bytes }) => String(bytes))).toEqual(['one']);
    connection.finishSend();
    await nextTurn();
    // What was waiting goes out as one piece.
    expect(connection.sends.map(({ bytes }) => String(bytes))).toEqual(['twothree']);
    expect(order).toEqual(['one']);
    connection.finishSend();
    await nextTurn();
    expect(order).toEqual(['one', 'two', 'three']);
    duplex.destroy();
  });

  it('is over at once with what the connection copies', async () => {
    const { connection, duplex } = open();
    connection.promptMax = 4;
    const order: string[] = [];
    duplex.write('abc', () => order.push('abc'));
    duplex.write(Buffer.from('1234'), () => order.push('1234'));
    duplex.write('e9', 'hex', () => order.push('hex'));
    expect([connection.prompt.map((bytes) => bytes.toString('latin1')), order]).toEqual([
      ['abc', '1234', '\u{e9}'],
      [],
    ]);
    await nextTurn();
    expect(order).toEqual(['abc', '1234', 'hex']);
    expect(connection.sends).toEqual([]);
    duplex.destroy();
  });

  it('sends the rest as one from the first that cannot be copied', async () => {
    const { connection, duplex } = open();
    connection.promptMax = 4;
    const order: string[] = [];
    duplex.cork();
    for (const text of ['a', '', 'b', 'longer', 'c']) duplex.write(text, () => order.push(text));
    duplex.uncork();
    expect(connection.prompt.map(String)).toEqual(['a', 'b']);
    expect(connection.sends.map(({ bytes }) => String(bytes))).toEqual(['longerc']);
    await nextTurn();
    expect(order).toEqual([]);
    connection.finishSend();
    await nextTurn();
    expect(order).toEqual(['a', '', 'b', 'longer', 'c']);
    duplex.destroy();
  });

  it('fails with what the connection says', async () => {
    const { connection, duplex } = open();
    const failed = once(duplex, 'error') as Promise<unknown>;
    duplex.write('x');
    const failure = new Error('broken');
    connection.finishSend(failure);
    await nextTurn();
    connection.handler?.onClose();
    expect(await failed).toEqual([failure]);
  });

  it('shuts down after what was written, and finishes then', async () => {
    const { connection, duplex, events } = open();
    duplex.end('bye');
    expect(connection.calls).toEqual([]);
    connection.finishSend();
    await nextTurn();
    expect([connection.calls, events]).toEqual([['shutdown'], []]);
    connection.shutdowns[0]?.(null);
    await nextTurn();
    expect(events).toEqual(['finish']);
    duplex.destroy();
  });
});

describe('TcpDuplex, its end', () => {
  it('is closed when the descriptor is gone', async () => {
    const { connection, duplex, events } = open();
    duplex.destroy();
    await nextTurn();
    expect([connection.calls, events]).toEqual([['destroy'], []]);
    connection.handler?.onClose();
    await nextTurn();
    expect(events).toEqual(['close']);
  });

  it('is destroyed when the connection goes by itself', async () => {
    const { connection, duplex, events } = open();
    connection.handler?.onClose();
    await nextTurn();
    expect([duplex.destroyed, events]).toEqual([true, ['close']]);
  });

  it('reports what receiving failed with', async () => {
    const { connection, duplex } = open();
    const failed = once(duplex, 'error') as Promise<unknown>;
    const failure = new Error('reset');
    connection.handler?.onError(failure);
    connection.handler?.onClose();
    expect(await failed).toEqual([failure]);
  });

  it('destroys soon: after the end was sent', async () => {
    const { connection, duplex } = open();
    duplex.write('bye');
    duplex.destroySoon();
    connection.finishSend();
    await nextTurn();
    expect(connection.calls).toEqual(['shutdown']);
    connection.shutdowns[0]?.(null);
    await nextTurn();
    expect(connection.calls).toEqual(['shutdown', 'destroy']);
    connection.handler?.onClose();
  });

  it('destroys at once when everything was sent long ago', async () => {
    const { connection, duplex } = open();
    duplex.end();
    await nextTurn();
    connection.shutdowns[0]?.(null);
    await nextTurn();
    duplex.destroySoon();
    expect(connection.calls).toEqual(['shutdown', 'destroy']);
    connection.handler?.onClose();
  });
});

describe('TcpDuplex, as a net.Socket', () => {
  it('passes options on', () => {
    const { connection, duplex } = open();
    duplex.setNoDelay().setNoDelay(false).setKeepAlive().setKeepAlive(true, 5000).unref().ref();
    expect(connection.calls).toEqual([
      'noDelay true',
      'noDelay false',
      'keepAlive false 0',
      'keepAlive true 5000',
      'unref',
      'ref',
    ]);
    expect([duplex.remoteAddress, duplex.remotePort, duplex.remoteFamily]).toEqual([
      '127.0.0.1',
      2,
      'IPv4',
    ]);
    expect([duplex.localAddress, duplex.localPort]).toEqual(['127.0.0.1', 1]);
    expect([duplex.bytesRead, duplex.bytesWritten]).toEqual([0, 0]);
    duplex.destroy();
  });

  it('is touched by data in either direction', async () => {
    const { connection, duplex } = open();
    const startedMs = performance.now();
    duplex.resume();
    duplex.setTimeout(60);
    await new Promise((resolve) => {
      setTimeout(resolve, 40);
    });
    connection.deliver('x');
    await once(duplex, 'timeout');
    // Timers count in whole milliseconds.
    expect(performance.now() - startedMs).toBeGreaterThan(97);
    duplex.destroy();
  });

  it('has no timeout once it is destroyed', async () => {
    const { connection, duplex, events } = open();
    duplex.on('timeout', () => events.push('timeout'));
    duplex.setTimeout(1);
    duplex.destroy();
    connection.handler?.onClose();
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
    expect(events).toEqual(['close']);
  });
});
