/**
 * A datagram socket on the ring: a multishot recvmsg into the runtime's message buffers, and a send
 * for each datagram; all of a tick go to the kernel in one call.
 *
 *   receive:  idle --start--> armed --no F_MORE--> armed again, and counted
 *   close:    open --close()--> canceling (receive and sends) --> CLOSE --> closed
 *
 * Hot path (`onReceive`, `send`, `onSent`): no closure, and one record for each send.
 */

import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  controlSpace,
  ECANCELED,
  encodeSockaddr,
  ENOBUFS,
  IORING_CQE_BUFFER_SHIFT,
  IORING_CQE_F_BUFFER,
  IORING_CQE_F_MORE,
  IOVEC_SIZE,
  IOSQE_BUFFER_SELECT,
  IPPROTO_UDP,
  MSG_NOSIGNAL,
  MSG_TRUNC,
  MSGHDR_SIZE,
  prepClose,
  prepConnect,
  prepRecvmsgMultishot,
  prepSend,
  prepSendmsg,
  prepSendto,
  setSqeBufferGroup,
  setSqeFlags,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOL_SOCKET,
  UDP_GRO,
  UDP_SEGMENT,
  writeControlMessage,
  writeIovec,
  writeMessageHeader,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
} from '../../native/abi.ts';
import {
  cancelOperation,
  closedError,
  isStable,
  promiseOf,
  rethrow,
  settleWithResult,
  systemError,
} from '../../runtime/index.ts';
import type { Block, Engine, Operation, Runtime } from '../../runtime/index.ts';
import { addressOf } from '../tcp/address.ts';
import type { Endpoint, SocketAddress } from '../tcp/address.ts';
import { Destinations } from './destinations.ts';
import type { Destination } from './destinations.ts';
import { CONTROL_ROOM, NAME_ROOM, ReceivedMessage } from './received-message.ts';
import { applyMembership, applyMulticastInterface, applyOption } from './ring-udp-options.ts';
import type {
  DatagramCallback,
  OutgoingDatagram,
  UdpBindRequest,
  UdpHandler,
  UdpOption,
  UdpTransport,
} from './udp-transport.ts';

/** Where the parts of a message are in its block. */
const IOVEC_AT = MSGHDR_SIZE;
const CONTROL_AT = IOVEC_AT + IOVEC_SIZE;
const MESSAGE_SIZE = CONTROL_AT + controlSpace(2);

/** What one send keeps until its completion. */
interface Sending {
  readonly datagram: OutgoingDatagram;
  /** The bytes that the kernel is shown: a copy where the program's may move. */
  readonly bytes: Uint8Array;
  readonly destination: Destination | null;
  /** Header, iovec and control data of a send that is cut into datagrams. */
  readonly message: Block | null;
  readonly done: DatagramCallback;
}

/** Binds a socket on the ring. */
export function bindOnRing(runtime: Runtime, request: UdpBindRequest): RingUdp {
  const { calls } = runtime.requireEngine();
  const { address, port, domain, scopeId } = request.endpoint;
  const fd = calls.socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
  if (fd < 0) throw systemError(fd, 'bind', { address, port });
  if (request.reuseAddress) calls.setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (request.reusePort) calls.setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (request.ipv6Only) calls.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  const usesGro = request.gro && calls.setOption(fd, IPPROTO_UDP, UDP_GRO, 1) >= 0;
  const result = calls.bind(fd, encodeSockaddr({ family: domain, address, port, scopeId }));
  if (result < 0) {
    calls.close(fd);
    throw systemError(result, 'bind', { address, port });
  }
  return new RingUdp(runtime, fd, domain, usesGro);
}

export class RingUdp implements UdpTransport {
  queuedBytes = 0;
  readonly usesGro: boolean;
  readonly #runtime: Runtime;
  readonly #engine: Engine;
  readonly #fd: number;
  readonly #domain: number;
  readonly #message: ReceivedMessage = new ReceivedMessage();
  readonly #destinations: Destinations;
  /** The msghdr of the receive: only its two sizes count. */
  readonly #header: Block;
  #handler: UdpHandler | null = null;
  #receive: Operation | null = null;
  readonly #sends = new Set<Operation>();
  #isReferenced = true;
  #isClosing = false;
  #isClosed = false;
  #napiId: number;

