/**
 * Ring: one io_uring instance, its two queues, and every call that is made on its descriptor.
 *
 * It knows how to submit, wait, collect and resize; when to do so is the scheduler's business.
 * Results are values or `-errno`. The creating thread is the only one that may use it.
 *
 * Hot path (`next`, `enter`): no allocation, no closures, no polymorphism per operation.
 */

import {
  EINVAL,
  IORING_ENTER_GETEVENTS,
  IORING_ENTER_REGISTERED_RING,
  IORING_REGISTER_ENABLE_RINGS,
  IORING_REGISTER_RESIZE_RINGS,
  IORING_REGISTER_RING_FDS,
  IORING_SETUP_CLAMP,
  IORING_SETUP_CQSIZE,
  IORING_SETUP_NO_MMAP,
  IORING_UNREGISTER_RING_FDS,
  readRingParams,
  writeRingParams,
  writeRsrcUpdate,
} from '../native/index.ts';
import type { Kernel, Memory, RingParams, Sqe } from '../native/index.ts';
import { CompletionQueue } from './completion-queue.ts';
import { allocateRingMemory, freeRingMemory, makeRing, mapRingMemory } from './ring-setup.ts';
import type { MadeRing, RingMemory, RingRequest } from './ring-setup.ts';
import { SubmissionQueue } from './submission-queue.ts';

export class Ring {
  readonly kernel: Kernel;
  readonly fd: number;
  /** `IORING_SETUP_*` that the kernel accepted. */
  readonly flags: number;
  /** `IORING_FEAT_*` at set-up; a resize does not report them again. */
  readonly features: number;
  readonly submissions: SubmissionQueue = new SubmissionQueue();
  readonly completions: CompletionQueue = new CompletionQueue();
  /** A page for the arguments of set-up and register calls. */
  readonly scratch: Memory;
  /** Calls of `io_uring_enter(2)`. */
  enterCount = 0;
  /**
   * How often `enter` left entries behind, for want of memory: a chain whose second half goes with
   * the next one is two chains, and their order is lost.
   */
  cutCount = 0;
  #memory: RingMemory;
  #enterFd: number;
  #enterFlags = IORING_ENTER_GETEVENTS;
  #isAbandoned = false;

  private constructor(kernel: Kernel, scratch: Memory, made: MadeRing) {
    this.kernel = kernel;
    this.scratch = scratch;
    this.fd = made.fd;
    this.#enterFd = made.fd;
    this.flags = made.params.flags;
    this.features = made.params.features;
    this.#memory = made.memory;
    this.#attach(made.params);
  }

  /** Makes a disabled ring; see `enable`. Returns `-errno` on failure. */
  static create(kernel: Kernel, request: RingRequest): Ring | number {
    const scratch = kernel.allocate(1);
    if (typeof scratch === 'number') return scratch;
    const made = makeRing(kernel, scratch, request);
    if (typeof made === 'number') {
      scratch.free();
      return made;
    }
    return new Ring(kernel, scratch, made);
  }

