/**
 * UdpSocket: datagrams as promises, as an iterator, or as callbacks. How they travel is
 * `ring-udp.ts`, and `node-udp.ts` without a ring.
 */

import { AsyncResource } from 'node:async_hooks';
import {
  boolean,
  closedError,
  codedError,
  integer,
  invalidArgType,
  runtime,
} from '../../runtime/index.ts';
import { bytesOf, validateSignal } from '../stream/arguments.ts';
import type { StreamOptions } from '../stream/socket-stream.ts';
import { resolveEndpoints, validatePort } from '../tcp/address.ts';
import type { Endpoint, SocketAddress } from '../tcp/address.ts';
import { DatagramQueue } from './datagram-queue.ts';
import { bindOnNode } from './node-udp.ts';
import { bindOnRing } from './ring-udp.ts';
import { validateBind, validateTarget } from './udp-arguments.ts';
import type { Datagram, DatagramTarget, UdpBindOptions, UdpCallbacks } from './udp-arguments.ts';
import type { UdpOption, UdpTransport } from './udp-transport.ts';

/** Bytes that may wait for the kernel before `post` says to wait. */
const HIGH_WATER_MARK = 256 * 1024;
/** What the kernel cuts at a time: the largest message, and no more pieces than it takes. */
const SEGMENTED_SIZE_MAX = 65_507;
const SEGMENTS_MAX = 64;

/**
 * A bound datagram socket.
 *
 * Receive with `receive()` or by iterating, or give `socket` callbacks to `bind`. Datagrams that
 * nobody takes wait up to a number; then the newest is dropped and counted in `dropped`.
 *
 * @example
 * ```ts
 * import { UdpSocket } from 'onering';
 *
 * const server = await UdpSocket.bind({ hostname: '127.0.0.1' });
 * const client = await UdpSocket.bind({ hostname: '127.0.0.1' });
 * await client.connect(server.address());
 * await client.send('ping');
 * for await (const { data, sender } of server) {
 *   await server.send(`${data}, pong`, sender);
 *   break; // leaving the loop closes the socket
 * }
 * console.log(String((await client.receive())?.data)); // ping, pong
 * await client.close();
 * ```
 * @see https://man7.org/linux/man-pages/man7/udp.7.html
 */
export class UdpSocket {
  readonly #transport: UdpTransport;
  readonly #callbacks: UdpCallbacks | undefined;
  readonly #context: AsyncResource = new AsyncResource('UdpSocket');
  readonly #queue: DatagramQueue<Datagram>;
  readonly #closed: Promise<void>;
  #resolveClosed: () => void = () => {};
  #unbind: () => void = () => {};
  #remote: SocketAddress | null = null;
  #error: Error | null = null;
  #isClosed = false;
  #isWaiting = false;
  readonly #onPosted = (error: Error | null): void => this.#posted(error);

  private constructor(
    transport: UdpTransport,
    callbacks: UdpCallbacks | undefined,
    queueMax: number,
  ) {
    this.#transport = transport;
    this.#callbacks = callbacks;
    this.#queue = new DatagramQueue(queueMax);
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    transport.start(this);
  }

  /**
   * Makes and binds a socket.
   *
   * @param options - address, port, limits, and callbacks for the callback form.
   * @returns the socket, already receiving.
   * @throws `EADDRINUSE`, `EACCES` and what else bind(2) names, with `address` and `port`;
   *   `ENOTFOUND` from the resolver; `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`,
   *   `ERR_OUT_OF_RANGE`; the signal's reason.
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_recvmsg_multishot.3.html
   */
  static async bind(options: UdpBindOptions = {}): Promise<UdpSocket> {
    const { request, callbacks, queueMax, signal } = await validateBind(options);
    signal?.throwIfAborted();
    const current = runtime();
    const transport =
      current.engine === null ? await bindOnNode(current, request) : bindOnRing(current, request);
    const socket = new UdpSocket(transport, callbacks, queueMax);
    if (signal === undefined) return socket;
    if (signal.aborted) {
      await socket.close();
      throw signal.reason;
    }
    const onAbort = (): void => void socket.close();
    signal.addEventListener('abort', onAbort, { once: true });
    socket.#unbind = () => signal.removeEventListener('abort', onAbort);
    return socket;
  }

