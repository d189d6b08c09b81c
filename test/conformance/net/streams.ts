/**
 * `net.Socket` as the stream that it is: whoever looks at it, changes it, or takes part in it sees
 * what Node's streams show, whichever way its chunks go.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { once } from 'node:events';
import { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import * as net from '../../../src/io/net/net.ts';
import { Suite } from '../../support/conformance-suite.ts';
import { closed, portOf, refusal } from './transcript.ts';

export const streamsSuite: Suite = new Suite();

interface Pair {
  /** The one that is looked at; its peer does what it is told. */
  readonly socket: net.Socket;
  readonly peer: net.Socket;
  /** Ends both and the server. */
  end(): Promise<void>;
}

async function pair(): Promise<Pair> {
  const server = net.createServer();
  const port = await portOf(server);
  const peer = net.connect(port, '127.0.0.1');
  const [[socket]] = (await Promise.all([once(server, 'connection'), once(peer, 'connect')])) as [
    [net.Socket],
    unknown,
  ];
  const end = async (): Promise<void> => {
    const gone = [socket, peer]
      .filter(({ closed: isGone }) => !isGone)
      .map((each) => once(each, 'close'));
    socket.destroy();
    peer.destroy();
    await Promise.all(gone);
    await closed(server);
  };
  return { socket, peer, end };
}

/** Has the peer send something, and waits until all of it has arrived. */
async function arrive({ socket, peer }: Pair, text: string): Promise<void> {
  const expected = socket.bytesRead + Buffer.byteLength(text);
  peer.write(text);
  while (socket.bytesRead < expected) await nextTurn();
}

/** What the peer gets until so many bytes are there. */
async function received(peer: net.Socket, size: number): Promise<string> {
  let text = '';
  const onData = (chunk: Buffer): void => {
    text += chunk.toString('latin1');
  };
  peer.on('data', onData);
  while (text.length < size) await nextTurn();
  peer.off('data', onData);
  return text;
}

streamsSuite.add('chunks go to listeners, wait while it is paused, and come in order', async () => {
  const both = await pair();
  const { socket } = both;
  const seen: string[] = [];
  expect(socket.readableDidRead).toBe(false);
  socket.on('data', (chunk) => {
    seen.push(String(chunk));
    if (String(chunk) === 'two') socket.pause();
  });
  for (const text of ['one', 'two', 'three', 'four']) await arrive(both, text);
  expect(seen).toEqual(['one', 'two']);
  expect([socket.readableFlowing, socket.readableLength, socket.readableDidRead]).toEqual([
    false,
    9,
    true,
  ]);
  socket.resume();
  while (socket.readableLength > 0) await nextTurn();
  await arrive(both, 'five');
  expect(seen.join(' ')).toBe('one two three four five');
  await both.end();
});

streamsSuite.add('a listener that comes and goes gets what comes while it is there', async () => {
  const both = await pair();
  const { socket } = both;
  const seen: string[] = [];
  const onData = (chunk: Buffer): void => void seen.push(String(chunk));
  socket.on('data', onData);
  await arrive(both, '1');
  await arrive(both, '2');
  socket.off('data', onData);
  await arrive(both, 'nobody hears this');
  await nextTurn();
  socket.on('data', onData);
  await arrive(both, '3');
  await nextTurn();
  expect(seen).toEqual(['1', '2', '3']);
  await both.end();
});

streamsSuite.add('an encoding that is set late holds from there on', async () => {
  const both = await pair();
  const { socket } = both;
  const seen: unknown[] = [];
  socket.on('data', (chunk: unknown) => seen.push(typeof chunk === 'string' ? chunk : 'bytes'));
  await arrive(both, 'a');
  await arrive(both, 'b');
  socket.setEncoding('hex');
  await arrive(both, 'c');
  await arrive(both, 'd');
  expect(seen).toEqual(['bytes', 'bytes', '63', '64']);
  await both.end();
});

streamsSuite.add('who reads with read() gets what a listener has left', async () => {
  const both = await pair();
  const { socket } = both;
  const onData = (): void => {};
  socket.on('data', onData);
  await arrive(both, 'gone');
  await arrive(both, 'too');
  socket.off('data', onData);
  const readable = once(socket, 'readable');
  await arrive(both, 'kept');
  await readable;
  expect([String(socket.read()), socket.read()]).toEqual(['kept', null]);
  socket.unshift('again');
  expect(String(socket.read())).toBe('again');
  await both.end();
});

