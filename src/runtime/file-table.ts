/**
 * The table of registered files: descriptors that the kernel need not look up for each operation
 * (`IOSQE_FIXED_FILE`), and places for direct descriptors.
 *
 * It is sparse: registered once, empty, and filled slot by slot. Linux 5.19+. The kernel keeps its
 * own reference to a registered file until the slot is emptied and what uses it is over; before
 * Linux 6.13 for longer, see `closesAtOnce`.
 */

import {
  EINVAL,
  IORING_REGISTER_FILES2,
  IORING_REGISTER_FILES_UPDATE2,
  IORING_REGISTER_MEM_REGION,
  IORING_RSRC_REGISTER_SPARSE,
  RSRC_UPDATE2_SIZE,
  writeRsrcRegister,
  writeRsrcUpdate2,
} from '../native/index.ts';
import { codedError, systemError } from './errors.ts';
import type { Ring } from './ring.ts';

/** What an empty slot holds. */
const EMPTY = -1;
/** Where no memory is. */
const NOWHERE = 1;

/**
 * Registered files of one runtime.
 *
 * @example
 * ```ts
 * import { File, prep, runtime } from 'onering';
 *
 * const ring = runtime();
 * if (ring.backend === 'uring') {
 *   await using file = await File.open('package.json');
 *   const slot = ring.files.register(file.fd);
 *   await ring.submit((sqe) => {
 *     prep.prepFsync(sqe, slot, 0);
 *     prep.setSqeFlags(sqe, prep.IOSQE_FIXED_FILE);
 *   });
 *   ring.files.unregister(slot);
 * }
 * ```
 */
export class FileTable {
  /** Number of slots. */
  readonly size: number;
  /**
   * Whether a file whose slot is emptied is closed once nothing uses it. Before Linux 6.13 it stays
   * open until all requests are over that were begun earlier and name any slot, and on Linux 6.1
   * for up to a second after that: a program that was written cannot be run (`ETXTBSY`), a file
   * that was deleted still takes up its space.
   */
  readonly closesAtOnce: boolean;
  readonly #ring: Ring;
  readonly #free: number[] = [];
  readonly #taken: boolean[];

  /** Registers an empty table. Throws the kernel's `SystemError`, `EMFILE` over RLIMIT_NOFILE. */
  constructor(ring: Ring, size: number) {
    this.#ring = ring;
    this.size = size;
    this.#taken = new Array<boolean>(size).fill(false);
    const { scratch } = ring;
    writeRsrcRegister(scratch.buffer, 0, { count: size, flags: IORING_RSRC_REGISTER_SPARSE });
    const result = ring.register(IORING_REGISTER_FILES2, scratch.address, 32);
    if (result < 0) throw systemError(result, 'io_uring_register');
    this.closesAtOnce = countsUsersOfEach(ring);
    for (let slot = size - 1; slot >= 0; slot -= 1) this.#free.push(slot);
  }

  /** Slots in use. */
  get used(): number {
    return this.size - this.#free.length;
  }

  /**
   * Puts a descriptor into a free slot, for `sqe.fd` together with `IOSQE_FIXED_FILE`.
   *
   * @returns the slot.
   * @throws `EBADF` for a descriptor that is not open, `ERR_TABLE_FULL` when no slot is free.
   */
  register(fd: number): number {
    const slot = this.#free.pop();
    if (slot === undefined) throw codedError('ERR_TABLE_FULL', 'Every file slot is taken');
    const result = this.#update(slot, fd);
    if (result < 0) {
      this.#free.push(slot);
      throw systemError(result, 'io_uring_register');
    }
    this.#taken[slot] = true;
    return slot;
  }

  /**
   * Takes an empty slot for an operation that opens a file into it, such as `prepOpenatDirect`.
   *
   * @returns the slot, or -1 when none is free.
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_openat_direct.3.html
   */
  reserve(): number {
    const slot = this.#free.pop();
    if (slot === undefined) return -1;
    this.#taken[slot] = true;
    return slot;
  }

  /**
   * Gives back a slot that an operation has emptied, such as `prepCloseDirect`, or that was never
   * filled. What is still in it would be closed by whoever takes the slot next.
   *
   * @throws `ERR_SLOT_FREE` for a slot that is not taken.
   */
  release(slot: number): void {
    this.#requireTaken(slot);
    this.#taken[slot] = false;
    this.#free.push(slot);
  }

  /** Empties a slot. What is in flight on it goes on. */
  unregister(slot: number): void {
    this.#requireTaken(slot);
    this.#update(slot, EMPTY);
    this.#taken[slot] = false;
    this.#free.push(slot);
  }

  #requireTaken(slot: number): void {
    if (this.#taken[slot] === true) return;
    throw codedError('ERR_SLOT_FREE', `File slot ${slot} is not registered`);
  }

  #update(slot: number, fd: number): number {
    const { scratch } = this.#ring;
    new Int32Array(scratch.buffer)[RSRC_UPDATE2_SIZE >> 2] = fd;
    writeRsrcUpdate2(scratch.buffer, 0, {
      offset: slot,
      data: scratch.address + RSRC_UPDATE2_SIZE,
      count: 1,
    });
    return this.#ring.register(IORING_REGISTER_FILES_UPDATE2, scratch.address, RSRC_UPDATE2_SIZE);
  }
}

/**
 * Since 6.13 a slot counts the requests that use it. That shows in nothing that is over at once, so
 * the kernel is asked for something else that came with the same release: one that knows regions
 * looks at the description first.
 */
function countsUsersOfEach(ring: Ring): boolean {
  return ring.register(IORING_REGISTER_MEM_REGION, NOWHERE, 1) !== -EINVAL;
}
