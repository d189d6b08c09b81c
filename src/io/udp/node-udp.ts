/**
 * A datagram socket on Node's own `dgram`, for when there is no ring. What the kernel would cut
 * into datagrams is cut here.
 */

import { createSocket } from 'node:dgram';
import type { Socket, SocketOptions } from 'node:dgram';
import { closedError } from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { Endpoint, SocketAddress } from '../tcp/address.ts';
import type {
  DatagramCallback,
  OutgoingDatagram,
  UdpBindRequest,
  UdpHandler,
  UdpOption,
  UdpTransport,
} from './udp-transport.ts';

/** Binds a socket of Node's. */
export function bindOnNode(runtime: Runtime, request: UdpBindRequest): Promise<NodeUdp> {
  const { address, port, family } = request.endpoint;
  // `reusePort` is known from Node 23.1 on; earlier ones ignore it.
  const options: SocketOptions & { reusePort?: boolean } = {
    type: family === 'IPv4' ? 'udp4' : 'udp6',
    reuseAddr: request.reuseAddress,
    reusePort: request.reusePort,
    ipv6Only: request.ipv6Only,
  };
  return new Promise((resolve, reject) => {
    const socket = createSocket(options);
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ port, address, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve(new NodeUdp(runtime, socket));
    });
  });
}

export class NodeUdp implements UdpTransport {
  queuedBytes = 0;
  readonly usesGro = false;
  readonly #socket: Socket;
  readonly #isSix: boolean;
  #handler: UdpHandler | null = null;
  #isConnected = false;
  #isClosing = false;

  /** Made with a bound socket that this one owns from now on. */
  constructor(runtime: Runtime, socket: Socket) {
    this.#socket = socket;
    this.#isSix = socket.address().family === 'IPv6';
    runtime.resources.add(this);
    socket.on('message', (data, { address, family, port, size }) => {
      this.#handler?.onMessage(data, { address, family, port }, size);
    });
    socket.on('error', (error) => this.#handler?.onError(error));
    socket.on('close', () => {
      runtime.resources.delete(this);
      this.#handler?.onClose();
    });
  }

  get address(): SocketAddress {
    if (this.#isClosing) return { address: '', family: 'IPv4', port: 0 };
    const { address, family, port } = this.#socket.address();
    return { address, family: family === 'IPv6' ? 'IPv6' : 'IPv4', port };
  }

  start(handler: UdpHandler): void {
    this.#handler = handler;
  }

  send({ bytes, to, segmentSize }: OutgoingDatagram, done: DatagramCallback): void {
    if (this.#isClosing) {
      done(closedError('socket'));
      return;
    }
    const size = segmentSize === 0 ? bytes.byteLength : segmentSize;
    let left = 0;
    let failure: Error | null = null;
    const onSent = (error: Error | null): void => {
      failure ??= error;
      left -= 1;
      if (left > 0) return;
      this.queuedBytes -= bytes.byteLength;
      done(failure);
    };
    this.queuedBytes += bytes.byteLength;
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.byteLength; at += size) pieces.push(bytes.subarray(at, at + size));
    if (pieces.length === 0) pieces.push(bytes);
    left = pieces.length;
    for (const piece of pieces) this.#sendOne(piece, to, onSent);
  }

  connect(to: Endpoint | null): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosing) throw closedError('socket');
      if (this.#isConnected) this.#socket.disconnect();
      this.#isConnected = false;
      if (to === null) {
        resolve();
        return;
      }
      this.#socket.connect(to.port, this.#reachable(to), (error?: Error) => {
        this.#isConnected = error === undefined || error === null;
        if (this.#isConnected) resolve();
        else reject(error);
      });
    });
  }

  setOption(option: UdpOption, value: number): void {
    if (this.#isClosing) throw closedError('socket');
    const socket = this.#socket;
    if (option === 'broadcast') socket.setBroadcast(value !== 0);
    else if (option === 'ttl') socket.setTTL(value);
    else if (option === 'multicastTtl') socket.setMulticastTTL(value);
    else if (option === 'multicastLoopback') socket.setMulticastLoopback(value !== 0);
    else if (option === 'receiveBufferSize') socket.setRecvBufferSize(value);
    else socket.setSendBufferSize(value);
  }

  setMembership(isMember: boolean, group: string, interfaceName: string | undefined): void {
    if (this.#isClosing) throw closedError('socket');
    if (isMember) this.#socket.addMembership(group, interfaceName);
    else this.#socket.dropMembership(group, interfaceName);
  }

  setMulticastInterface(interfaceName: string): void {
    if (this.#isClosing) throw closedError('socket');
    this.#socket.setMulticastInterface(interfaceName);
  }

  setReferenced(isReferenced: boolean): void {
    if (isReferenced) this.#socket.ref();
    else this.#socket.unref();
  }

  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#socket.close();
  }

  destroy(): void {
    this.close();
  }

  #sendOne(bytes: Uint8Array, to: Endpoint | null, done: DatagramCallback): void {
    if (to === null) this.#socket.send(bytes, done);
    else this.#socket.send(bytes, to.port, this.#reachable(to), done);
  }

  /** A socket of IPv6 reaches IPv4 through mapped addresses. */
  #reachable({ address, family }: Endpoint): string {
    return this.#isSix && family === 'IPv4' ? `::ffff:${address}` : address;
  }
}
