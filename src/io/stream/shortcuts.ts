/**
 * Shortcuts through Node's streams, for what they do most: one chunk in, to a listener, while
 * nothing is buffered; one small write out, while nothing is being written.
 *
 * The long way does the same and more: `push` has the next turn ask whether to read on, which a
 * socket does anyway, and `write` has the next turn count that the write is over. Those two
 * `nextTick`s cost more than everything else that happens to a message. A stream in any other state
 * goes the long way, and so does one whose `push` or `_write` is not ours: somebody wants to see.
 *
 * Hot path: no allocation.
 */

import { Duplex } from 'node:stream';

/** What is looked at of `_readableState`. */
interface ReadingState {
  readonly flowing: boolean | null;
  readonly length: number;
  /** Whether `_read` is on the stack. */
  readonly sync: boolean;
  readonly dataEmitted: boolean;
  readonly decoder: unknown;
  readonly errored: unknown;
  readonly destroyed: boolean;
  /** Whom pipes wait for: one, or a set where there are several pipes. */
  readonly awaitDrainWriters: unknown;
}

/** What is looked at of `_writableState`. */
interface WritingState {
  readonly highWaterMark: number;
  readonly corked: number;
  readonly writing: boolean;
  readonly constructed: boolean;
  readonly defaultEncoding: string;
}

interface Inside {
  readonly _readableState: ReadingState;
  readonly _writableState: WritingState;
}

const READING: readonly (keyof ReadingState)[] = [
  'flowing',
  'length',
  'sync',
  'dataEmitted',
  'decoder',
  'errored',
  'destroyed',
  'awaitDrainWriters',
];
const WRITING: readonly (keyof WritingState)[] = [
  'highWaterMark',
  'corked',
  'writing',
  'constructed',
  'defaultEncoding',
];

/** None of Node's own; a Node that keeps its states otherwise gets no shortcuts. */
const sample = new Duplex() as unknown as Inside;
const knowsReading = READING.every((name) => name in sample._readableState);
const knowsWriting = WRITING.every((name) => name in sample._writableState);
const nodesPush: unknown = Reflect.get(Duplex.prototype, 'push');

/** Whether `push(chunk)` would only emit it: `emit('data', chunk)` does the same then. */
export function mayEmit(stream: Duplex): boolean {
  const state = (stream as unknown as Inside)._readableState;
  return (
    knowsReading &&
    state.flowing === true &&
    state.length === 0 &&
    !state.sync &&
    state.dataEmitted &&
    state.decoder === null &&
    state.errored === null &&
    !state.destroyed &&
    state.awaitDrainWriters === null &&
    stream.push === nodesPush &&
    stream.listenerCount('data') > 0
  );
}

/**
 * Whether `write(chunk, encoding)` would do no more than hand it to `_write`, and return true: then
 * the encoding that a text is written in, otherwise `null`.
 */
export function encodingAtOnce(
  stream: Duplex,
  chunk: unknown,
  encoding: unknown,
): BufferEncoding | null {
  const state = (stream as unknown as Inside)._writableState;
  let name: unknown = 'utf8';
  if (typeof chunk === 'string') name = encoding ?? state.defaultEncoding;
  else if (!(chunk instanceof Uint8Array) || encoding !== undefined) return null;
  if (name !== 'utf8' && name !== 'latin1') return null;
  const isIdle =
    knowsWriting &&
    !state.writing &&
    state.corked === 0 &&
    state.constructed &&
    chunk.length < state.highWaterMark &&
    stream.writable;
  return isIdle ? name : null;
}
