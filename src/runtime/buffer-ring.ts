/**
 * Buffer ring: receive buffers that the kernel picks from (`IORING_REGISTER_PBUF_RING`, Linux
 * 5.19+), shared by all sockets of a runtime.
 *
 *   ring:  [ io_uring_buf 0 | 1 | ... ]   the tail is the last 16 bits of slot 0
 *   slab:  [ buffer 0 | buffer 1 | ... ]  a completion names the buffer by its id
 *
 * The kernel owns a buffer from `provide` until a completion names it; then it is ours until we
 * provide it again. What users get is a copy, or the slab's bytes on a lease. At most half of the
 * buffers are lent at a time: however long programs hold theirs, the others go round.
 */

import {
  IORING_REGISTER_PBUF_RING,
  IORING_REGISTER_PBUF_STATUS,
  IORING_UNREGISTER_PBUF_RING,
  readBufStatusHead,
  writeBufReg,
  writeBufStatus,
} from '../native/index.ts';
import type { Memory } from '../native/index.ts';
import { systemError } from './errors.ts';
import { Lease } from './lease.ts';
import type { Lender } from './lease.ts';
import { mapRegistered } from './pinned-memory.ts';
import type { Ring } from './ring.ts';

const SLOT_SIZE = 16;
const SLOT_WORDS = 4;
/** In 16-bit units: the last field of slot 0. */
const TAIL_AT = 7;

export class BufferRing implements Lender {
  /** Names the ring in `buf_group`. */
  readonly group: number;
  readonly count: number;
  readonly size: number;
  /** All buffers, one behind the other. */
  readonly bytes: Buffer;
  readonly #ring: Ring;
  readonly #slots: Memory;
  readonly #slab: Memory;
  readonly #words: Int32Array;
  readonly #tails: Uint16Array;
  #tail = 0;
  #lent = 0;
  #isOver = false;
  /** Tells when nobody can see the bytes of a lease any more. */
  #forgotten: FinalizationRegistry<number> | null = null;

  /** Maps and registers `count` buffers (a power of two) of `size` bytes. */
  constructor(ring: Ring, group: number, count: number, size: number) {
    this.#ring = ring;
    this.group = group;
    this.count = count;
    this.size = size;
    const { kernel, scratch } = ring;
    const slab = kernel.allocate(count * size);
    if (typeof slab === 'number') throw systemError(slab, 'mmap');
    this.#slab = slab;
    try {
      this.#slots = mapRegistered(kernel, count * SLOT_SIZE, ({ address }) => {
        writeBufReg(scratch.buffer, 0, {
          ringAddress: address,
          ringEntries: count,
          group,
          flags: 0,
        });
        return ring.register(IORING_REGISTER_PBUF_RING, scratch.address, 1);
      });
    } catch (error) {
      slab.free();
      throw error;
    }
    this.#words = new Int32Array(this.#slots.buffer);
    this.#tails = new Uint16Array(this.#slots.buffer);
    this.bytes = Buffer.from(slab.buffer);
    for (let id = 0; id < count; id += 1) this.provide(id);
  }

  /** Offset of a buffer's first byte in `bytes`. */
  offsetOf(id: number): number {
    return id * this.size;
  }

  /** A copy of the first `length` bytes of a buffer, for the user to keep. */
  copyOut(id: number, length: number): Buffer {
    const copy = Buffer.allocUnsafe(length);
    const at = id * this.size;
    this.bytes.copy(copy, 0, at, at + length);
    return copy;
  }

  /** Hands a buffer to the kernel. Hot path: no allocation. */
  provide(id: number): void {
    const words = this.#words;
    const at = (this.#tail & (this.count - 1)) * SLOT_WORDS;
    const address = this.#slab.address + id * this.size;
    words[at] = address | 0;
    words[at + 1] = Math.floor(address / 4294967296) | 0;
    words[at + 2] = this.size;
    // The upper half of the word of slot 0 is the tail itself.
    this.#tails[at * 2 + 6] = id;
    this.#tail = (this.#tail + 1) & 0xffff;
    // The kernel reads the tail while it runs our task work, inside our own `enter`.
    this.#tails[TAIL_AT] = this.#tail;
  }

  /** Buffers that are on lease. */
  get lent(): number {
    return this.#lent;
  }

  /** Whether one more may be lent: half of the buffers always go round. */
  get mayLend(): boolean {
    return this.#lent < this.count >> 1;
  }

  /** Lends the first `length` bytes of a buffer, which is provided again when they come back. */
  lend(id: number, length: number): Lease {
    const at = id * this.size;
    const bytes = this.bytes.subarray(at, at + length);
    const lease = new Lease(bytes, this, id);
    this.#lent += 1;
    this.#forgotten ??= new FinalizationRegistry((lost) => this.#return(lost));
    // The bytes are watched, and not the lease: a program may keep nothing but them.
    this.#forgotten.register(bytes, id, lease);
    return lease;
  }

  takeBack(id: number, lease: Lease): void {
    this.#forgotten?.unregister(lease);
    this.#return(id);
  }

  #return(id: number): void {
    this.#lent -= 1;
    if (!this.#isOver) this.provide(id);
    else if (this.#lent === 0) this.#slab.free();
  }

  /**
   * Asks the kernel how many buffers it may fill now: all of them, when none was lost or provided
   * twice, no completion waits, and nothing is on lease. Returns `-errno` before Linux 6.8.
   */
  countReady(): number {
    const { scratch } = this.#ring;
    writeBufStatus(scratch.buffer, 0, this.group);
    const result = this.#ring.register(IORING_REGISTER_PBUF_STATUS, scratch.address, 1);
    return result < 0 ? result : (this.#tail - readBufStatusHead(scratch.buffer, 0)) & 0xffff;
  }

  /** Takes the buffers back from the kernel. No operation may use the group any more. */
  unregister(): void {
    const { scratch } = this.#ring;
    writeBufReg(scratch.buffer, 0, {
      ringAddress: 0,
      ringEntries: 0,
      group: this.group,
      flags: 0,
    });
    this.#ring.register(IORING_UNREGISTER_PBUF_RING, scratch.address, 1);
  }

  /**
   * Unmaps the memory, after the ring is closed or the buffers are unregistered. What is on lease
   * stays mapped until the last lease ends.
   */
  free(): void {
    this.#isOver = true;
    this.#slots.free();
    if (this.#lent === 0) this.#slab.free();
  }
}
