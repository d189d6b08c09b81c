/**
 * Which states of a stream let a chunk take the short way. That both ways show the same is in
 * `test/conformance/net/streams.ts`.
 */

import { once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { encodingAtOnce, mayEmit } from '../../../src/io/stream/shortcuts.ts';

class Plain extends Duplex {
  constructor(options: object = {}) {
    super({ decodeStrings: false, ...options });
  }
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
  }
}

/** One that flows to a listener and has emitted something. */
async function flowing(options: object = {}): Promise<Plain> {
  const stream = new Plain(options);
  stream.on('data', () => {});
  await new Promise(setImmediate);
  stream.push('first');
  await new Promise(setImmediate);
  return stream;
}

describe('mayEmit', () => {
  it('is for a stream that flows to a listener and has nothing buffered', async () => {
    expect(mayEmit(await flowing())).toBe(true);
  });

  it('is not for the first chunk, which shows in readableDidRead', async () => {
    const stream = new Plain();
    expect(mayEmit(stream)).toBe(false);
    stream.on('data', () => {});
    await new Promise(setImmediate);
    expect([stream.readableFlowing, mayEmit(stream)]).toEqual([true, false]);
  });

  it.each<[string, (stream: Plain) => void]>([
    ['is paused', (stream) => stream.pause()],
    ['decodes', (stream) => stream.setEncoding('utf8')],
    ['has nobody listening', (stream) => stream.removeAllListeners('data')],
    ['has something buffered', (stream) => stream.pause().push('x') && stream.resume()],
    ['is destroyed', (stream) => stream.destroy()],
    ['is destroyed by an error', (stream) => stream.on('error', () => {}).destroy(new Error('x'))],
    ['has a push of its own', (stream) => (stream.push = () => true)],
    ['was resumed while a pipe waits', (stream) => pipeSlowly(stream, 1)],
    ['was resumed while pipes wait', (stream) => pipeSlowly(stream, 2)],
  ])('is not for one that %s', async (_what, change) => {
    const stream = await flowing();
    change(stream);
    expect(mayEmit(stream)).toBe(false);
  });
});

/** Into targets that take nothing more. */
function pipeSlowly(stream: Plain, count: number): void {
  for (let at = 0; at < count; at += 1) stream.pipe(new PassThrough({ highWaterMark: 1 }));
  stream.push('more than they take');
  stream.resume();
}

it('mayEmit is not for a stream that is asked to read', async () => {
  const stream = await flowing();
  const seen: boolean[] = [];
  stream._read = () => void seen.push(mayEmit(stream));
  // A listener that is asked for more.
  stream.push('second');
  await new Promise(setImmediate);
  expect([seen, mayEmit(stream)]).toEqual([[false], true]);
});

it('mayEmit is not for a stream that has failed, destroyed or not', async () => {
  const stream = await flowing({ autoDestroy: false });
  const failed = once(stream, 'error');
  stream.push(7);
  await failed;
  expect([stream.destroyed, mayEmit(stream)]).toEqual([false, false]);
});

describe('encodingAtOnce', () => {
  it('is that of the text, or of the stream, or any for bytes', () => {
    const stream = new Plain();
    expect(encodingAtOnce(stream, 'a', undefined)).toBe('utf8');
    expect(encodingAtOnce(stream, 'a', 'latin1')).toBe('latin1');
    expect(encodingAtOnce(stream, Buffer.from('a'), undefined)).toBe('utf8');
    expect(encodingAtOnce(stream, new Uint8Array(1), undefined)).toBe('utf8');
    stream.setDefaultEncoding('latin1');
    expect(encodingAtOnce(stream, 'a', undefined)).toBe('latin1');
  });

  it.each([['hex'], ['UTF-8'], ['bogus'], [7]])('is none for %j', (encoding) => {
    expect(encodingAtOnce(new Plain(), 'a', encoding)).toBeNull();
  });

  it('is none for what is no chunk, and for bytes with an encoding', () => {
    const stream = new Plain();
    for (const chunk of [null, undefined, 7, {}, new DataView(new ArrayBuffer(1))]) {
      expect(encodingAtOnce(stream, chunk, undefined)).toBeNull();
    }
    expect(encodingAtOnce(stream, Buffer.from('a'), 'bogus')).toBeNull();
  });

  it.each<[string, (stream: Plain) => unknown]>([
    ['is corked', (stream) => stream.cork()],
    ['has ended', (stream) => stream.end()],
    ['is destroyed', (stream) => stream.destroy()],
    [
      'is writing',
      (stream) => {
        stream._write = () => {};
        return stream.write('');
      },
    ],
  ])('is none while the stream %s', (_what, change) => {
    const stream = new Plain();
    change(stream);
    expect(encodingAtOnce(stream, 'a', 'utf8')).toBeNull();
  });

  it('is none while it is being constructed, and for more than its mark', async () => {
    const stream = new Plain({ construct: (done: () => void) => setImmediate(done) });
    expect(encodingAtOnce(stream, 'a', 'utf8')).toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(encodingAtOnce(stream, 'a', 'utf8')).toBe('utf8');
    const low = new Plain({ highWaterMark: 2 });
    expect([encodingAtOnce(low, 'a', 'utf8'), encodingAtOnce(low, 'ab', 'utf8')]).toEqual([
      'utf8',
      null,
    ]);
  });
});
