/**
 * The table of registered buffers: mapped memory that the kernel has pinned once and need not pin
 * for each operation (`READ_FIXED`, `WRITE_FIXED`).
 *
 * It is sparse, Linux 5.19+. Only memory of the runtime's own is registered: V8 may free its
 * buffers, and the pages would stay pinned without anybody's knowing. The kernel keeps its
 * reference until
 * the slot is emptied and what uses it is over.
 */

import {
  IORING_REGISTER_BUFFERS2,
  IORING_REGISTER_BUFFERS_UPDATE,
  IORING_REGISTER_CLONE_BUFFERS,
  IORING_REGISTER_DST_REPLACE,
  IORING_RSRC_REGISTER_SPARSE,
  RSRC_UPDATE2_SIZE,
  writeCloneBuffers,
  writeIovec,
  writeRingParams,
  writeRsrcRegister,
  writeRsrcUpdate2,
} from '../native/index.ts';
import type { Memory } from '../native/index.ts';
import { codedError, invalidArgType, systemError } from './errors.ts';
import { boolean, integer, validateNames, validateObject } from './options.ts';
import { mapRegistered } from './pinned-memory.ts';
import type { Ring } from './ring.ts';

/** What a buffer needs to know of itself to be shared. */
interface Known {
  readonly size: number;
  readonly address: number;
  readonly id: number | null;
}

/** The kernel's limit for one buffer: 1 GiB. */
const BUFFER_SIZE_MAX = 2 ** 30;

/** Memory that is registered with the ring. */
export interface RegisteredBuffer {
  /** What `sqe.buf_index` names it by. */
  readonly index: number;
  readonly address: number;
  /** The bytes, for JavaScript. Empty after `release()`. */
  readonly bytes: Buffer;
  /** Unregisters it, and leaves it mapped. Nothing fixed may be in flight on it. */
  unregister(): void;
  /** Unregisters and unmaps it. Nothing may be in flight on it. */
  release(): void;
  /**
   * Describes it for one other thread, which adopts it once; share it again for another one.
   *
   * @throws `ERR_BUFFER_NOT_SHARED` unless it was allocated with `shared`.
   */
  share(): SharedBuffer;
}

/** How a buffer is allocated. */
export interface BufferOptions {
  /**
   * Whether other threads can adopt it.
   * @defaultValue false
   */
  shared?: boolean;
}

/** A registered buffer on its way to another thread, by `workerData` or `postMessage`. */
export interface SharedBuffer {
  readonly id: number;
  readonly size: number;
  /** Where it is in the thread that it comes from. */
  readonly address: number;
  /** Holds the ring that the registration is cloned from. */
  readonly donor: SharedArrayBuffer;
}

/**
 * Registered buffers of one runtime.
 *
 * @example
 * ```ts
 * import { File, prep, runtime } from 'onering';
 *
 * const ring = runtime();
 * if (ring.backend === 'uring') {
 *   await using file = await File.open('package.json');
 *   const buffer = ring.buffers.allocate(4096);
 *   await ring.submit((sqe) => {
 *     prep.prepReadFixed(sqe, file.fd, buffer.address, 1, 0, buffer.index);
 *   });
 *   console.log(buffer.bytes.toString('utf8', 0, 1)); // {
 *   buffer.release();
 * }
 * ```
 */
export class BufferTable {
  /** Number of slots. */
  readonly size: number;
  readonly #ring: Ring;
  /** Other rings of this thread that know the same buffers by the same indices. */
  readonly #shared: Ring[] = [];
  readonly #free: number[] = [];
  readonly #memories = new Map<number, Memory>();
  readonly #handed = new Set<Memory>();
  /** Donors that were given away, adopted or not. */
  readonly #donors = new Set<SharedArrayBuffer>();

  /** Registers an empty table. Throws the kernel's `SystemError`. */
  constructor(ring: Ring, size: number) {
    this.#ring = ring;
    this.size = size;
    const result = registerSparse(ring, size);
    if (result < 0) throw systemError(result, 'io_uring_register');
    for (let slot = size - 1; slot >= 0; slot -= 1) this.#free.push(slot);
  }

  /** Slots in use. */
  get used(): number {
    return this.#memories.size;
  }

  /**
   * Maps and registers zeroed memory.
   *
   * @param size - bytes, at most 1 GiB.
   * @param options - whether other threads can adopt it.
   * @returns the buffer and the index that fixed operations name it by.
   * @throws `ENOMEM` over RLIMIT_MEMLOCK, `ERR_TABLE_FULL` when no slot is free,
   *   `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`; `ENOTSUP` with `shared` before Linux 6.5.
   */
  allocate(size: number, options: BufferOptions = {}): RegisteredBuffer {
    integer(size, 'size', undefined, 1, BUFFER_SIZE_MAX);
    validateObject(options, 'options');
    validateNames(options, 'options', ['shared']);
    const isShared = boolean(options.shared, 'options.shared', false);
    const index = this.#takeSlot();
    if (isShared) return this.#allocateShared(index, size);
    let memory: Memory;
    try {
      memory = mapRegistered(this.#ring.kernel, size, (candidate) =>
        this.#update(this.#ring, index, candidate.address, candidate.size),
      );
    } catch (error) {
      this.#free.push(index);
      throw error;
    }
    return this.#registered(index, memory, { size, address: memory.address, id: null });
  }

