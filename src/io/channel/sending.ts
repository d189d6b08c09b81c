/**
 * The sending half of a channel's end: encodes messages, and keeps those that do not fit yet.
 *
 * A message is encoded when it is sent, so that what the program changes afterwards does not
 * matter. Those that fit cost no promise: they share one that is resolved.
 */

import { serialize } from 'node:v8';
import { closedError } from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { TcpStream } from '../tcp/tcp-stream.ts';
import { UnixStream } from '../unix/unix-stream.ts';
import { closeDescriptor } from './descriptors.ts';
import { FrameWriter } from './frame-writer.ts';
import type { KeepAlive } from './keep-alive.ts';
import {
  isMarkedClosed,
  DESCRIPTOR_SIZE,
  KIND_BYTES,
  KIND_DESCRIPTOR,
  KIND_MORE,
  KIND_SERIALIZED,
  KIND_VALUE,
} from './layout.ts';
import type { QueueMemory, Side } from './layout.ts';
import { ValueWriter } from './value-writer.ts';
import type { Waker } from './waker.ts';

/** What both halves are made of. */
export interface HalfParts {
  readonly runtime: Runtime;
  readonly waker: Waker;
  readonly keepAlive: KeepAlive;
  readonly queue: QueueMemory;
  /** Which end this is. */
  readonly side: Side;
}

/** Messages that are shown to the receiver together, if they are sent in one go. */
const BATCH_MAX = 32;
/** Messages in a row before the loop gets its turn, although there is room for more. */
const BURST_MAX = 1024;

const NO_BYTES = new Uint8Array(0);
const SENT: Promise<void> = Promise.resolve();

/** Halves with messages that are written and not published, in this thread. */
const unpublished = new Set<Sending>();
let hasExitListener = false;

/** What was sent is sent, also where the thread ends before its next tick. */
function publishAll(): void {
  for (const sending of unpublished) sending.publish();
}

interface Waiting {
  readonly kind: number;
  readonly bytes: Uint8Array;
  /** What is sent instead of bytes, or -1. */
  readonly fd: number;
  /** How far it is in shared memory. */
  at: number;
  resolve(): void;
  reject(reason: unknown): void;
}

export class Sending {
  readonly #runtime: Runtime;
  readonly #waker: Waker;
  readonly #keepAlive: KeepAlive;
  readonly #frames: FrameWriter;
  readonly #words: Int32Array;
  readonly #peer: Side;
  readonly #values: ValueWriter = new ValueWriter();
  readonly #publishRest = (): void => {
    if (this.#unpublished > 0) this.publish();
  };
  #waiting: Waiting[] = [];
  #error: Error | null = null;
  #burst = 0;
  /** Messages written and not published. */
  #unpublished = 0;
  #turn: Promise<void> | null = null;

  constructor({ runtime, waker, keepAlive, queue, side }: HalfParts) {
    this.#runtime = runtime;
    this.#waker = waker;
    this.#keepAlive = keepAlive;
    this.#frames = new FrameWriter(queue);
    this.#words = queue.words;
    this.#peer = side === 0 ? 1 : 0;
  }