streamsSuite.add('a pipe into a slow target loses and reorders nothing', async () => {
  const both = await pair();
  const { socket, peer } = both;
  const seen: Buffer[] = [];
  const slow = new Writable({
    highWaterMark: 1024,
    write(chunk: Buffer, _encoding, done) {
      seen.push(chunk);
      setImmediate(done);
    },
  });
  let listened = 0;
  socket.on('data', (chunk) => (listened += chunk.length));
  socket.pipe(slow);
  const parts = Array.from({ length: 400 }, (_, part) => `${part} `.repeat(20));
  for (const part of parts) peer.write(part);
  peer.end();
  await once(slow, 'finish');
  expect(String(Buffer.concat(seen))).toBe(parts.join(''));
  expect(listened).toBe(parts.join('').length);
  await both.end();
});

streamsSuite.add('a push of somebody else sees every chunk', async () => {
  const both = await pair();
  const { socket } = both;
  const pushed: string[] = [];
  const seen: string[] = [];
  socket.on('data', (chunk) => seen.push(String(chunk)));
  await arrive(both, 'first');
  socket.push = function push(chunk: Buffer): boolean {
    pushed.push(String(chunk));
    return Object.getPrototypeOf(this).push.call(this, chunk) as boolean;
  };
  for (const text of ['a', 'b', 'c']) await arrive(both, text);
  expect(pushed).toEqual(['a', 'b', 'c']);
  expect(seen).toEqual(['first', 'a', 'b', 'c']);
  await both.end();
});

streamsSuite.add('an error in a listener ends nothing but the listener', async () => {
  const both = await pair();
  const { socket } = both;
  const seen: string[] = [];
  socket.on('data', (chunk) => {
    seen.push(String(chunk));
    if (seen.length === 2) throw new Error('of the listener');
  });
  const thrown: string[] = [];
  const onUncaught = (error: Error): void => void thrown.push(error.message);
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', onUncaught);
  for (const text of ['a', 'b', 'c', 'd']) await arrive(both, text);
  process.off('uncaughtException', onUncaught);
  for (const other of others) process.on('uncaughtException', other);
  expect([seen, thrown]).toEqual([['a', 'b', 'c', 'd'], ['of the listener']]);
  await both.end();
});

streamsSuite.add('small writes of every kind arrive in order', async () => {
  const both = await pair();
  const { socket, peer } = both;
  const big = 'x'.repeat(100_000);
  socket.write('text ');
  socket.write(Buffer.from('buffer '));
  socket.write(new Uint8Array(Buffer.from('array ')));
  socket.write('6865782d', 'hex');
  socket.write('\u{e9} ', 'latin1');
  socket.write('');
  socket.write(Buffer.alloc(0));
  socket.write(big);
  socket.write('behind ');
  socket.setDefaultEncoding('base64');
  socket.write(Buffer.from('base64 ').toString('base64'));
  socket.write('utf8 ', 'utf8');
  const expected = `text buffer array hex-\u{e9} ${big}behind base64 utf8 `;
  expect(await received(peer, expected.length)).toBe(expected);
  expect(socket.bytesWritten).toBe(expected.length);
  await both.end();
});

streamsSuite.add('what was corked arrives as one, whatever it was written as', async () => {
  const both = await pair();
  const { socket, peer } = both;
  const rounds: [chunk: string | Buffer, encoding: BufferEncoding | undefined][][] = [
    [
      ['', undefined],
      [Buffer.alloc(0), undefined],
    ],
    [
      ['é', 'utf8'],
      ['\u{e9}', 'latin1'],
      ['', 'latin1'],
      ['2d7a', 'hex'],
      [Buffer.from('.'), undefined],
    ],
    [
      ['a'.repeat(6000), 'utf8'],
      ['b'.repeat(6000), 'latin1'],
    ],
    [
      ['c'.repeat(20_000), 'utf8'],
      ['d', 'utf8'],
    ],
  ];
  let expected = '';
  for (const chunks of rounds) {
    socket.cork();
    for (const [chunk, encoding] of chunks) {
      socket.write(chunk, encoding);
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
      expected += bytes.toString('latin1');
    }
    socket.uncork();
  }
  expect(await received(peer, expected.length)).toBe(expected);
  expect(socket.bytesWritten).toBe(expected.length);
  await both.end();
});

