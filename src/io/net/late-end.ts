/**
 * The end that a socket without `allowHalfOpen` comes to when its peer has ended, put off while
 * something is still being sent.
 *
 * Node's stream calls `end()` right after `'end'`. There most writes are over when they return, so
 * a pipe from a socket to itself has nothing left by then; here a write takes a tick, and what the
 * pipe still holds would be written too late. Only that one call is held back, never a program's.
 */

import type { Duplex } from 'node:stream';
import { writeAfterEnd } from './net-errors.ts';

/** Called while `'end'` is emitted: Node's call comes from `process.nextTick`. */
export function endOnceDrained(socket: Duplex): void {
  process.nextTick(() => {
    if (socket.writableEnded || socket.destroyed) return;
    socket.end = holdBack;
    process.nextTick(letThrough, socket);
  });
}

function holdBack(this: Duplex, ...args: unknown[]): Duplex {
  letThrough(this);
  if (args.length > 0) return this.end(...(args as []));
  endWhenQuiet(this);
  return this;
}

function letThrough(socket: Duplex): void {
  delete (socket as { end?: unknown }).end;
}

/** A turn after the last byte is time enough for whoever waited for `'drain'`. */
function endWhenQuiet(socket: Duplex): void {
  if (socket.writableEnded || socket.destroyed) return;
  if (socket.writableNeedDrain) socket.once('drain', () => setImmediate(endWhenQuiet, socket));
  else socket.end();
}

/** `write`, but for a socket that has ended with its peer: there the write is an error. */
export function refusingOnceEnded(write: Duplex['write']): Duplex['write'] {
  return function writeAfterPeersEnd(
    this: Duplex,
    chunk: unknown,
    encoding?: BufferEncoding | ((error?: Error | null) => void),
    callback?: (error?: Error | null) => void,
  ): boolean {
    if (!this.writableEnded) {
      return write.call(this, chunk, encoding as BufferEncoding, callback);
    }
    const done = typeof encoding === 'function' ? encoding : callback;
    const error = writeAfterEnd();
    if (typeof done === 'function') process.nextTick(done, error);
    this.destroy(error);
    return false;
  };
}
