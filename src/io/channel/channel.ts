/**
 * Channel: messages between two threads, through memory that both share.
 *
 *   send() --encode--> frames in shared memory --> receive() decodes into values of its own
 *             full: the promise waits            empty: the promise waits
 *
 * The threads wake each other only when one sleeps: that is what `waker.ts` is for. Messages keep
 * their order, and each is received once or, when its receiver's end is closed before, never.
 */

import { receiveMessageOnPort, MessageChannel, MessagePort } from 'node:worker_threads';
import { closedError, integer, invalidArgType, runtime } from '../../runtime/index.ts';
import { validateNames, validateObject } from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { makeChannelMemory, markClosed, queueOf } from './layout.ts';
import type { Side } from './layout.ts';
import { KeepAlive } from './keep-alive.ts';
import { NodeWaker } from './node-waker.ts';
import { Receiving } from './receiving.ts';
import { RingWaker } from './ring-waker.ts';
import { Sending } from './sending.ts';
import type { Waker } from './waker.ts';

const CAPACITY_DEFAULT = 256 * 1024;
const CAPACITY_MIN = 1024;
const CAPACITY_MAX = 2 ** 30;

/** How a channel is made. */
export interface ChannelOptions {
  /**
   * Bytes of messages on their way, for each direction; rounded up to a power of two.
   * @defaultValue 262_144
   */
  capacity?: number;
}

/** What a receive may carry. */
export interface ReceiveOptions {
  /** Aborting it leaves the message to the next receive. */
  signal?: AbortSignal | undefined;
}

/** Two ends: one for this thread, and one to give away. */
export interface CreatedChannel<Outgoing, Incoming> {
  /** This thread's end. */
  readonly channel: Channel<Outgoing, Incoming>;
  /** The other end: transfer it to a thread, which calls `Channel.open` with it. */
  readonly port: MessagePort;
}

/** What the port carries from `create` to `open`. */
interface Description {
  readonly onering: 1;
  readonly memory: SharedArrayBuffer;
}

/**
 * One end of a channel between two threads.
 *
 * Values arrive as structured clones; a `Uint8Array` sent by itself arrives as a `Buffer`. Waiting
 * keeps the process alive, an open channel alone does not. What was sent before an end was closed
 * can still be received at the other.
 *
 * @example
 * ```ts
 * import { Worker } from 'node:worker_threads';
 * import { Channel } from 'onering';
 *
 * const source = `
 *   import('onering').then(async ({ Channel }) => {
 *     const { workerData } = await import('node:worker_threads');
 *     const channel = Channel.open(workerData);
 *     for await (const { a, b } of channel) await channel.send(a + b);
 *   });
 * `;
 * const { channel, port } = Channel.create();
 * const worker = new Worker(source, { eval: true, workerData: port, transferList: [port] });
 * await channel.send({ a: 1, b: 2 });
 * console.log(await channel.receive()); // 3
 * await channel.close();
 * await new Promise((resolve) => worker.once('exit', resolve));
 * ```
 * @see https://man7.org/linux/man-pages/man3/io_uring_prep_msg_ring.3.html
 */
export class Channel<Outgoing = unknown, Incoming = unknown> {
  readonly #runtime: Runtime;
  readonly #words: Int32Array;
  readonly #side: Side;
  readonly #waker: Waker;
  readonly #keepAlive: KeepAlive;
  readonly #sending: Sending;
  readonly #receiving: Receiving;
  readonly #closed: Promise<void>;
  #resolveClosed: () => void = () => {};
  #isClosed = false;

