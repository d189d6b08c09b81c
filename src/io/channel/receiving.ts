/**
 * The receiving half of a channel's end: decodes messages for those who wait for one.
 *
 * Nothing is taken out of shared memory before somebody asks, so a receiver that is slow makes the
 * sender wait. Who asks while there are messages gets one at once; after a burst the loop has its
 * turn first, however many there are.
 */

import { deserialize } from 'node:v8';
import { invalidArgType, validateObject } from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { adoptDescriptor, closeDescriptor } from './descriptors.ts';
import { FrameReader } from './frame-reader.ts';
import type { KeepAlive } from './keep-alive.ts';
import { KIND_BYTES, KIND_DESCRIPTOR, KIND_MORE, KIND_SERIALIZED } from './layout.ts';
import type { HalfParts } from './sending.ts';
import { ValueReader } from './value-reader.ts';
import type { Waker } from './waker.ts';

/** Messages in a row before the loop gets its turn, although there are more. */
const BURST_MAX = 1024;

interface Receiver {
  resolve(message: unknown): void;
  /** The channel is over. */
  end(error: Error): void;
}

export class Receiving {
  readonly #runtime: Runtime;
  readonly #waker: Waker;
  readonly #keepAlive: KeepAlive;
  readonly #frames: FrameReader;
  readonly #values: ValueReader = new ValueReader();
  #receivers: Receiver[] = [];
  /** Frames of a message whose last has not come yet. */
  #parts: Uint8Array[] = [];
  /** What `#take` took. */
  #message: unknown = undefined;
  #burst = 0;
  #isTurnAwaited = false;
  #error: Error | null = null;
  #isPeerGone = false;

  constructor({ runtime, waker, keepAlive, queue }: HalfParts) {
    this.#runtime = runtime;
    this.#waker = waker;
    this.#keepAlive = keepAlive;
    this.#frames = new FrameReader(queue);
  }

