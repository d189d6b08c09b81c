/**
 * One simulated ring: the same bytes as the kernel's, in ordinary memory.
 *
 * Modeled on Linux 6.18: completions that come later are task work, run by the owner's next
 * `enter`; what finds no room waits in the overflow list, in order, until an `enter` finds room; a
 * resize keeps indices and everything that is pending. Nothing here decides when an operation
 * completes: `SimKernel` and the test do.
 */

import { assert } from '../../src/native/assert.ts';
import * as c from '../../src/native/constants/io-uring.ts';
import { ECANCELED, EINVAL, EOVERFLOW } from '../../src/native/errno.ts';
import { SQE_SIZE } from '../../src/native/layout/sqe.ts';
import { roundToPages } from '../../src/native/memory.ts';
import { SimOperation } from './sim-operation.ts';
import type { SimBehavior } from './sim-operation.ts';

/** Word indices of `struct io_rings`. */
const SQ_HEAD = 0;
const SQ_TAIL = 1;
const CQ_HEAD = 2;
const CQ_TAIL = 3;
const SQ_MASK = 4;
const CQ_MASK = 5;
const SQ_ENTRIES = 6;
const CQ_ENTRIES = 7;
const SQ_DROPPED = 8;
const SQ_FLAGS = 9;
const CQ_FLAGS = 10;
const CQ_OVERFLOW = 11;
const CQES_AT = 64;
const CQE_SIZE = 16;

interface Completion {
  readonly low: number;
  readonly high: number;
  readonly result: number;
  readonly flags: number;
}

/** Memory that a set-up or a resize asks for. */
export interface SimRingSizes {
  readonly sqEntries: number;
  readonly cqEntries: number;
}

/** Where the queues are: memory of the kernel's own, or the caller's with `NO_MMAP`. */
export interface SimRingMemory {
  readonly rings: Int32Array;
  readonly entries: Int32Array;
  /** Bytes before the index array, or 0 without one. */
  readonly arrayAt: number;
}

/** Bytes of both rings together, and where the index array begins. */
export function ringFootprint(sizes: SimRingSizes, hasArray: boolean): [number, number] {
  const end = Math.ceil((CQES_AT + sizes.cqEntries * CQE_SIZE) / 64) * 64;
  return hasArray ? [end + sizes.sqEntries * 4, end] : [end, 0];
}

/** Allocates the kernel's own memory for a ring. */
export function ringMemory(sizes: SimRingSizes, hasArray: boolean): SimRingMemory {
  const [size, arrayAt] = ringFootprint(sizes, hasArray);
  return {
    rings: new Int32Array(new ArrayBuffer(roundToPages(size))),
    entries: new Int32Array(new ArrayBuffer(roundToPages(sizes.sqEntries * SQE_SIZE))),
    arrayAt,
  };
}

export class SimRing {
  readonly fd: number;
  readonly flags: number;
  /** Submitted and not over, in the order of submission. */
  readonly inFlight: Set<SimOperation> = new Set();
  /** How many of those the kernel has memory for. */
  overflowMax: number = Infinity;
  isDisabled: boolean;
  isClosed = false;
  /** A dropped completion has to be reported by the next `enter` that waits. */
  hasDropped = false;
  /** Bytes of the wait region, once there is one. */
  waitRegion: { readonly address: number; readonly size: number } | null = null;
  #memory: SimRingMemory;
  #sizes: SimRingSizes;
  #taskWork: (() => void)[] = [];
  #isSubmitting = false;
  /** Completions that found no room, from `#overflowHead` on. */
  #overflow: Completion[] = [];
  #overflowHead = 0;

  constructor(fd: number, flags: number, sizes: SimRingSizes, memory: SimRingMemory) {
    this.fd = fd;
    this.flags = flags;
    this.isDisabled = (flags & c.IORING_SETUP_R_DISABLED) !== 0;
    this.#sizes = sizes;
    this.#memory = memory;
    this.#writeSizes(memory.rings, sizes);
  }

  get memory(): SimRingMemory {
    return this.#memory;
  }

  get sizes(): SimRingSizes {
    return this.#sizes;
  }