streamsSuite.add('write says what Node says, and counts nothing that was refused', async () => {
  const both = await pair();
  const { socket } = both;
  const said = (on: net.Socket, args: unknown[]): string =>
    refusal(() => void (on.write as (...all: unknown[]) => unknown).apply(on, args));
  expect([socket.write('abc'), socket.writableLength, socket.writableNeedDrain]).toEqual([
    true,
    0,
    false,
  ]);
  for (const args of [[null], [undefined], [7], ['a', 'bogus'], [Buffer.from('a'), 'bogus']]) {
    expect(said(socket, args)).toBe(said(new net.Socket(), args));
  }
  expect(socket.bytesWritten).toBe(3);
  await both.end();
});

streamsSuite.add('a low mark is felt when a write cannot be over at once', async () => {
  const server = net.createServer((each) => each.resume());
  const port = await portOf(server);
  const socket = new net.Socket({ highWaterMark: 8 } as net.SocketConstructorOpts);
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const drains: boolean[] = [];
  socket.on('drain', () => drains.push(socket.writableNeedDrain));
  expect(socket.write('1234567')).toBe(true);
  expect([socket.write(Buffer.alloc(8 << 20)), socket.writableNeedDrain]).toEqual([false, true]);
  expect([socket.write('behind'), socket.writableNeedDrain]).toEqual([false, true]);
  while (drains.length === 0) await nextTurn();
  expect([drains, socket.write('1')]).toEqual([[false], true]);
  socket.end();
  await once(socket.resume(), 'close');
  await closed(server);
});

streamsSuite.add('nothing is sent while it is corked', async () => {
  const both = await pair();
  const { socket, peer } = both;
  let got = '';
  peer.on('data', (chunk) => (got += String(chunk)));
  socket.write('before ');
  socket.cork();
  socket.write('held ');
  socket.write('back ');
  expect([socket.writableLength, socket.writableCorked]).toEqual([10, 1]);
  while (got.length < 7) await nextTurn();
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
  expect(got).toBe('before ');
  socket.uncork();
  socket.write('after');
  while (got.length < 22) await nextTurn();
  expect(got).toBe('before held back after');
  await both.end();
});

streamsSuite.add('a _write of somebody else sees every write', async () => {
  const both = await pair();
  const { socket, peer } = both;
  const seen: string[] = [];
  socket.write('0');
  const original = socket._write.bind(socket);
  socket._write = (chunk: Buffer | string, encoding, done) => {
    seen.push(String(chunk));
    original(chunk, encoding, done);
  };
  for (const text of ['1', '2', '3']) {
    socket.write(text);
    while (socket.writableLength > 0) await nextTurn();
  }
  expect(await received(peer, 4)).toBe('0123');
  expect(seen).toEqual(['1', '2', '3']);
  await both.end();
});

streamsSuite.add('callbacks of writes come in order, and after the call', async () => {
  const both = await pair();
  const { socket, peer } = both;
  const said: string[] = [];
  socket.write('a', () => said.push('a'));
  socket.write('b');
  socket.write('c', () => said.push('c'));
  expect(said).toEqual([]);
  const finish = once(socket, 'finish').then(() => said.push('finish'));
  socket.end('d', () => said.push('end'));
  expect(await received(peer, 4)).toBe('abcd');
  await finish;
  expect(said).toEqual(['a', 'c', 'end', 'finish']);
  expect(refusal(() => socket.write('late', () => {}))).toBe('none');
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ERR_STREAM_WRITE_AFTER_END');
  await both.end();
});

streamsSuite.add('what was written before destroy() arrives', async () => {
  const both = await pair();
  const { socket, peer } = both;
  socket.write('last ');
  socket.write(Buffer.from('words'));
  socket.destroy();
  expect(await received(peer, 10)).toBe('last words');
  await both.end();
});

streamsSuite.add('a timeout begins again with every chunk and every write', async () => {
  const both = await pair();
  const { socket } = both;
  let timeouts = 0;
  socket.setTimeout(120, () => (timeouts += 1));
  socket.on('data', () => {});
  for (let round = 0; round < 8; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    if (round % 2 === 0) await arrive(both, 'in');
    else socket.write('out');
  }
  expect(timeouts).toBe(0);
  await once(socket, 'timeout');
  await both.end();
});