  /** Made with a bound descriptor that this socket owns from now on. */
  constructor(runtime: Runtime, fd: number, domain: number, usesGro: boolean) {
    this.#runtime = runtime;
    this.#engine = runtime.requireEngine();
    this.#fd = fd;
    this.#domain = domain;
    this.usesGro = usesGro;
    this.#engine.own(fd);
    this.#napiId = this.#engine.napi.join(fd);
    this.#destinations = new Destinations(this.#engine.pool);
    this.#header = this.#engine.pool.take(MSGHDR_SIZE);
    writeMessageHeader(this.#header.words, 0, {
      nameAddress: 0,
      nameSize: NAME_ROOM,
      iovecAddress: 0,
      iovecCount: 0,
      controlAddress: 0,
      controlSize: CONTROL_ROOM,
    });
    runtime.resources.add(this);
  }

  get address(): SocketAddress {
    const name = this.#isClosing ? 0 : this.#engine.calls.getsockname(this.#fd);
    return addressOf(name) ?? { address: '', family: 'IPv4', port: 0 };
  }

  start(handler: UdpHandler): void {
    this.#handler = handler;
    if (this.#receive === null && !this.#isClosing) this.#arm();
  }

  send(datagram: OutgoingDatagram, done: DatagramCallback): void {
    if (this.#isClosing) {
      done(closedError('socket'));
      return;
    }
    const { to, segmentSize } = datagram;
    const destination = to === null ? null : this.#destinations.of(this.#mapped(to));
    if (destination !== null) destination.users += 1;
    const bytes = isStable(datagram.bytes) ? datagram.bytes : Uint8Array.from(datagram.bytes);
    const { scheduler, addresses } = this.#engine;
    const address = bytes.byteLength === 0 ? 0 : addresses.of(bytes);
    const isSegmented = segmentSize > 0 && segmentSize < bytes.byteLength;
    const message = isSegmented ? this.#messageOf(address, datagram, destination) : null;
    const operation = scheduler.begin(onSent, 'send');
    operation.context = this;
    operation.runsUserCode = true;
    operation.keep = { datagram, bytes, destination, message, done } satisfies Sending;
    const { sqe } = scheduler;
    if (message !== null) {
      prepSendmsg(sqe, this.#fd, message.address, MSG_NOSIGNAL);
    } else if (destination === null) {
      prepSend(sqe, this.#fd, address, bytes.byteLength, MSG_NOSIGNAL);
    } else {
      const { block, size } = destination;
      prepSendto(sqe, this.#fd, address, bytes.byteLength, MSG_NOSIGNAL, block.address, size);
    }
    this.queuedBytes += bytes.byteLength;
    this.#sends.add(operation);
  }

  async connect(to: Endpoint | null): Promise<void> {
    const { scheduler, pool } = this.#engine;
    if (this.#isClosing) throw closedError('socket');
    const address = to?.address;
    const encoded = to === null ? new Uint8Array(16) : this.#encode(to);
    // A family of 0 takes the peer back.
    if (to === null) encoded[0] = AF_UNSPEC;
    const block = pool.take(encoded.length);
    block.bytes.set(encoded);
    const operation = scheduler.begin(settleWithResult, 'connect');
    operation.keep = block;
    prepConnect(scheduler.sqe, this.#fd, block.address, encoded.length);
    try {
      await promiseOf<number>(operation);
    } catch (error) {
      const { errno } = error as { errno?: number };
      if (errno === undefined) throw error;
      throw systemError(errno, 'connect', { address, port: to?.port });
    } finally {
      pool.give(block);
    }
  }

  setOption(option: UdpOption, value: number): void {
    if (this.#isClosing) throw closedError('socket');
    applyOption(this.#engine.calls, this.#fd, this.#domain, option, value);
  }

  setMembership(isMember: boolean, group: string, interfaceName: string | undefined): void {
    if (this.#isClosing) throw closedError('socket');
    applyMembership(this.#engine.calls, this.#fd, { isMember, group, interfaceName });
  }

  setMulticastInterface(interfaceName: string): void {
    if (this.#isClosing) throw closedError('socket');
    applyMulticastInterface(this.#engine.calls, this.#fd, this.#domain, interfaceName);
  }

  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced;
    if (this.#receive === null) return;
    this.#engine.scheduler.setReferenced(this.#receive, isReferenced);
  }

  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const { scheduler } = this.#engine;
    if (this.#receive !== null) cancelOperation(scheduler, this.#receive);
    for (const operation of this.#sends) cancelOperation(scheduler, operation);
    this.#closeIfIdle();
  }

  destroy(): void {
    this.close();
  }

  #arm(): void {
    const { scheduler, messageBuffers } = this.#engine;
    const operation = scheduler.begin(onReceive, 'recvmsg');
    operation.context = this;
    operation.isMultishot = true;
    operation.runsUserCode = true;
    // MSG_TRUNC asks for the size of what was sent, also where it is cut off.
    prepRecvmsgMultishot(scheduler.sqe, this.#fd, this.#header.address, MSG_TRUNC);
    setSqeFlags(scheduler.sqe, IOSQE_BUFFER_SELECT);
    setSqeBufferGroup(scheduler.sqe, messageBuffers.group);
    if (!this.#isReferenced) scheduler.setReferenced(operation, false);
    this.#receive = operation;
  }

  /** @internal */
  onReceive(result: number, flags: number): void {
    const isLast = (flags & IORING_CQE_F_MORE) === 0;
    if (isLast) this.#receive = null;
    if (result >= 0 && (flags & IORING_CQE_F_BUFFER) !== 0) this.#deliver(result, flags);
    if (!isLast) return;
    if (this.#isClosing) {
      this.#closeIfIdle();
      return;
    }
    if (result >= 0 || result === -ENOBUFS) {
      const { metrics } = this.#engine;
      metrics.multishotRearms += 1;
      if (result === -ENOBUFS) metrics.buffersExhausted += 1;
    } else if (result !== -ECANCELED) {
      this.#fail(result);
    }
    if (!this.#isClosing && !this.#runtime.isClosed) this.#arm();
  }

  #deliver(filled: number, flags: number): void {
    const { messageBuffers } = this.#engine;
    const id = flags >>> IORING_CQE_BUFFER_SHIFT;
    const message = this.#message;
    const { bytes } = messageBuffers;
    const isWhole = message.read(bytes, messageBuffers.offsetOf(id), filled);
    const { payloadAt, length, size, segmentSize, sender } = message;
    const data = Buffer.allocUnsafe(isWhole ? length : 0);
    if (isWhole) bytes.copy(data, 0, payloadAt, payloadAt + length);
    messageBuffers.provide(id);
    if (!isWhole || this.#isClosing) return;
    if (this.#napiId === 0) this.#napiId = this.#engine.napi.joinLate(this.#fd);
    if (segmentSize === 0 || segmentSize >= length) {
      this.#hand(data, sender, size);
      return;
    }
    for (let at = 0; at < length; at += segmentSize) {
      const piece = data.subarray(at, at + segmentSize);
      this.#hand(piece, sender, piece.length);
    }
  }

  /** What a listener throws does not end the receiving, nor keep others from theirs. */
  #hand(data: Buffer, sender: SocketAddress, size: number): void {
    try {
      this.#handler?.onMessage(data, sender, size);
    } catch (error) {
      rethrow(error);
    }
  }

  #fail(result: number): void {
    try {
      this.#handler?.onError(systemError(result, 'recvmsg', { form: 'net' }));
    } catch (error) {
      rethrow(error);
    }
  }

  /** @internal */
  onSent(result: number, operation: Operation): void {
    const { datagram, bytes, destination, message, done } = operation.keep as Sending;
    this.#sends.delete(operation);
    this.queuedBytes -= bytes.byteLength;
    if (destination !== null) destination.users -= 1;
    if (message !== null) this.#engine.pool.give(message);
    try {
      if (result >= 0) done(null);
      else if (this.#isClosing) done(closedError('socket'));
      else {
        const { address, port } = datagram.to ?? {};
        done(systemError(result, 'send', { address, port, form: 'net' }));
      }
    } finally {
      if (this.#isClosing) this.#closeIfIdle();
    }
  }

  #encode(to: Endpoint): Uint8Array {
    const { address, port, domain, scopeId } = this.#mapped(to);
    return encodeSockaddr({ family: domain, address, port, scopeId });
  }

  /** A socket of IPv6 reaches IPv4 through mapped addresses. */
  #mapped(to: Endpoint): Endpoint {
    if (this.#domain !== AF_INET6 || to.domain !== AF_INET) return to;
    return { ...to, address: `::ffff:${to.address}`, domain: AF_INET6 };
  }

  /** A msghdr whose control data has the kernel cut the payload into datagrams. */
  #messageOf(
    address: number,
    { bytes, segmentSize }: OutgoingDatagram,
    destination: Destination | null,
  ): Block {
    const block = this.#engine.pool.take(MESSAGE_SIZE);
    const data = new Uint8Array(2);
    new DataView(data.buffer).setUint16(0, segmentSize, true);
    writeControlMessage(block.bytes, CONTROL_AT, { level: IPPROTO_UDP, type: UDP_SEGMENT, data });
    writeIovec(block.words, IOVEC_AT >> 2, address, bytes.byteLength);
    writeMessageHeader(block.words, 0, {
      nameAddress: destination?.block.address ?? 0,
      nameSize: destination?.size ?? 0,
      iovecAddress: block.address + IOVEC_AT,
      iovecCount: 1,
      controlAddress: block.address + CONTROL_AT,
      controlSize: controlSpace(data.length),
    });
    return block;
  }

  #closeIfIdle(): void {
    if (this.#receive !== null || this.#sends.size > 0 || this.#isClosed) return;
    this.#isClosed = true;
    this.#engine.napi.leave(this.#napiId);
    this.#destinations.clear();
    this.#engine.pool.give(this.#header);
    if (this.#runtime.isClosed) {
      this.#engine.calls.close(this.#fd);
      this.onClosed();
      return;
    }
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(onClosed, 'close');
    operation.context = this;
    operation.runsUserCode = true;
    prepClose(scheduler.sqe, this.#fd);
    this.#engine.disown(this.#fd);
  }

  /** @internal */
  onClosed(): void {
    this.#runtime.resources.delete(this);
    const handler = this.#handler;
    this.#handler = null;
    handler?.onClose();
  }
}

function onReceive(result: number, flags: number, operation: Operation): void {
  (operation.context as RingUdp).onReceive(result, flags);
}

function onSent(result: number, _flags: number, operation: Operation): void {
  (operation.context as RingUdp).onSent(result, operation);
}

function onClosed(_result: number, _flags: number, operation: Operation): void {
  (operation.context as RingUdp).onClosed();
}