  /** Completions posted and not consumed. */
  get posted(): number {
    return (this.#load(CQ_TAIL) - this.#load(CQ_HEAD)) | 0;
  }

  /** Entries filled and not consumed. */
  get pending(): number {
    return (this.#load(SQ_TAIL) - this.#load(SQ_HEAD)) | 0;
  }

  /** Completions that wait for room. */
  get overflowed(): number {
    return this.#overflow.length - this.#overflowHead;
  }

  get hasTaskWork(): boolean {
    return this.#taskWork.length > 0;
  }

  /** Offsets as `struct io_sqring_offsets` and `struct io_cqring_offsets` report them. */
  writeOffsets(params: DataView): void {
    const words = [SQ_HEAD, SQ_TAIL, SQ_MASK, SQ_ENTRIES, SQ_FLAGS, SQ_DROPPED];
    words.forEach((word, i) => params.setUint32(40 + i * 4, word * 4, true));
    params.setUint32(64, this.#memory.arrayAt, true);
    const completions = [CQ_HEAD, CQ_TAIL, CQ_MASK, CQ_ENTRIES, CQ_OVERFLOW];
    completions.forEach((word, i) => params.setUint32(80 + i * 4, word * 4, true));
    params.setUint32(100, CQES_AT, true);
    params.setUint32(104, CQ_FLAGS * 4, true);
  }

  /**
   * Consumes at most `count` entries and starts them. Returns how many. A chain of links ends where
   * the submission ends, as in the kernel.
   */
  submit(count: number, start: SimBehavior): number {
    let consumed = 0;
    let previous: SimOperation | null = null;
    const heads: SimOperation[] = [];
    for (; consumed < count && this.pending > 0; consumed += 1) {
      const operation = this.#consume(start);
      this.inFlight.add(operation);
      if (previous === null) heads.push(operation);
      else previous.next = operation;
      previous = operation.isLinked ? operation : null;
    }
    this.#isSubmitting = true;
    for (const operation of heads) operation.start();
    this.#isSubmitting = false;
    return consumed;
  }

  /** Posts a completion: at once while submitting, as task work at any other time. */
  complete(operation: SimOperation, result: number, flags: number): void {
    assert(this.inFlight.has(operation), 'An operation that is over completes no more');
    if ((flags & c.IORING_CQE_F_MORE) === 0) this.inFlight.delete(operation);
    if (this.#isSubmitting) this.#finish(operation, result, flags);
    else this.#addTaskWork(() => this.#finish(operation, result, flags));
  }

  /** Has something done by the owner's next `enter`; sets the flag that says so. */
  #addTaskWork(work: () => void): void {
    if (this.isClosed) return;
    this.#taskWork.push(work);
    if ((this.flags & c.IORING_SETUP_TASKRUN_FLAG) === 0) return;
    this.#store(SQ_FLAGS, this.#load(SQ_FLAGS) | c.IORING_SQ_TASKRUN);
  }

  /** Posts something that no operation of this ring made: a message. */
  message(low: number, high: number, result: number, flags: number): void {
    this.#addTaskWork(() => this.post({ low, high, result, flags }));
  }

  /** Runs task work. The flag goes only if there was any: see the resize. */
  runTaskWork(): void {
    if (this.#taskWork.length === 0) return;
    this.#store(SQ_FLAGS, this.#load(SQ_FLAGS) & ~c.IORING_SQ_TASKRUN);
    while (this.#taskWork.length > 0) {
      for (const work of this.#taskWork.splice(0)) work();
    }
  }

  /** Moves what overflowed into the completion queue, as far as there is room. */
  flushOverflow(): void {
    while (this.overflowed > 0 && this.posted < this.#sizes.cqEntries) {
      this.#write(this.#overflow[this.#overflowHead] as Completion);
      this.#overflowHead += 1;
    }
    if (this.overflowed > 0) return;
    this.#overflow = [];
    this.#overflowHead = 0;
    this.#store(SQ_FLAGS, this.#load(SQ_FLAGS) & ~c.IORING_SQ_CQ_OVERFLOW);
  }

  /** Posts a completion behind all earlier ones. */
  post(completion: Completion): void {
    if (this.overflowed === 0 && this.posted < this.#sizes.cqEntries) {
      this.#write(completion);
    } else if (this.overflowed < this.overflowMax) {
      this.#overflow.push(completion);
      this.#store(SQ_FLAGS, this.#load(SQ_FLAGS) | c.IORING_SQ_CQ_OVERFLOW);
    } else {
      this.#store(CQ_OVERFLOW, this.#load(CQ_OVERFLOW) + 1);
      this.hasDropped = true;
    }
  }

  /** Moves to other memory; `-EOVERFLOW` when what is pending does not fit. */
  resize(sizes: SimRingSizes, memory: SimRingMemory): number {
    if (this.pending > sizes.sqEntries || this.posted > sizes.cqEntries) return -EOVERFLOW;
    const { rings, entries } = memory;
    const old = this.#memory;
    this.#writeSizes(rings, sizes);
    for (const word of [SQ_HEAD, SQ_TAIL, CQ_HEAD, CQ_TAIL, CQ_FLAGS, CQ_OVERFLOW]) {
      rings[word] = this.#load(word);
    }
    copyEntries(old.entries, this.#sizes.sqEntries, entries, sizes.sqEntries, [
      this.#load(SQ_HEAD),
      this.#load(SQ_TAIL),
    ]);
    copyCompletions(old.rings, this.#sizes.cqEntries, rings, sizes.cqEntries, [
      this.#load(CQ_HEAD),
      this.#load(CQ_TAIL),
    ]);
    // Flags that could have been missed during the swap are set: act once, for nothing if need be.
    const flags = this.#load(SQ_FLAGS) | c.IORING_SQ_TASKRUN | c.IORING_SQ_NEED_WAKEUP;
    // A program that still looks at the old memory reads what makes no sense.
    old.rings.fill(-1);
    old.entries.fill(-1);
    this.#memory = memory;
    this.#sizes = sizes;
    this.#store(SQ_FLAGS, flags);
    return 0;
  }

  #finish(operation: SimOperation, result: number, flags: number): void {
    const isSkipped = (operation.flags & c.IOSQE_CQE_SKIP_SUCCESS) !== 0 && result >= 0;
    const { low, high } = operation;
    if (!isSkipped) this.post({ low, high, result, flags });
    if ((flags & c.IORING_CQE_F_MORE) !== 0 || operation.next === null) return;
    const { next } = operation;
    const isBroken = result < 0 || isShort(operation, result);
    if (!isBroken || (operation.flags & c.IOSQE_IO_HARDLINK) !== 0) {
      this.#addTaskWork(() => next.start());
    } else {
      this.#cancelChain(next);
    }
  }

  /** All that is left of a chain, hard links or not. */
  #cancelChain(first: SimOperation): void {
    for (let link: SimOperation | null = first; link !== null; link = link.next) {
      if (!this.inFlight.delete(link)) return;
      this.post({ low: link.low, high: link.high, result: -ECANCELED, flags: 0 });
    }
  }

  #consume(start: SimBehavior): SimOperation {
    const { rings, entries, arrayAt } = this.#memory;
    const head = this.#load(SQ_HEAD);
    const slot = head & (this.#sizes.sqEntries - 1);
    const index = arrayAt === 0 ? slot : (rings[arrayAt / 4 + slot] ?? -1);
    assert(index >= 0 && index < this.#sizes.sqEntries, 'The index array names an entry');
    const words = entries.slice(index * 16, index * 16 + 16);
    this.#store(SQ_HEAD, (head + 1) | 0);
    return new SimOperation(this, words, start);
  }

  #write(completion: Completion): void {
    const tail = this.#load(CQ_TAIL);
    const at = CQES_AT / 4 + (tail & (this.#sizes.cqEntries - 1)) * 4;
    const { rings } = this.#memory;
    rings[at] = completion.low;
    rings[at + 1] = completion.high;
    rings[at + 2] = completion.result;
    rings[at + 3] = completion.flags;
    this.#store(CQ_TAIL, (tail + 1) | 0);
  }

  #writeSizes(rings: Int32Array, sizes: SimRingSizes): void {
    rings[SQ_MASK] = sizes.sqEntries - 1;
    rings[CQ_MASK] = sizes.cqEntries - 1;
    rings[SQ_ENTRIES] = sizes.sqEntries;
    rings[CQ_ENTRIES] = sizes.cqEntries;
  }

  #load(word: number): number {
    const { rings } = this.#memory;
    assert(rings.length > 0, "The ring's memory is mapped while the kernel uses it");
    return Atomics.load(rings, word);
  }

  #store(word: number, value: number): void {
    Atomics.store(this.#memory.rings, word, value);
  }
}

/** A transfer that moved less than it was asked to ends its chain as an error does. */
function isShort(operation: SimOperation, result: number): boolean {
  const isTransfer = [c.IORING_OP_READ, c.IORING_OP_WRITE].includes(operation.opcode);
  return isTransfer && result < operation.length;
}

type Range = readonly [head: number, tail: number];

function copyEntries(
  from: Int32Array,
  fromCount: number,
  to: Int32Array,
  toCount: number,
  [head, tail]: Range,
): void {
  for (let i = head; i !== tail; i = (i + 1) | 0) {
    const source = (i & (fromCount - 1)) * 16;
    to.set(from.subarray(source, source + 16), (i & (toCount - 1)) * 16);
  }
}

function copyCompletions(
  from: Int32Array,
  fromCount: number,
  to: Int32Array,
  toCount: number,
  [head, tail]: Range,
): void {
  for (let i = head; i !== tail; i = (i + 1) | 0) {
    const source = CQES_AT / 4 + (i & (fromCount - 1)) * 4;
    to.set(from.subarray(source, source + 4), CQES_AT / 4 + (i & (toCount - 1)) * 4);
  }
}

/** Sizes as the kernel rounds them, or `-EINVAL`. */
export function roundSizes(flags: number, sq: number, cq: number): SimRingSizes | number {
  const doesClamp = (flags & c.IORING_SETUP_CLAMP) !== 0;
  const hasSize = (flags & c.IORING_SETUP_CQSIZE) !== 0;
  const sqEntries = limit(sq, 32_768, doesClamp);
  if (sqEntries < 1) return -EINVAL;
  const cqEntries = hasSize ? limit(cq, 65_536, doesClamp) : sqEntries * 2;
  return cqEntries < sqEntries ? -EINVAL : { sqEntries, cqEntries };
}

function limit(count: number, max: number, doesClamp: boolean): number {
  if (count === 0 || (count > max && !doesClamp)) return -EINVAL;
  return 2 ** Math.ceil(Math.log2(Math.min(count, max)));
}
