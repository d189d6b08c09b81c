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
  writeRsrcRegister,
  writeRsrcUpdate2,
} from '../native/index.ts';
import type { Memory } from '../native/index.ts';
import { codedError, systemError } from './errors.ts';
import { integer } from './options.ts';
import { mapRegistered } from './pinned-memory.ts';
import type { Ring } from './ring.ts';

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
   * @returns the buffer and the index that fixed operations name it by.
   * @throws `ENOMEM` over RLIMIT_MEMLOCK, `ERR_TABLE_FULL` when no slot is free,
   *   `ERR_OUT_OF_RANGE`.
   */
  allocate(size: number): RegisteredBuffer {
    integer(size, 'size', undefined, 1, BUFFER_SIZE_MAX);
    const index = this.#free.pop();
    if (index === undefined) throw codedError('ERR_TABLE_FULL', 'Every buffer slot is taken');
    let memory: Memory;
    try {
      memory = mapRegistered(this.#ring.kernel, size, (candidate) =>
        this.#update(this.#ring, index, candidate.address, candidate.size),
      );
    } catch (error) {
      this.#free.push(index);
      throw error;
    }
    this.#memories.set(index, memory);
    this.#clone(index);
    const bytes = Buffer.from(memory.buffer, 0, size);
    const unregister = (): void => this.#unregister(index, memory);
    const release = (): void => {
      this.#unregister(index, memory);
      memory.free();
    };
    return { index, address: memory.address, bytes, unregister, release };
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
    for (const memory of this.#memories.values()) {
      if (!this.#handed.has(memory)) memory.free();
    }
    this.#memories.clear();
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
