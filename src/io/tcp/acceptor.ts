/**
 * Acceptor: a listening socket, below the two faces that users see. One on the ring, one on Node.
 */

import type { SocketAddress } from './address.ts';
import type { Connection } from './connection.ts';

/** Where and how to listen, checked and with defaults. */
export interface ListenRequest {
  readonly hostname: string | undefined;
  readonly port: number;
  readonly backlog: number;
  readonly reusePort: boolean;
}

/** Hears about new connections. */
export interface AcceptHandler {
  onConnection(connection: Connection): void;
  /** Accepting failed for good. */
  onError(error: Error): void;
  onClose(): void;
}

/** A listening socket. */
export interface Acceptor {
  readonly address: SocketAddress;
  /** Accepts until `pause()`. */
  start(handler: AcceptHandler): void;
  /** Stops taking connections from the kernel's backlog. */
  pause(): void;
  resume(): void;
  close(): void;
  setReferenced(isReferenced: boolean): void;
}