  /** Whether the ring's descriptor is registered, which saves a look-up in every `enter`. */
  get usesRegisteredDescriptor(): boolean {
    return (this.#enterFlags & IORING_ENTER_REGISTERED_RING) !== 0;
  }

  /** Opens the ring for submissions, on the thread that will use it. Returns 0 or `-errno`. */
  enable(): number {
    const enabled = this.register(IORING_REGISTER_ENABLE_RINGS, 0, 0);
    if (enabled < 0) return enabled;
    this.#registerDescriptor();
    return 0;
  }

  /** Takes the next slot. The caller has seen that there is space. */
  next(): Sqe {
    return this.submissions.take();
  }

  /**
   * Submits what is queued, runs task work, and waits for `minComplete` completions.
   * Mirrors io_uring_enter(2). Linux 5.1+.
   */
  enter(minComplete: number, flags: number, argument: number, argumentSize: number): number {
    this.enterCount += 1;
    const { submissions } = this;
    const result = this.kernel.ioUringEnter(
      this.#enterFd,
      submissions.publish(),
      minComplete,
      this.#enterFlags | flags,
      argument,
      argumentSize,
    );
    submissions.refresh();
    if (submissions.space < submissions.entries) this.cutCount += 1;
    return result;
  }

  /** Mirrors io_uring_register(2). Linux 5.1+. */
  register(opcode: number, argument: number, count: number): number {
    return this.kernel.ioUringRegister(this.fd, opcode, argument, count);
  }

  /**
   * Replaces both rings by rings of other sizes. Pending entries and completions survive.
   * Returns 0, or `-errno` with the old rings in use: `-EOVERFLOW` when they would not fit.
   * Mirrors io_uring_resize_rings(3). Linux 6.13+.
   */
  resize(completionEntries: number): number {
    const entries = this.submissions.entries;
    const ownsMemory = (this.flags & IORING_SETUP_NO_MMAP) !== 0;
    const own = ownsMemory
      ? allocateRingMemory(this.kernel, entries, completionEntries)
      : undefined;
    if (typeof own === 'number') return own;
    this.submissions.publish();
    writeRingParams(this.scratch.buffer, {
      flags: IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
      sqEntries: entries,
      cqEntries: completionEntries,
      ringsAddress: own?.rings.address ?? 0,
      entriesAddress: own?.entries.address ?? 0,
    });
    const resized = this.register(IORING_REGISTER_RESIZE_RINGS, this.scratch.address, 1);
    if (resized < 0) {
      freeRingMemory(own);
      return resized;
    }
    const params = readRingParams(this.scratch.buffer);
    // The kernel uses the new rings from here on, and reports no features for them.
    const mapped =
      own ?? mapRingMemory(this.kernel, this.fd, { ...params, features: this.features });
    if (typeof mapped === 'number') throw new RingLostError(mapped);
    const old = this.#memory;
    this.#memory = mapped;
    this.#attach(params);
    freeRingMemory(old);
    this.#runTaskWork();
    return 0;
  }

  /** Closes the descriptor and unmaps everything. Nothing may be in flight. */
  close(): void {
    this.#unregisterDescriptor();
    this.kernel.close(this.fd);
    freeRingMemory(this.#memory);
    this.scratch.free();
  }

  /** Closes the descriptor only: for a ring whose operations could not be taken back. */
  abandon(): void {
    if (this.#isAbandoned) return;
    this.#isAbandoned = true;
    this.#unregisterDescriptor();
    this.kernel.close(this.fd);
  }

  /** Clears the hint that a resize sets for nothing, and runs what may have come meanwhile. */
  #runTaskWork(): void {
    this.submissions.forgetTaskWork();
    this.enterCount += 1;
    this.kernel.ioUringEnter(this.#enterFd, 0, 0, this.#enterFlags, 0, 0);
  }

  #attach(params: RingParams): void {
    this.submissions.attach(this.#memory.rings, this.#memory.entries, params.sqOff);
    this.completions.attach(this.#memory.rings, params.cqOff);
  }

  /** The registration is a reference of its own: it would keep the ring alive after `close`. */
  #unregisterDescriptor(): void {
    if (!this.usesRegisteredDescriptor) return;
    const { scratch } = this;
    writeRsrcUpdate(scratch.buffer, 0, { offset: this.#enterFd, data: 0 });
    this.register(IORING_UNREGISTER_RING_FDS, scratch.address, 1);
    this.#enterFd = this.fd;
    this.#enterFlags = IORING_ENTER_GETEVENTS;
  }

  #registerDescriptor(): void {
    const { scratch } = this;
    writeRsrcUpdate(scratch.buffer, 0, { offset: 0xffffffff, data: this.fd });
    // Failing is harmless: the descriptor itself works as well.
    if (this.register(IORING_REGISTER_RING_FDS, scratch.address, 1) !== 1) return;
    this.#enterFd = new Int32Array(scratch.buffer)[0] ?? -EINVAL;
    this.#enterFlags |= IORING_ENTER_REGISTERED_RING;
  }
}

/** The kernel moved to new rings that could not be mapped: nothing can be reaped any more. */
export class RingLostError extends Error {
  /** `-errno` of the mapping. */
  readonly result: number;

  constructor(result: number) {
    super('The ring was resized and could not be mapped again');
    this.name = 'RingLostError';
    this.result = result;
  }
}
