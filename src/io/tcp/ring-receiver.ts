/**
 * The receiving half of a connection on the ring: one receive in flight, most often a multishot
 * one into buffers that the kernel picks, or single ones into memory of the user's.
 *
 *   idle --arm--> armed --cancel--> canceling --last completion--> idle
 *                   '--no F_MORE, still wanted--> armed again
 *
 * Where the bytes go is chosen whenever it is armed: chunk buffers; bulk buffers, once a connection
 * has shown that it fills the others and has more; or the slab of which leases are made.
 *
 * Hot path (`onReceive`): no closure per chunk.
 */

import {
  ECANCELED,
  EINTR,
  ENOBUFS,
  IORING_CQE_BUFFER_SHIFT,
  IORING_CQE_F_BUFFER,
  IORING_CQE_F_MORE,
  IORING_CQE_F_SOCK_NONEMPTY,
  IOSQE_BUFFER_SELECT,
  prepRecv,
  prepRecvMultishot,
  setSqeBufferGroup,
  setSqeFlags,
} from '../../native/abi.ts';
import { cancelOperation, rethrow } from '../../runtime/index.ts';
import type { Engine, Lease, Operation, ReceiveBuffers } from '../../runtime/index.ts';

type State = 'idle' | 'armed' | 'canceling' | 'over';

/** Receives into memory of the user's, one buffer after the other. */
export interface ReceiveTarget {
  /** Where the next bytes go; the kernel's until `onFilled` or the end. */
  nextBuffer(): Uint8Array;
  /** So many bytes arrived in it. */
  onFilled(length: number): void;
}

/** Whose receiving this is. */
export interface ReceiverOwner {
  /** What still arrives is for nobody then. */
  readonly isClosed: boolean;
  onChunk(chunk: Buffer): void;
  onChunkLent(lease: Lease): void;
  /** Nothing follows: 0 at the end of what the peer sent, or `-errno`. */
  onReceivingOver(result: number): void;
  /** The kernel has let go, of a connection that is closed. */
  onReceiverIdle(): void;
}

/** So many bytes in full buffers with more behind them make a connection bulky. */
const BULKY_BYTES = 128 * 1024;
/** So many small chunks in a row, and it is not bulky any more. */
const MEAGER_CHUNKS = 8;

export class RingReceiver {
  bytesRead = 0;
  /** Whether what arrives is handed to user code at once. */
  runsUserCode = true;
  readonly #engine: Engine;
  readonly #fd: number;
  readonly #owner: ReceiverOwner;
  #state: State = 'idle';
  #operation: Operation | null = null;
  #target: ReceiveTarget | null = null;
  #isWanted = false;
  #wasStarted = false;
  /** It was stopped, and will be canceled if it still is then. */
  #isLeaving = false;
  #isReferenced = true;
  #isLending = false;
  #isBulky = false;
  /** What speaks for bulk buffers, or chunks in a row that speak against them. */
  #evidence = 0;
  /** What the receive in flight picks from; `null` for the slab, and for a target. */
  #buffers: ReceiveBuffers | null = null;
  #onQuiet: (() => void) | null = null;
  /** Of the device queue, for NAPI busy poll; 0 until something has arrived. */
  #napiId: number;

  constructor(engine: Engine, fd: number, owner: ReceiverOwner) {
    this.#engine = engine;
    this.#fd = fd;
    this.#owner = owner;
    this.#napiId = engine.napi.join(fd);
  }

  /** Whether the kernel has a receive of this. */
  get isBusy(): boolean {
    return this.#operation !== null;
  }

  /** Whether nothing is received and more could be. */
  get isIdle(): boolean {
    return this.#state === 'idle';
  }

