/**
 * The sending half of a connection on the ring: one send in flight, the rest queued in order.
 *
 *   idle --send()--> in flight --short, interrupted--> in flight with the rest
 *     ^                 '--complete--> callbacks --queue is empty--> idle
 *     '------------------------------------'
 *
 * What is queued behind a running send goes out as one: copied together where it is small, as
 * a vector where it is not. The bytes belong to the operation until its last completion.
 *
 * A prompt send is one that nobody waits for: the sender has a copy, and sends it before anything
 * that follows, a cancellation too. Only an idle sender makes one, and what comes before the tick
 * submits it joins it; so whoever writes faster than the peer reads is told so a tick later.
 *
 * Hot path (`send`, `room`, `sendRoom`, `onSent`): no closure and no array per operation.
 */

import {
  EINTR,
  IOVEC_WORDS,
  MSG_NOSIGNAL,
  MSG_WAITALL,
  MSGHDR_SIZE,
  MSGHDR_WORDS,
  prepSend,
  prepSendmsg,
  replaceSqeBuffer,
  writeIovec,
  writeMessageHeader,
} from '../../native/abi.ts';
import {
  cancelOperation,
  closedError,
  isStable,
  rethrow,
  systemError,
} from '../../runtime/index.ts';
import type { Block, Engine, Operation } from '../../runtime/index.ts';
import type { SendCallback } from './connection.ts';

/** Whose sends these are. */
export interface SenderOwner {
  /** Nothing is in flight any more and nothing is queued. */
  onIdle(isFine: boolean): void;
  /** A prompt send has failed, with `-errno`; `onIdle` follows. */
  onPromptFailure(result: number): void;
}

interface QueuedSend {
  readonly bytes: Uint8Array;
  readonly done: SendCallback | null;
}

/** Up to here copying pieces together costs less than the kernel's walk over a vector. */
const COPY_SIZE_MAX = 16 * 1024;
/** Bytes of one prompt send, what joins it included. */
export const PROMPT_COPY_MAX: number = COPY_SIZE_MAX;
/** Pieces of one vector: its iovecs take a page at most. */
const VECTOR_COUNT_MAX = 128;
/** Bytes of one vector: no more than a socket's buffer takes at once. */
const VECTOR_SIZE_MAX = 1024 * 1024;
/**
 * Up to here the kernel itself goes on after a short send. Beyond, it reports: a timeout must see
 * whether a large send still moves.
 */
const PATIENT_SIZE_MAX = 64 * 1024;
const NOTHING = new Uint8Array(0);

export class RingSender {
  /** Bytes queued and in flight. */
  queuedBytes = 0;
  /** Bytes that the kernel took. */
  sentBytes = 0;
  /** Whether those who wait for a send are user code. */
  runsUserCode = true;
  readonly #engine: Engine;
  readonly #fd: number;
  readonly #owner: SenderOwner;
  #operation: Operation | null = null;
  /** The piece in flight, with its callback; of a vector, the first one. */
  #bytes: Uint8Array = NOTHING;
  #done: SendCallback | null = null;
  #size = 0;
  /** How much of it is with the kernel. */
  #offset = 0;
  /** The sends that were gathered into the one in flight. */
  #batch: QueuedSend[] | null = null;
  /** Copied bytes, or the vector's header. */
  #block: Block | null = null;
  #isVector = false;
  /** Whether the one in flight is prompt. */
  #isPrompt = false;
  /** Its entry, and the number of the `enter` before it: with the next one it is the kernel's. */
  #entryAt = 0;
  #enteredBefore = -1;
  #queue: QueuedSend[] = [];
  #isAborted = false;

  constructor(engine: Engine, fd: number, owner: SenderOwner) {
    this.#engine = engine;
    this.#fd = fd;
    this.#owner = owner;
  }

  get isBusy(): boolean {
    return this.#operation !== null;
  }

  /** Bytes that the kernel took, and those of a prompt send, which count as sent. */
  get writtenBytes(): number {
    return this.#isPrompt ? this.sentBytes + this.#size - this.#offset : this.sentBytes;
  }

  /** Bytes that are not with the kernel yet: of a large send, falling while it moves. */
  get unsentBytes(): number {
    return this.queuedBytes - this.#offset;
  }