  /** Whether nothing will ever be received again. */
  get isOver(): boolean {
    if (this.#error !== null && !this.#isPeerGone) return true;
    return this.#isPeerGone && !this.#frames.next();
  }

  receive(options: { signal?: AbortSignal | undefined } | undefined): Promise<unknown> {
    let signal: AbortSignal | undefined;
    if (options !== undefined) {
      try {
        signal = validateReceive(options);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    if (this.#isAtHand()) return Promise.resolve(this.#message);
    return new Promise((resolve, reject) => {
      const receiver: Receiver = { resolve, end: reject };
      this.#wait(signal === undefined ? receiver : this.#abortable(receiver, signal, reject));
    });
  }

  receiveAll(options: { signal?: AbortSignal | undefined } | undefined): Promise<unknown[]> {
    let signal: AbortSignal | undefined;
    if (options !== undefined) {
      try {
        signal = validateReceive(options);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    if (this.#isAtHand()) return Promise.resolve(this.#takeRest(this.#message));
    return new Promise((resolve, reject) => {
      const receiver: Receiver = {
        resolve: (first) => resolve(this.#takeRest(first)),
        end: reject,
      };
      this.#wait(signal === undefined ? receiver : this.#abortable(receiver, signal, reject));
    });
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#isAtHand()) return Promise.resolve({ value: this.#message, done: false });
    return new Promise((resolve) => {
      this.#wait({
        resolve: (value) => resolve({ value, done: false }),
        end: () => resolve({ value: undefined, done: true }),
      });
    });
  }

  /** Messages may have come, and the loop has had its turn. */
  pump(): void {
    this.#burst = 0;
    this.#serve();
  }

  /** This end is closed: who waits is told. */
  close(error: Error): void {
    this.#error = error;
    this.#parts.length = 0;
    this.#endReceivers(error);
    this.#frames.reclaimDescriptors((fd) => closeDescriptor(this.#runtime, fd));
  }

  /** Nothing more comes than what there is. */
  endPeer(error: Error): void {
    if (this.#error !== null) return;
    this.#isPeerGone = true;
    this.#error = error;
    this.#serve();
  }

  /** Whether there is a message for who asks now, which is then in `#message`. */
  #isAtHand(): boolean {
    return this.#receivers.length === 0 && this.#mayTake() && this.#take();
  }

  #mayTake(): boolean {
    if (this.#error !== null && !this.#isPeerGone) return false;
    return this.#burst < BURST_MAX;
  }

  #wait(receiver: Receiver): void {
    this.#receivers.push(receiver);
    if (this.#receivers.length === 1) this.#serve();
  }

  /** Serves who waits, as far as there are messages. */
  #serve(): void {
    while (this.#receivers.length > 0) {
      if (this.#burst >= BURST_MAX) {
        this.#awaitTurn();
        return;
      }
      if (this.#mayTake() && this.#take()) {
        this.#receivers.shift()?.resolve(this.#message);
      } else if (this.#error !== null) {
        this.#endReceivers(this.#error);
      } else if (this.#frames.sleep()) {
        // The sender may wait as well, for room that this was the last to make.
        if (this.#frames.takeBlocked()) this.#waker.wake();
        this.#keepAlive.setReceiveWaiting(true);
        return;
      }
    }
    this.#message = undefined;
    this.#keepAlive.setReceiveWaiting(false);
  }

  #awaitTurn(): void {
    if (this.#isTurnAwaited) return;
    this.#isTurnAwaited = true;
    setImmediate(() => {
      this.#isTurnAwaited = false;
      this.pump();
    });
  }

  /** Takes a message out of shared memory, into `#message`. Returns false if there is none. */
  #take(): boolean {
    const frames = this.#frames;
    while (frames.next()) {
      const isComplete = (frames.kind & KIND_MORE) === 0;
      if (!isComplete) this.#parts.push(this.#copy());
      else if (frames.kind === KIND_DESCRIPTOR) this.#adopt();
      else this.#decode(frames.kind);
      frames.advance();
      if (frames.takeBlocked()) this.#waker.wake();
      if (isComplete) {
        this.#burst += 1;
        return true;
      }
    }
    return false;
  }

  /** Takes whatever else is there, up to the end of a burst. */
  #takeRest(first: unknown): unknown[] {
    const messages = [first];
    while (this.#mayTake() && this.#take()) messages.push(this.#message);
    this.#message = undefined;
    return messages;
  }

  #adopt(): void {
    this.#message = adoptDescriptor(this.#runtime, this.#frames.takeDescriptor());
  }

  #decode(kind: number): void {
    const { bytes, offset } = this.#frames;
    if (this.#parts.length > 0) {
      this.#parts.push(this.#copy());
      const whole = Buffer.concat(this.#parts.splice(0));
      if (kind === KIND_BYTES) this.#message = whole;
      else if (kind === KIND_SERIALIZED) this.#message = deserialize(whole);
      else this.#message = this.#values.read(whole, 0);
    } else if (kind === KIND_BYTES) {
      this.#message = this.#copy();
    } else if (kind === KIND_SERIALIZED) {
      this.#message = deserialize(this.#copy());
    } else {
      this.#message = this.#values.read(bytes, offset);
    }
  }

  #copy(): Buffer {
    const { bytes, offset, length } = this.#frames;
    const copy = Buffer.allocUnsafe(length);
    bytes.copy(copy, 0, offset, offset + length);
    return copy;
  }

  #endReceivers(error: Error): void {
    for (const receiver of this.#receivers.splice(0)) receiver.end(error);
    this.#keepAlive.setReceiveWaiting(false);
  }

  /** A receiver that an abort takes out of the line. */
  #abortable(receiver: Receiver, signal: AbortSignal, reject: (reason: unknown) => void): Receiver {
    const settle = (): void => signal.removeEventListener('abort', onAbort);
    const waiting: Receiver = {
      resolve: (message) => {
        settle();
        receiver.resolve(message);
      },
      end: (error) => {
        settle();
        receiver.end(error);
      },
    };
    const onAbort = (): void => {
      const at = this.#receivers.indexOf(waiting);
      if (at >= 0) this.#receivers.splice(at, 1);
      if (this.#receivers.length === 0) this.#keepAlive.setReceiveWaiting(false);
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return waiting;
  }
}

function validateReceive(options: object): AbortSignal | undefined {
  validateObject(options, 'options');
  const { signal } = options as { signal?: unknown };
  if (signal === undefined) return undefined;
  if (!(signal instanceof AbortSignal)) {
    throw invalidArgType('options.signal', 'an instance of AbortSignal', signal);
  }
  signal.throwIfAborted();
  return signal;
}
