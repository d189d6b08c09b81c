/**
 * UdpTransport: what a datagram socket can do, below what users see. There is one on the ring and
 * one on Node's own `dgram`.
 */

import type { Endpoint, SocketAddress } from '../tcp/address.ts';

/** Hears what happens to a socket. */
export interface UdpHandler {
  /** A datagram arrived; the buffer is the handler's own. `size` is what was sent. */
  onMessage(data: Buffer, sender: SocketAddress, size: number): void;
  /** Receiving failed, or an earlier send was refused by its target. It goes on. */
  onError(error: Error): void;
  /** The descriptor is gone; nothing follows. */
  onClose(): void;
}

/** Hears the outcome of one send. */
export type DatagramCallback = (error: Error | null) => void;

/** Options that are numbers, by name. */
export type UdpOption =
  | 'broadcast'
  | 'ttl'
  | 'multicastTtl'
  | 'multicastLoopback'
  | 'receiveBufferSize'
  | 'sendBufferSize';

/** One datagram to send; `to` is `null` for the connected peer. */
export interface OutgoingDatagram {
  readonly bytes: Uint8Array;
  readonly to: Endpoint | null;
  /** Bytes of each datagram that the kernel makes of it; 0: it is one. */
  readonly segmentSize: number;
}

/** Where and how to bind, checked and with defaults. */
export interface UdpBindRequest {
  readonly endpoint: Endpoint;
  readonly reuseAddress: boolean;
  readonly reusePort: boolean;
  readonly ipv6Only: boolean;
  readonly gro: boolean;
}

/** A bound datagram socket. */
export interface UdpTransport {
  readonly address: SocketAddress;
  /** Bytes with the kernel's queue still to take. */
  readonly queuedBytes: number;
  /** Whether the kernel puts datagrams together on their way in. */
  readonly usesGro: boolean;
  start(handler: UdpHandler): void;
  send(datagram: OutgoingDatagram, done: DatagramCallback): void;
  /** Sets the only peer, or takes it back with `null`. */
  connect(to: Endpoint | null): Promise<void>;
  setOption(option: UdpOption, value: number): void;
  /** Joins or leaves a group, at an interface or at the system's choice. */
  setMembership(isMember: boolean, group: string, interfaceName: string | undefined): void;
  setMulticastInterface(interfaceName: string): void;
  setReferenced(isReferenced: boolean): void;
  close(): void;
}