  /**
   * Registers memory that another thread shares. Both have it until they release it: the memory
   * goes with the last of them, whichever thread ends first.
   *
   * Where the kernel can (Linux 6.13+), the registration is cloned: the pages are not pinned, nor
   * counted against RLIMIT_MEMLOCK, a second time.
   *
   * @param shared - what `RegisteredBuffer.share` returned in the other thread.
   * @returns the buffer under an index of this runtime. Its `address` is what operations name; the
   *   bytes may be elsewhere in this thread.
   * @throws `EINVAL` when every other thread has released it, `ENOMEM` over RLIMIT_MEMLOCK,
   *   `ERR_TABLE_FULL`, `ERR_INVALID_ARG_TYPE`.
   * @see https://man7.org/linux/man-pages/man3/io_uring_clone_buffers.3.html
   */
  adopt(shared: SharedBuffer): RegisteredBuffer {
    validateShared(shared);
    const { id, size } = shared;
    const index = this.#takeSlot();
    const memory = this.#ring.kernel.attachShared(id, size);
    if (typeof memory === 'number') this.#giveUp(index, memory, memory);
    const isCloned = this.#takeOver(shared.donor, index);
    const result = isCloned ? 0 : this.#update(this.#ring, index, memory.address, memory.size);
    if (result < 0) this.#giveUp(index, memory, result);
    // A cloned registration knows the pages by the address at which they were registered.
    const address = isCloned ? shared.address : memory.address;
    return this.#registered(index, memory, { size, address, id });
  }

  /**
   * Leaves a buffer mapped when the table goes: somebody else will see to it.
   * @internal
   */
  hand(buffer: RegisteredBuffer): void {
    const memory = this.#memories.get(buffer.index);
    if (memory !== undefined) this.#handed.add(memory);
  }

  /**
   * Makes the buffers known to another ring of this thread, these and those to come: by cloning
   * (Linux 6.13+), which pins nothing twice. A ring that will not is left out: its fixed
   * operations fail with `EFAULT`, see `isShared`.
   * @internal
   */
  share(ring: Ring): void {
    if (registerSparse(ring, this.size) < 0) return;
    for (const index of this.#memories.keys()) {
      if (cloneSlot(this.#ring, ring, index) < 0) return;
    }
    this.#shared.push(ring);
  }

  /** Whether a ring knows these buffers. @internal */
  isShared(ring: Ring): boolean {
    return ring === this.#ring || this.#shared.includes(ring);
  }

  /** Unmaps everything, after the ring is closed. */
  free(): void {
    for (const donor of this.#donors) this.#closeDonor(donor);
    this.#donors.clear();
    for (const memory of this.#memories.values()) {
      if (!this.#handed.has(memory)) memory.free();
    }
    this.#memories.clear();
  }

  #takeSlot(): number {
    const index = this.#free.pop();
    if (index === undefined) throw codedError('ERR_TABLE_FULL', 'Every buffer slot is taken');
    return index;
  }

  #allocateShared(index: number, size: number): RegisteredBuffer {
    const memory = this.#ring.kernel.allocateShared(size);
    if (typeof memory === 'number') this.#giveUp(index, memory, memory);
    const { address, id } = memory;
    const result = this.#update(this.#ring, index, address, memory.size);
    if (result < 0) this.#giveUp(index, memory, result);
    return this.#registered(index, memory, { size, address, id });
  }

  #giveUp(index: number, memory: Memory | number, result: number): never {
    if (typeof memory !== 'number') memory.free();
    this.#free.push(index);
    throw systemError(result, 'io_uring_register');
  }

  #registered(index: number, memory: Memory, known: Known): RegisteredBuffer {
    const { size, address, id } = known;
    this.#memories.set(index, memory);
    this.#clone(index);
    return {
      index,
      address,
      bytes: Buffer.from(memory.buffer, 0, size),
      unregister: () => this.#unregister(index, memory),
      release: () => {
        this.#unregister(index, memory);
        memory.free();
      },
      share: () => {
        if (id === null || this.#memories.get(index) !== memory) {
          throw codedError('ERR_BUFFER_NOT_SHARED', 'The buffer was not allocated to be shared');
        }
        return { id, size, address, donor: this.#donate(index) };
      },
    };
  }

  /**
   * Makes a ring that holds nothing but this registration. Ours lets no other thread clone from it
   * (`SINGLE_ISSUER`); this one does. Its descriptor is in shared memory and belongs to whoever
   * takes it out: the thread that adopts, or this one at its end. -1 where the kernel cannot.
   */
  #donate(index: number): SharedArrayBuffer {
    const { kernel, scratch, fd } = this.#ring;
    const donor = new SharedArrayBuffer(4);
    const params = { flags: 0, sqEntries: 0, cqEntries: 0, ringsAddress: 0, entriesAddress: 0 };
    writeRingParams(scratch.buffer, params);
    let donorFd = kernel.ioUringSetup(1, scratch.address);
    if (donorFd >= 0 && this.#cloneFrom(fd, index, donorFd, 0, 0) < 0) {
      kernel.close(donorFd);
      donorFd = -1;
    }
    Atomics.store(new Int32Array(donor), 0, Math.max(donorFd, -1));
    for (const other of this.#donors) if (isTaken(other)) this.#donors.delete(other);
    this.#donors.add(donor);
    return donor;
  }

  /** Takes the donor's ring, and the registration out of it. */
  #takeOver(donor: SharedArrayBuffer, index: number): boolean {
    const donorFd = Atomics.exchange(new Int32Array(donor), 0, -1);
    if (donorFd < 0) return false;
    const { kernel, fd } = this.#ring;
    const result = this.#cloneFrom(donorFd, 0, fd, index, IORING_REGISTER_DST_REPLACE);
    kernel.close(donorFd);
    return result >= 0;
  }