  private constructor(port: MessagePort, memory: SharedArrayBuffer, side: Side) {
    const current = runtime();
    const { engine } = current;
    const outgoing = queueOf(memory, side);
    const incoming = queueOf(memory, side === 0 ? 1 : 0);
    this.#runtime = current;
    this.#words = outgoing.words;
    this.#side = side;
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    const way = new NodeWaker(port, this);
    this.#waker =
      engine === null
        ? way
        : new RingWaker({ engine, words: outgoing.words, side, port: way, listener: this });
    this.#keepAlive = new KeepAlive(this.#waker);
    const parts = { runtime: current, waker: this.#waker, keepAlive: this.#keepAlive, side };
    this.#sending = new Sending({ ...parts, queue: outgoing });
    this.#receiving = new Receiving({ ...parts, queue: incoming });
    current.resources.add(this);
  }

  /**
   * Makes a channel.
   *
   * @param options - how much may be on its way.
   * @returns this thread's end, and a port that carries the other end to another thread.
   * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_OUT_OF_RANGE`.
   * @example
   * ```ts
   * import { Channel } from 'onering';
   *
   * const { channel, port } = Channel.create({ capacity: 65_536 });
   * const other = Channel.open(port); // in another thread, usually
   * await channel.send('hello');
   * console.log(await other.receive()); // hello
   * await Promise.all([channel.close(), other.close()]);
   * ```
   */
  static create<Outgoing = unknown, Incoming = unknown>(
    options: ChannelOptions = {},
  ): CreatedChannel<Outgoing, Incoming> {
    validateObject(options, 'options');
    validateNames(options, 'options', ['capacity']);
    const { capacity } = options;
    const name = 'options.capacity';
    const size = integer(capacity, name, CAPACITY_DEFAULT, CAPACITY_MIN, CAPACITY_MAX);
    const memory = makeChannelMemory(2 ** Math.ceil(Math.log2(size)));
    const { port1, port2 } = new MessageChannel();
    // It waits in the port, and travels with it.
    const description: Description = { onering: 1, memory };
    port1.postMessage(description);
    return { channel: new Channel<Outgoing, Incoming>(port1, memory, 0), port: port2 };
  }

  /**
   * Opens the other end, in the thread that it was transferred to.
   *
   * @param port - what `create` returned; it belongs to the channel from here on.
   * @returns this thread's end.
   * @throws `ERR_INVALID_ARG_TYPE`; `ERR_INVALID_ARG_VALUE` for a port of something else, or one
   *   that was opened before.
   */
  static open<Outgoing = unknown, Incoming = unknown>(
    port: MessagePort,
  ): Channel<Outgoing, Incoming> {
    if (!(port instanceof MessagePort)) {
      throw invalidArgType('port', 'an instance of MessagePort', port);
    }
    return new Channel<Outgoing, Incoming>(port, describe(port).memory, 1);
  }

  /** Whether it was closed, from here or because the other end is gone and nothing is left. */
  get isClosed(): boolean {
    return this.#isClosed || this.#receiving.isOver;
  }

  /**
   * Sends a message. What it holds is copied at once. A thread that is terminated may lose what it
   * sent in its last turn; one that exits does not.
   *
   * A `TcpStream` that nothing was read from yet changes threads: it is closed here, and received
   * as a stream there. If the other end is closed or gone before, its connection is closed.
   *
   * @param message - a stream, or anything that can be cloned; arrays of more than 32 elements lose
   *   what properties they have besides.
   * @returns a promise that resolves when the message is in the shared memory; wait for it, or
   *   what does not fit piles up here.
   * @throws `ERR_CHANNEL_CLOSED` when either end is closed; `DataCloneError`. For streams:
   *   `ERR_SOCKET_IN_USE` when something was read or is being sent, `ERR_SOCKET_CLOSED`,
   *   `ERR_URING_UNAVAILABLE` on the libuv backend, where Node lets go of no descriptor. A
   *   `UnixStream` is a `DataCloneError`.
   */
  send(message: Outgoing): Promise<void> {
    return this.#sending.send(message);
  }

  /**
   * Sends a message without a promise, which spares a busy sender a turn of the microtask queue for
   * each. What finds no room is kept here and sent later: after `false`, wait for the next `send`,
   * whose promise resolves when everything before it has found room as well.
   *
   * @param message - as for `send`.
   * @returns whether the message is in the shared memory already.
   * @throws as `send` rejects. What waits for room when the channel is closed is lost silently.
   * @example
   * ```ts
   * import { Channel } from 'onering';
   *
   * const { channel, port } = Channel.create({ capacity: 1024 });
   * const other = Channel.open(port); // in another thread, usually
   * let count = 0;
   * while (channel.post({ count })) count += 1;
   * console.log((await other.receiveAll()).length === count); // true
   * await Promise.all([channel.close(), other.close()]);
   * ```
   */
  post(message: Outgoing): boolean {
    return this.#sending.post(message);
  }

  /**
   * Waits for the next message.
   *
   * @param options - an abort signal.
   * @returns the message.
   * @throws `ERR_CHANNEL_CLOSED` when this end is closed, or the other is and nothing is left; the
   *   signal's reason.
   */
  receive(options?: ReceiveOptions): Promise<Incoming> {
    return this.#receiving.receive(options) as Promise<Incoming>;
  }

  /**
   * Waits for the next message, and takes those behind it that are there: at least one, at most
   * 1024. Costs one promise for all of them.
   *
   * @param options - an abort signal.
   * @returns the messages, in order.
   * @throws as `receive`.
   */
  receiveAll(options?: ReceiveOptions): Promise<Incoming[]> {
    return this.#receiving.receiveAll(options) as Promise<Incoming[]>;
  }

  /**
   * Closes this end. Sends that wait are rejected, messages that were not received are dropped;
   * what is in the shared memory already still reaches the other end.
   *
   * @returns a promise that resolves when everything of this end is released.
   */
  close(): Promise<void> {
    this.destroy();
    return this.#closed;
  }

  /** Lets waiting keep the process alive: the default. */
  ref(): this {
    this.#keepAlive.setReferenced(true);
    return this;
  }

  /** Lets the process end although somebody waits here. */
  unref(): this {
    this.#keepAlive.setReferenced(false);
    return this;
  }

  /** Iterates over messages until either end is closed; leaving the loop closes this one. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Incoming, undefined> {
    return {
      next: () => this.#receiving.next() as Promise<IteratorResult<Incoming, undefined>>,
      return: async () => {
        await this.close();
        return { value: undefined, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  destroy(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const error = closedError('channel');
    this.#sending.close(error);
    markClosed(this.#words, this.#side);
    this.#receiving.close(error);
    this.#waker.close();
  }

  /** @internal */
  onWake(): void {
    this.#receiving.pump();
    this.#sending.pump();
  }

  /** @internal */
  onPeerGone(): void {
    this.#sending.endPeer(closedError('channel'));
    this.#receiving.endPeer(closedError('channel'));
    // Nobody is left to wake.
    this.#waker.close();
  }

  /** @internal */
  onClosed(): void {
    this.#runtime.resources.delete(this);
    this.#resolveClosed();
  }
}

/** Takes the description out of a port that nobody has listened to yet. */
function describe(port: MessagePort): Description {
  const received = receiveMessageOnPort(port);
  const message = received?.message as Partial<Description> | null | undefined;
  if (message?.onering === 1 && message.memory instanceof SharedArrayBuffer) {
    return message as Description;
  }
  throw invalidArgType('port', 'a port of Channel.create that was not opened before', port);
}