  /** Sends bytes behind what is queued. They must not change until the callback. */
  send(bytes: Uint8Array, done: SendCallback | null): void {
    // Memory that may move or is shared is sent from a copy.
    const stable = isStable(bytes) ? bytes : Uint8Array.from(bytes);
    this.queuedBytes += stable.byteLength;
    if (this.#operation === null && this.#queue.length === 0) {
      this.#beginOne(stable, done);
      return;
    }
    this.#queue.push({ bytes: stable, done });
    if (this.#operation === null) this.#next();
  }

  /** Sends pieces as one; the callback hears of the last. */
  sendAll(pieces: readonly Uint8Array[], done: SendCallback | null): void {
    const last = pieces.length - 1;
    for (let at = 0; at <= last; at += 1) {
      const piece = pieces[at] ?? NOTHING;
      const bytes = isStable(piece) ? piece : Uint8Array.from(piece);
      this.queuedBytes += bytes.byteLength;
      this.#queue.push({ bytes, done: at === last ? done : null });
    }
    if (this.#operation === null) this.#next();
  }

  /**
   * Memory for a prompt send of so many bytes, or nothing while the kernel has another send. Fill
   * it and call `sendRoom` at once.
   */
  room(size: number): Buffer | null {
    if (size === 0 || this.#size + size > PROMPT_COPY_MAX || this.#queue.length > 0) return null;
    const { pool } = this.#engine;
    if (this.#operation === null) {
      this.#block = pool.take(size);
      return this.#block.bytes;
    }
    const block = this.#block;
    if (!this.#isPrompt || block === null || !this.#isUnsubmitted) return null;
    if (block.sizeClass - this.#size < size) {
      const larger = pool.take(this.#size + size);
      block.bytes.copy(larger.bytes, 0, 0, this.#size);
      pool.give(block);
      this.#block = larger;
      // At once: the entry must not name memory that is somebody else's.
      this.#replaceEntry(larger.address);
      return larger.bytes.subarray(this.#size);
    }
    return block.bytes.subarray(this.#size);
  }

  /** Sends the first `size` bytes of what `room` gave. */
  sendRoom(size: number): void {
    this.queuedBytes += size;
    this.#size += size;
    if (this.#operation === null) {
      this.#isPrompt = true;
      try {
        this.#begin();
      } catch (error) {
        // The kernel takes no more requests: nothing of this may be part of the next one.
        this.#forgetPrompt();
        throw error;
      }
      this.#entryAt = this.#engine.scheduler.sqe.base;
      this.#enteredBefore = this.#engine.ring.enterCount;
    } else if (this.#block !== null) {
      this.#replaceEntry(this.#block.address);
    }
  }

  get #isUnsubmitted(): boolean {
    return this.#engine.ring.enterCount === this.#enteredBefore;
  }

  #replaceEntry(address: number): void {
    replaceSqeBuffer(this.#engine.scheduler.sqe, this.#entryAt, address, this.#size);
  }

  /** Fails what is queued, and asks the kernel to let go of what is in flight. */
  abort(): void {
    this.#isAborted = true;
    if (this.#queue.length > 0) {
      const error = closedError('socket');
      for (const { done } of this.#takeQueue()) tell(done, error);
    }
    if (this.#operation !== null) cancelOperation(this.#engine.scheduler, this.#operation);
  }

  /** @internal */
  onSent(result: number): void {
    this.#operation = null;
    if (result > 0) {
      this.sentBytes += result;
      this.#offset += result;
    }
    const isRetried = result > 0 || result === -EINTR;
    if (isRetried && this.#offset < this.#size && !this.#isAborted) {
      this.#begin();
      return;
    }
    const isComplete = result >= 0 && this.#offset >= this.#size;
    if (this.#isPrompt) this.#finishPrompt(isComplete, result);
    else this.#finish(isComplete ? null : this.#errorOf(result));
  }

  #finishPrompt(isComplete: boolean, result: number): void {
    this.#forgetPrompt();
    if (!isComplete) {
      if (!this.#isAborted) this.#owner.onPromptFailure(result);
      if (this.#queue.length > 0) {
        const error = this.#errorOf(result);
        for (const { done } of this.#takeQueue()) tell(done, error);
      }
    }
    this.#goOn(isComplete);
  }

  #forgetPrompt(): void {
    this.queuedBytes -= this.#size;
    this.#isPrompt = false;
    this.#size = 0;
    this.#offset = 0;
    this.#release();
  }

  #beginOne(bytes: Uint8Array, done: SendCallback | null): void {
    this.#bytes = bytes;
    this.#done = done;
    this.#size = bytes.byteLength;
    this.#offset = 0;
    this.#begin();
  }

  #begin(): void {
    const { scheduler, addresses } = this.#engine;
    const left = this.#size - this.#offset;
    const flags = left > PATIENT_SIZE_MAX ? MSG_NOSIGNAL : MSG_NOSIGNAL | MSG_WAITALL;
    const bytes = this.#bytes;
    let address = 0;
    if (this.#isVector) address = this.#writeVector();
    else if (this.#block !== null) ({ address } = this.#block);
    else if (left > 0) address = addresses.of(bytes);
    const operation = scheduler.begin(onSent, 'write');
    operation.context = this;
    operation.keep = bytes;
    operation.runsUserCode = this.runsUserCode && !this.#isPrompt;
    this.#operation = operation;
    if (this.#isVector) {
      operation.keep = this.#batch;
      prepSendmsg(scheduler.sqe, this.#fd, address, flags);
    } else {
      prepSend(scheduler.sqe, this.#fd, address + this.#offset, left, flags);
    }
  }

  /** Begins to send what is queued, as much of it as makes a good send. */
  #next(): void {
    const queue = this.#queue;
    const first = queue[0];
    if (first === undefined) return;
    if (queue.length === 1) {
      queue.pop();
      this.#beginOne(first.bytes, first.done);
      return;
    }
    let count = 0;
    let size = 0;
    for (const { bytes } of queue) {
      const wouldBe = size + bytes.byteLength;
      const isFull = wouldBe > COPY_SIZE_MAX && count >= VECTOR_COUNT_MAX;
      if (count > 0 && (wouldBe > VECTOR_SIZE_MAX || isFull)) break;
      size = wouldBe;
      count += 1;
    }
    const batch = count === queue.length ? queue : queue.splice(0, count);
    if (batch === queue) this.#queue = [];
    this.#batch = batch;
    this.#size = size;
    this.#offset = 0;
    this.#done = null;
    if (size <= COPY_SIZE_MAX) this.#copyTogether(batch, size);
    else this.#isVector = batch.length > 1;
    if (batch.length === 1) this.#bytes = first.bytes;
    this.#begin();
  }

  #copyTogether(batch: readonly QueuedSend[], size: number): void {
    const block = this.#engine.pool.take(size);
    let at = 0;
    for (const { bytes } of batch) {
      block.bytes.set(bytes, at);
      at += bytes.byteLength;
    }
    this.#block = block;
    this.#bytes = block.bytes;
  }

  /** Writes the header and the iovecs of what is left. The kernel copies both. */
  #writeVector(): number {
    const { pool, addresses } = this.#engine;
    const batch = this.#batch ?? [];
    const iovecAt = MSGHDR_WORDS + 2;
    this.#block ??= pool.take((iovecAt + VECTOR_COUNT_MAX * IOVEC_WORDS) * 4);
    const { words, address } = this.#block;
    let skipped = this.#offset;
    let count = 0;
    for (const { bytes } of batch) {
      const { byteLength } = bytes;
      if (skipped >= byteLength) {
        skipped -= byteLength;
        continue;
      }
      const from = addresses.of(bytes) + skipped;
      writeIovec(words, iovecAt + count * IOVEC_WORDS, from, byteLength - skipped);
      skipped = 0;
      count += 1;
      if (count === VECTOR_COUNT_MAX) break;
    }
    writeMessageHeader(words, 0, {
      nameAddress: 0,
      nameSize: 0,
      iovecAddress: address + MSGHDR_SIZE + 8,
      iovecCount: count,
      controlAddress: 0,
      controlSize: 0,
    });
    return address;
  }

  /** One send is with the kernel, or will never be. What a callback throws stops nothing. */
  #finish(error: Error | null): void {
    const done = this.#done;
    const batch = this.#batch;
    this.queuedBytes -= this.#size;
    this.#done = null;
    this.#bytes = NOTHING;
    this.#size = 0;
    this.#offset = 0;
    if (batch === null && error === null) {
      tell(done, null);
    } else {
      this.#release();
      const failed = error === null ? [] : this.#takeQueue();
      tell(done, error);
      if (batch !== null) for (const sent of batch) tell(sent.done, error);
      for (const unsent of failed) tell(unsent.done, error);
    }
    this.#goOn(error === null);
  }

  #goOn(isFine: boolean): void {
    // A callback may have begun another.
    if (this.#operation !== null) return;
    if (this.#queue.length > 0) this.#next();
    else this.#owner.onIdle(isFine);
  }

  #release(): void {
    this.#batch = null;
    this.#isVector = false;
    if (this.#block !== null) this.#engine.pool.give(this.#block);
    this.#block = null;
  }

  #takeQueue(): QueuedSend[] {
    const taken = this.#queue;
    this.#queue = [];
    for (const { bytes } of taken) this.queuedBytes -= bytes.byteLength;
    return taken;
  }

  #errorOf(result: number): Error {
    if (this.#isAborted) return closedError('socket');
    return systemError(result, 'write', { form: 'net' });
  }
}

/** A callback that throws is reported, and stops nothing. */
export function tell(done: SendCallback | null, error: Error | null): void {
  if (done === null) return;
  try {
    done(error);
  } catch (thrown) {
    rethrow(thrown);
  }
}

function onSent(result: number, _flags: number, operation: Operation): void {
  (operation.context as RingSender).onSent(result);
}
