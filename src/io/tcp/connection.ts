/**
 * Connection: what a stream socket can do, below the three faces that users see (promises,
 * callbacks, a Duplex). There is one on the ring and one on Node's own `net`.
 *
 *   receiving:  stopped --start()--> started --stop()--> stopped;  ends with onEnd or onError
 *   sending:    send() queues; onDrain when everything that was queued is with the kernel
 *   closing:    close() sends what is queued, then closes; destroy() gives it up
 */

import type { Lease } from '../../runtime/index.ts';
import type { SocketAddress } from './address.ts';

/** Hears what happens to a connection. Each is called in the order things happened. */
export interface ConnectionHandler {
  /** Whether it calls nobody and only settles promises: one drain does for a whole batch then. */
  readonly settlesOnly?: boolean;
  /** Bytes arrived; the buffer is the handler's own. */
  onData(chunk: Buffer): void;
  /** The same bytes without a copy, where lending was asked for. */
  onLease?(lease: Lease): void;
  /** The peer will send nothing more. */
  onEnd(): void;
  /** Receiving failed. Sending failures reach the sender. */
  onError(error: Error): void;
  /** Everything that was queued is with the kernel. */
  onDrain(): void;
  /** The descriptor is gone; nothing follows. */
  onClose(): void;
}

/** Hears the outcome of one `send`. */
export type SendCallback = (error: Error | null) => void;

/** A connected stream socket. */
export interface Connection {
  readonly localAddress: SocketAddress | null;
  readonly remoteAddress: SocketAddress | null;
  /** Bytes received so far. */
  readonly bytesRead: number;
  /** Bytes with the kernel so far. */
  readonly bytesWritten: number;
  /** Bytes queued and not with the kernel yet. */
  readonly queuedBytes: number;
  readonly isClosed: boolean;
  setHandler(handler: ConnectionHandler): void;
  /** Receives until `stop()`. */
  start(): void;
  /** Stops receiving; what the kernel has handed over already still arrives. */
  stop(): void;
  /** Whether what arrives shall be lent (`onLease`) where it can be, and not copied. */
  setLending(isLending: boolean): void;
  /** Queues bytes, in order. They must not change until the callback is called. */
  send(bytes: Uint8Array, done: SendCallback | null): void;
  /**
   * Sends a copy of few bytes, in order, and counts them as sent; a failure is `onError`. Returns
   * how many they were, or 0 where it takes a `send`.
   */
  sendPromptly(data: string | Uint8Array, encoding: BufferEncoding): number;
  /** Sends what is queued, then tells the peer that nothing follows. */
  shutdown(done: SendCallback): void;
  /** Sends what is queued, then closes. `onClose` follows. */
  close(): void;
  /** Closes at once: what is queued fails. `onClose` follows. */
  destroy(): void;
  /**
   * Gives the descriptor to another thread: this connection is over, the descriptor is not closed.
   * `onClose` follows. Throws while anything is in flight, and where Node owns the descriptor.
   */
  detach(): number;
  setNoDelay(isOn: boolean): void;
  setKeepAlive(isOn: boolean, initialDelayMs: number): void;
  /** Whether receiving keeps the process alive. */
  setReferenced(isReferenced: boolean): void;
}