  /** Where it is bound, with the port that the kernel chose. */
  address(): SocketAddress {
    return this.#transport.address;
  }

  /** The connected peer, or `null`. */
  get remoteAddress(): SocketAddress | null {
    return this.#remote;
  }

  /** Datagrams that arrived and wait to be taken. */
  get pending(): number {
    return this.#queue.size;
  }

  /** Datagrams that were dropped because too many waited. The kernel's own drops are not in it. */
  get dropped(): number {
    return this.#queue.dropped;
  }

  /** Bytes that were sent and are not with the kernel yet. */
  get queuedBytes(): number {
    return this.#transport.queuedBytes;
  }

  /** Whether the kernel puts datagrams of one sender together, and they are taken apart here. */
  get usesGro(): boolean {
    return this.#transport.usesGro;
  }

  /** Whether it was closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Waits for the next datagram.
   *
   * @param options - an abort signal; the datagram then goes to the next `receive`.
   * @returns the datagram, or `null` when the socket is closed.
   * @throws `ECONNREFUSED` once where the connected peer refused an earlier datagram; the signal's
   *   reason; `ERR_SOCKET_CALLBACKS` in callback form.
   */
  async receive(options?: StreamOptions): Promise<Datagram | null> {
    const signal = validateSignal(options?.signal);
    signal?.throwIfAborted();
    if (this.#callbacks !== undefined) {
      throw codedError('ERR_SOCKET_CALLBACKS', 'The socket hands its datagrams to callbacks');
    }
    const datagram = this.#queue.take();
    if (datagram !== undefined) return datagram;
    const error = this.#error;
    this.#error = null;
    if (error !== null) throw error;
    return this.#isClosed ? null : await this.#queue.wait(signal);
  }