  /** Whether it would be heard that the peer is gone, or nobody has asked to hear anything yet. */
  get mayHear(): boolean {
    return (this.#state === 'armed' && this.#isWanted) || !this.#wasStarted;
  }

  setTarget(target: ReceiveTarget | null): void {
    this.#target = target;
  }

  start(): void {
    this.#isWanted = true;
    this.#wasStarted = true;
    if (this.#state === 'idle' && !this.#owner.isClosed) this.#arm();
  }

  /**
   * Stops, unless `start()` follows soon: who pauses until a write is over would otherwise have
   * the receive canceled and armed again for every chunk.
   */
  stop(): void {
    this.#isWanted = false;
    if (this.#target !== null) {
      this.cancel();
    } else if (this.#state === 'armed' && !this.#isLeaving) {
      this.#isLeaving = true;
      this.#engine.delay.add(this);
    }
  }

  /** @internal */
  onLater(): void {
    this.#isLeaving = false;
    if (!this.#isWanted) this.cancel();
  }

  /** Whether what arrives shall be lent. What is armed for other memory is armed again. */
  setLending(isLending: boolean): void {
    this.#isLending = isLending;
    if (isLending && this.#buffers !== null) this.cancel();
  }

  /** Stops, and calls back when the kernel has let go: at once where it has. */
  quiesce(done: () => void): void {
    this.#isWanted = false;
    this.cancel();
    if (this.#operation === null) done();
    else this.#onQuiet = done;
  }

  /** Somebody else has seen the end of what the peer sends. */
  end(): void {
    this.#state = 'over';
  }

  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced;
    if (this.#operation !== null) {
      this.#engine.scheduler.setReferenced(this.#operation, isReferenced);
    }
  }

  /** Asks the kernel to let go. */
  cancel(): void {
    if (this.#state !== 'armed' || this.#operation === null) return;
    this.#state = 'canceling';
    cancelOperation(this.#engine.scheduler, this.#operation);
  }

  /** The descriptor is about to be closed. */
  leaveNapi(): void {
    this.#engine.napi.leave(this.#napiId);
    this.#napiId = 0;
  }

  #arm(): void {
    const engine = this.#engine;
    const { scheduler } = engine;
    const target = this.#target;
    const buffer = target === null ? null : target.nextBuffer();
    const address = buffer === null ? 0 : engine.addresses.of(buffer);
    const group = buffer === null ? this.#chooseGroup() : 0;
    const operation = scheduler.begin(onReceive, 'read');
    operation.context = this;
    // Chunks of bulk are taken one by one: together they would fill what a stream may buffer.
    operation.runsUserCode = this.runsUserCode || this.#isBulky;
    if (buffer === null) {
      operation.isMultishot = true;
      prepRecvMultishot(scheduler.sqe, this.#fd, 0, 0, 0);
      setSqeFlags(scheduler.sqe, IOSQE_BUFFER_SELECT);
      setSqeBufferGroup(scheduler.sqe, group);
    } else {
      operation.keep = buffer;
      prepRecv(scheduler.sqe, this.#fd, address, buffer.byteLength, 0);
    }
    if (!this.#isReferenced) scheduler.setReferenced(operation, false);
    this.#operation = operation;
    this.#state = 'armed';
  }

  #chooseGroup(): number {
    const engine = this.#engine;
    if (this.#isLending) {
      this.#buffers = null;
      return engine.receiveBuffers.group;
    }
    this.#buffers = this.#isBulky ? engine.bulkBuffers : engine.chunkBuffers;
    return this.#buffers.group;
  }

  /** @internal */
  onReceive(result: number, flags: number): void {
    const isLast = (flags & IORING_CQE_F_MORE) === 0;
    if (isLast) {
      this.#operation = null;
      this.#state = 'idle';
    }
    if (result > 0) this.#deliver(result, flags);
    if (!isLast) return;
    this.#tellQuiet();
    if (result === 0) this.#state = 'over';
    if (this.#owner.isClosed) this.#owner.onReceiverIdle();
    else if (result === 0) this.#owner.onReceivingOver(0);
    else if (result > 0 || isInterrupted(result)) this.#rearm(result);
    else this.#failed(result);
  }

  #tellQuiet(): void {
    const done = this.#onQuiet;
    this.#onQuiet = null;
    done?.();
  }

  #deliver(length: number, flags: number): void {
    this.bytesRead += length;
    if (this.#napiId === 0) this.#napiId = this.#engine.napi.joinLate(this.#fd);
    try {
      if ((flags & IORING_CQE_F_BUFFER) === 0) {
        if (!this.#owner.isClosed) this.#target?.onFilled(length);
      } else if (this.#buffers === null) {
        this.#takeLent(flags >>> IORING_CQE_BUFFER_SHIFT, length);
      } else {
        this.#take(this.#buffers, length, flags);
      }
    } catch (error) {
      // What a listener throws does not end the receiving.
      rethrow(error);
    }
  }

  #take(buffers: ReceiveBuffers, length: number, flags: number): void {
    const chunk = buffers.take(flags >>> IORING_CQE_BUFFER_SHIFT, length);
    if (this.#owner.isClosed) return;
    this.#weigh(buffers, length, flags);
    this.#owner.onChunk(chunk);
  }

  /** What a buffer of the slab holds: lent where that is asked for and can be, or a copy. */
  #takeLent(id: number, length: number): void {
    const { receiveBuffers } = this.#engine;
    if (this.#isLending && !this.#owner.isClosed) {
      if (receiveBuffers.mayLend) {
        this.#owner.onChunkLent(receiveBuffers.lend(id, length));
        return;
      }
      this.#engine.metrics.leasesCopied += 1;
    }
    const chunk = receiveBuffers.copyOut(id, length);
    receiveBuffers.provide(id);
    if (!this.#owner.isClosed) this.#owner.onChunk(chunk);
  }

  /** Whether the other kind of buffers would do better; the receive moves over to them then. */
  #weigh(buffers: ReceiveBuffers, length: number, flags: number): void {
    const { size } = buffers;
    if (this.#isBulky) {
      this.#evidence = length > size >> 2 ? 0 : this.#evidence + 1;
      if (this.#evidence < MEAGER_CHUNKS) return;
    } else if (length < size) {
      this.#evidence = 0;
      return;
    } else {
      const hasMore = (flags & IORING_CQE_F_SOCK_NONEMPTY) !== 0;
      this.#evidence = Math.max(0, this.#evidence + (hasMore ? length : -length));
      if (this.#evidence < BULKY_BYTES || size >= this.#engine.bulkBuffers.size) return;
    }
    this.#evidence = 0;
    this.#isBulky = !this.#isBulky;
    this.cancel();
  }

  /** The kernel ended the operation for want of buffers or room: there is more to come. */
  #rearm(result: number): void {
    if (this.#target === null) {
      const { metrics } = this.#engine;
      metrics.multishotRearms += 1;
      if (result === -ENOBUFS && this.#buffers?.grow() !== true) metrics.buffersExhausted += 1;
    }
    if (this.#isWanted && this.#state === 'idle') this.#arm();
  }

  /** Canceled, because it was stopped or is to go elsewhere; or a connection that is broken. */
  #failed(result: number): void {
    if (result === -ECANCELED) {
      if (this.#isWanted) this.#arm();
      return;
    }
    this.#state = 'over';
    this.#owner.onReceivingOver(result);
  }
}

/** Out of provided buffers, or woken by a signal: there is more to come. */
function isInterrupted(result: number): boolean {
  return result === -ENOBUFS || result === -EINTR;
}

function onReceive(result: number, flags: number, operation: Operation): void {
  (operation.context as RingReceiver).onReceive(result, flags);
}