  /** Mirrors io_uring_clone_buffers_offset(3) for one buffer. Linux 6.13+. */
  #cloneFrom(source: number, at: number, target: number, to: number, flags: number): number {
    const { kernel, scratch } = this.#ring;
    const fields = { sourceFd: source, flags, sourceOffset: at, targetOffset: to, count: 1 };
    writeCloneBuffers(scratch.buffer, 0, fields);
    return kernel.ioUringRegister(target, IORING_REGISTER_CLONE_BUFFERS, scratch.address, 1);
  }

  #closeDonor(donor: SharedArrayBuffer): void {
    const fd = Atomics.exchange(new Int32Array(donor), 0, -1);
    if (fd >= 0) this.#ring.kernel.close(fd);
  }

  #unregister(index: number, memory: Memory): void {
    if (this.#memories.get(index) !== memory) return;
    this.#memories.delete(index);
    this.#handed.delete(memory);
    this.#update(this.#ring, index, 0, 0);
    for (const ring of this.#shared) this.#update(ring, index, 0, 0);
    this.#free.push(index);
  }

  /** A ring that does not take it knows none from here on: half a table helps nobody. */
  #clone(index: number): void {
    for (const ring of this.#shared.slice()) {
      if (cloneSlot(this.#ring, ring, index) < 0) {
        this.#shared.splice(this.#shared.indexOf(ring), 1);
      }
    }
  }

  #update(ring: Ring, slot: number, address: number, size: number): number {
    const { scratch } = ring;
    writeIovec(new Int32Array(scratch.buffer), RSRC_UPDATE2_SIZE >> 2, address, size);
    writeRsrcUpdate2(scratch.buffer, 0, {
      offset: slot,
      data: scratch.address + RSRC_UPDATE2_SIZE,
      count: 1,
    });
    return ring.register(IORING_REGISTER_BUFFERS_UPDATE, scratch.address, RSRC_UPDATE2_SIZE);
  }
}

/** Mirrors io_uring_register_buffers_sparse(3). Linux 5.19+. */
function registerSparse(ring: Ring, size: number): number {
  const { scratch } = ring;
  writeRsrcRegister(scratch.buffer, 0, { count: size, flags: IORING_RSRC_REGISTER_SPARSE });
  return ring.register(IORING_REGISTER_BUFFERS2, scratch.address, 32);
}

/** Mirrors io_uring_clone_buffers_offset(3) for one slot. Linux 6.13+. */
function cloneSlot(source: Ring, target: Ring, slot: number): number {
  const { scratch } = target;
  writeCloneBuffers(scratch.buffer, 0, {
    sourceFd: source.fd,
    flags: IORING_REGISTER_DST_REPLACE,
    sourceOffset: slot,
    targetOffset: slot,
    count: 1,
  });
  return target.register(IORING_REGISTER_CLONE_BUFFERS, scratch.address, 1);
}

function isTaken(donor: SharedArrayBuffer): boolean {
  return Atomics.load(new Int32Array(donor), 0) < 0;
}

function validateShared(shared: unknown): asserts shared is SharedBuffer {
  validateObject(shared, 'shared');
  const { id, size, address, donor } = shared as Partial<SharedBuffer>;
  integer(id, 'shared.id', undefined, 0, 2 ** 31 - 1);
  integer(size, 'shared.size', undefined, 1, BUFFER_SIZE_MAX);
  integer(address, 'shared.address', undefined, 0, Number.MAX_SAFE_INTEGER);
  if (donor instanceof SharedArrayBuffer) return;
  throw invalidArgType('shared.donor', 'an instance of SharedArrayBuffer', donor);
}
