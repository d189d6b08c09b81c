/**
 * Whether TLS stands on a socket: Node wraps a stream that is no socket of its own, and the wrapper
 * reads it, writes it, and ends it when TLS has said its last.
 *
 * The wrapper leaves no mark but its listeners. Of these the one for `'end'` hands the end of the
 * file to TLS, by a name that nothing else has. A Node that does otherwise is taken for no TLS.
 */

import type { EventEmitter } from 'node:events';

/** A socket's own listener is one of them. */
const OWN_LISTENERS = 1;

/** Asked once for each socket, when its peer has ended. */
export function isWrappedByTls(socket: EventEmitter): boolean {
  if (socket.listenerCount('end') <= OWN_LISTENERS) return false;
  return socket.listeners('end').some(handsOnTheEnd);
}

function handsOnTheEnd(listener: unknown): boolean {
  return Function.prototype.toString.call(listener).includes('.emitEOF()');
}