  send(message: unknown): Promise<void> {
    try {
      return this.#send(message);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The same without a promise. Returns whether there was room for it. */
  post(message: unknown): boolean {
    const sending = this.#send(message);
    if (this.#waiting.length === 0) return true;
    sending.catch(() => {
      // Lost with the channel, as what is in shared memory would be.
    });
    return false;
  }

  #send(message: unknown): Promise<void> {
    if (this.#error !== null) throw this.#error;
    // Before its port tells: what is sent now would reach nobody.
    if (isMarkedClosed(this.#words, this.#peer)) throw closedError('channel');
    if (message instanceof TcpStream) return this.#sendDescriptor(message.detach());
    if (message instanceof Uint8Array) return this.#offer(KIND_BYTES, message, message.length);
    if (message instanceof UnixStream) {
      throw new DOMException('A UnixStream cannot change threads', 'DataCloneError');
    }
    const values = this.#values;
    if (values.write(message)) return this.#offerValue(values);
    const serialized = serializeWhole(message);
    return this.#offer(KIND_SERIALIZED, serialized, serialized.length);
  }

  /** Room may have come. */
  pump(): void {
    let done = 0;
    for (const waiting of this.#waiting) {
      if (!this.#advance(waiting)) break;
      done += 1;
    }
    if (done === 0) return;
    const sent = this.#waiting.splice(0, done);
    if (this.#waiting.length === 0) this.#keepAlive.setSendWaiting(false);
    for (const waiting of sent) waiting.resolve();
  }

  /** This end is closed: nothing more is sent. */
  close(error: Error): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#publishRest();
    for (const waiting of this.#waiting.splice(0)) {
      if (waiting.fd >= 0) closeDescriptor(this.#runtime, waiting.fd);
      waiting.reject(error);
    }
    this.#keepAlive.setSendWaiting(false);
  }

  /** Nobody is there any more to receive. */
  endPeer(error: Error): void {
    this.close(error);
    this.#frames.reclaimDescriptors((fd) => closeDescriptor(this.#runtime, fd));
  }

  /** Shows the receiver what was written, and wakes it if it sleeps. */
  publish(): void {
    this.#unpublished = 0;
    unpublished.delete(this);
    this.#frames.publish();
    if (this.#frames.takeSleeper()) this.#waker.wake();
  }

  #beginBatch(): void {
    unpublished.add(this);
    process.nextTick(this.#publishRest);
    if (hasExitListener) return;
    hasExitListener = true;
    process.on('exit', publishAll);
  }

  #offerValue({ words, bytes, length }: ValueWriter): Promise<void> {
    const fits = this.#waiting.length === 0 && length <= this.#frames.frameMax;
    if (fits && this.#frames.writeWords(KIND_VALUE, words, length)) return this.#accepted();
    return this.#offerLater(KIND_VALUE, bytes, length);
  }

  #offer(kind: number, bytes: Uint8Array, length: number): Promise<void> {
    const fits = this.#waiting.length === 0 && length <= this.#frames.frameMax;
    if (fits && this.#frames.write(kind, bytes, 0, length)) return this.#accepted();
    return this.#offerLater(kind, bytes, length);
  }

  #offerLater(kind: number, bytes: Uint8Array, length: number): Promise<void> {
    return new Promise((resolve, reject) => {
      // A copy: the program may change its bytes, and our buffer is needed for the next message.
      const copy = Uint8Array.prototype.slice.call(bytes, 0, length);
      this.#wait({ kind, bytes: copy, fd: -1, at: 0, resolve, reject });
    });
  }

  /** The descriptor is nobody's until it is received; `layout.ts` says who takes it otherwise. */
  #sendDescriptor(fd: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wait({ kind: KIND_DESCRIPTOR, bytes: NO_BYTES, fd, at: 0, resolve, reject });
    });
  }

  #wait(waiting: Waiting): void {
    this.#publishRest();
    this.#waiting.push(waiting);
    if (this.#waiting.length > 1) return;
    this.#keepAlive.setSendWaiting(true);
    this.pump();
  }

  /** A sender that never finds the queue full must not keep the loop from its other work. */
  #accepted(): Promise<void> {
    // The rest of a batch goes when the program has nothing more to run: after all microtasks.
    if (this.#unpublished === 0) this.#beginBatch();
    this.#unpublished += 1;
    if (this.#unpublished === BATCH_MAX) this.publish();
    if (this.#burst < BURST_MAX) {
      this.#burst += 1;
      return SENT;
    }
    this.#turn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#burst = 0;
        this.#turn = null;
        resolve();
      });
    });
    return this.#turn;
  }

  /** Writes as much as there is room for. Returns whether that was the last of it. */
  #advance(waiting: Waiting): boolean {
    const { frameMax } = this.#frames;
    const { kind, bytes, fd } = waiting;
    if (fd >= 0) return this.#advanceDescriptor(fd);
    for (;;) {
      const end = Math.min(bytes.length, waiting.at + frameMax);
      const isLast = end === bytes.length;
      const isWritten = this.#frames.write(
        isLast ? kind : kind | KIND_MORE,
        bytes,
        waiting.at,
        end,
      );
      if (isWritten) {
        waiting.at = end;
        this.publish();
        if (isLast) return true;
      } else if (this.#frames.block(end - waiting.at)) {
        return false;
      }
    }
  }

  #advanceDescriptor(fd: number): boolean {
    while (!this.#frames.writeDescriptor(fd)) {
      if (this.#frames.block(DESCRIPTOR_SIZE)) return false;
    }
    this.publish();
    return true;
  }
}

/** V8's own format, and the error that `postMessage` throws. */
function serializeWhole(message: unknown): Buffer {
  try {
    return serialize(message);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DOMException(reason, 'DataCloneError');
  }
}