  /**
   * Sends a datagram, or several with `segmentSize`: the kernel then cuts the data into datagrams
   * of that size, with one trip through its network stack for up to 64 of them.
   *
   * @param data - what to send; a view must not change until the promise settles.
   * @param to - where to, unless the socket is connected; a host name is looked up each time.
   * @returns a promise that resolves when the kernel has it: nobody need have received it.
   * @throws `EMSGSIZE`, `ECONNREFUSED` and what else send(2) names, with `address` and `port`;
   *   `ERR_SOCKET_DGRAM_IS_CONNECTED` with an address on a connected socket, and
   *   `ERR_SOCKET_DGRAM_NOT_CONNECTED` without one on any other; `ERR_SOCKET_CLOSED`;
   *   `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`.
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_sendto.3.html
   */
  async send(data: string | Uint8Array, to?: DatagramTarget): Promise<void> {
    const bytes = bytesOf(data);
    const { endpoint, segmentSize } = await this.#targetOf(to);
    this.#checkTarget(endpoint);
    await Promise.all(
      piecesOf(bytes, segmentSize).map((piece) => this.#send(piece, endpoint, segmentSize)),
    );
  }

  /**
   * Sends without a promise, for the hottest senders. What fails is reported to the `error`
   * callback, or to the next `receive`.
   *
   * @param data - what to send; a view must not change until it is sent.
   * @param to - the address of a datagram's sender, or `null` for the connected peer.
   * @returns false when more is queued than is good: wait for `drain` then.
   * @throws as `send` does for the arguments, and `ERR_SOCKET_DGRAM_IS_CONNECTED` and its opposite.
   */
  post(data: string | Uint8Array, to: SocketAddress | null = null): boolean {
    const bytes = bytesOf(data);
    const endpoint = to === null ? null : validateTarget(to).endpoint;
    if (endpoint === undefined) throw invalidArgType('to.address', 'an IP address', to?.address);
    this.#checkTarget(endpoint);
    this.#transport.send({ bytes, to: endpoint, segmentSize: 0 }, this.#onPosted);
    if (this.#transport.queuedBytes < HIGH_WATER_MARK) return true;
    this.#isWaiting = true;
    return false;
  }

  /**
   * Sets the only peer: sends need no address then, and datagrams of others are not received.
   *
   * @param to - the peer's address, as `address()` of another socket gives it.
   * @throws what connect(2) names, with `address` and `port`; `ENOTFOUND` from the resolver;
   *   `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`; `ERR_SOCKET_CLOSED`.
   */
  async connect(to: DatagramTarget): Promise<void> {
    const { endpoint } = await this.#targetOf(to);
    if (endpoint === null) throw invalidArgType('to', 'an instance of Object', to);
    await this.#transport.connect(endpoint);
    const { address, family, port } = endpoint;
    this.#remote = { address, family, port };
  }

  /**
   * Takes the peer back: anybody may be sent to and received from again. A port that the kernel
   * chose goes with it, and the next send gets another.
   */
  async disconnect(): Promise<void> {
    await this.#transport.connect(null);
    this.#remote = null;
  }

  /** Whether datagrams may be sent to a broadcast address. */
  setBroadcast(isOn: boolean): this {
    return this.#set('broadcast', boolean(isOn, 'isOn', true) ? 1 : 0);
  }

  /** How many routers a datagram may pass: 1 to 255. */
  setTtl(hops: number): this {
    return this.#set('ttl', integer(hops, 'hops', undefined, 1, 255));
  }

  /** The same for multicast: 0 to 255. */
  setMulticastTtl(hops: number): this {
    return this.#set('multicastTtl', integer(hops, 'hops', undefined, 0, 255));
  }

  /** Whether multicast that is sent here is received here as well. */
  setMulticastLoopback(isOn: boolean): this {
    return this.#set('multicastLoopback', boolean(isOn, 'isOn', true) ? 1 : 0);
  }

  /** Asks for so much room in the kernel for what arrives; the kernel may give another size. */
  setReceiveBufferSize(size: number): this {
    return this.#set('receiveBufferSize', integer(size, 'size', undefined, 1, 2 ** 31 - 1));
  }

  /** Asks for so much room in the kernel for what is sent. */
  setSendBufferSize(size: number): this {
    return this.#set('sendBufferSize', integer(size, 'size', undefined, 1, 2 ** 31 - 1));
  }

  /**
   * Joins a multicast group.
   *
   * @param group - its address.
   * @param interfaceName - the IPv4 address of an interface, or `::%eth0`.
   * @throws `EINVAL`, `ENODEV`, `EADDRINUSE` and what else setsockopt(2) names.
   */
  addMembership(group: string, interfaceName?: string): this {
    if (typeof group !== 'string') throw invalidArgType('group', 'of type string', group);
    this.#transport.setMembership(true, group, interfaceName);
    return this;
  }

  /** Leaves a multicast group; arguments and errors as for `addMembership`. */
  dropMembership(group: string, interfaceName?: string): this {
    if (typeof group !== 'string') throw invalidArgType('group', 'of type string', group);
    this.#transport.setMembership(false, group, interfaceName);
    return this;
  }

  /** Chooses the interface that multicast is sent from: as in `addMembership`. */
  setMulticastInterface(interfaceName: string): this {
    if (typeof interfaceName !== 'string') {
      throw invalidArgType('interfaceName', 'of type string', interfaceName);
    }
    this.#transport.setMulticastInterface(interfaceName);
    return this;
  }

  /** Lets receiving keep the process alive: the default. */
  ref(): this {
    this.#transport.setReferenced(true);
    return this;
  }

  /** Lets the process end although this socket receives. */
  unref(): this {
    this.#transport.setReferenced(false);
    return this;
  }

  /**
   * Closes. What waits to be taken is dropped, sends that the kernel has not taken are rejected.
   *
   * @returns a promise that resolves when the descriptor is gone.
   */
  close(): Promise<void> {
    if (this.#isClosed) return this.#closed;
    this.#isClosed = true;
    this.#unbind();
    while (this.#queue.take() !== undefined);
    this.#transport.close();
    this.#queue.end();
    return this.#closed;
  }

  /** Iterates over datagrams until the socket is closed; leaving the loop closes it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Datagram, undefined> {
    try {
      for (;;) {
        const datagram = await this.receive();
        if (datagram === null) return undefined;
        yield datagram;
      }
    } finally {
      await this.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  onMessage(data: Buffer, sender: SocketAddress, size: number): void {
    const callbacks = this.#callbacks;
    if (callbacks !== undefined) {
      this.#context.runInAsyncScope(callbacks.message, callbacks, this, data, sender);
      return;
    }
    this.#queue.push({ data, sender, size, isTruncated: size > data.length });
  }

  /** @internal */
  onError(error: Error): void {
    const report = this.#callbacks?.error;
    if (report !== undefined) {
      this.#context.runInAsyncScope(report, this.#callbacks, this, error);
    } else if (!this.#queue.fail(error)) {
      this.#error = error;
    }
  }

  /** @internal */
  onClose(): void {
    // The runtime closes its sockets when it is closed itself.
    if (!this.#isClosed) void this.close();
    this.#resolveClosed();
    const close = this.#callbacks?.close;
    if (close !== undefined) this.#context.runInAsyncScope(close, this.#callbacks, this);
  }

  async #targetOf(
    to: DatagramTarget | undefined,
  ): Promise<{ endpoint: Endpoint | null; segmentSize: number }> {
    if (to === undefined) return { endpoint: null, segmentSize: 0 };
    const { endpoint, hostname, port, segmentSize } = validateTarget(to);
    if (endpoint !== undefined) return { endpoint, segmentSize };
    const found = await resolveEndpoints(hostname, validatePort(port, 'to.port'));
    // A socket of IPv4 reaches no other family, where a name has both.
    const { family } = this.address();
    const [first = null] = found.toSorted(
      (a, b) => Number(b.family === family) - Number(a.family === family),
    );
    return { endpoint: first, segmentSize };
  }

  /** A connected socket has its peer, and any other needs one: in Node's words. */
  #checkTarget(to: Endpoint | null): void {
    if (this.#isClosed || (to === null) === (this.#remote !== null)) return;
    throw to === null
      ? codedError('ERR_SOCKET_DGRAM_NOT_CONNECTED', 'Not connected')
      : codedError('ERR_SOCKET_DGRAM_IS_CONNECTED', 'Already connected');
  }

  #send(bytes: Uint8Array, to: Endpoint | null, segmentSize: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#transport.send({ bytes, to, segmentSize }, (error) => {
        if (error === null) resolve();
        else reject(error);
        this.#drained();
      });
    });
  }

  #posted(error: Error | null): void {
    try {
      if (error !== null && !this.#isClosed) this.onError(error);
    } finally {
      this.#drained();
    }
  }

  #drained(): void {
    if (!this.#isWaiting || this.#transport.queuedBytes > 0 || this.#isClosed) return;
    this.#isWaiting = false;
    const drain = this.#callbacks?.drain;
    if (drain !== undefined) this.#context.runInAsyncScope(drain, this.#callbacks, this);
  }

  #set(option: UdpOption, value: number): this {
    if (this.#isClosed) throw closedError('socket');
    this.#transport.setOption(option, value);
    return this;
  }
}

/** What the kernel takes in one call, to be cut: no more pieces, and no more bytes. */
function piecesOf(bytes: Uint8Array, segmentSize: number): Uint8Array[] {
  if (segmentSize === 0 || segmentSize >= bytes.length) return [bytes];
  const count = Math.max(1, Math.min(SEGMENTS_MAX, Math.floor(SEGMENTED_SIZE_MAX / segmentSize)));
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += count * segmentSize) {
    pieces.push(bytes.subarray(at, at + count * segmentSize));
  }
  return pieces;
}
