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

import type { Memory } from '../native/index.ts';
import { BufferSlots } from './buffer-slots.ts';
import { systemError } from './errors.ts';
import { Lease } from './lease.ts';
import type { Lender } from './lease.ts';
import type { Ring } from './ring.ts';

export class BufferRing implements Lender {
  /** Names the ring in `buf_group`. */
  readonly group: number;
  readonly count: number;
  readonly size: number;
  /** All buffers, one behind the other. */
  readonly bytes: Buffer;
  readonly #slots: BufferSlots;
  readonly #slab: Memory;
  #lent = 0;
  #isOver = false;
  /** Tells when nobody can see the bytes of a lease any more. */
  #forgotten: FinalizationRegistry<number> | null = null;

  /** Maps and registers `count` buffers (a power of two) of `size` bytes. */
  constructor(ring: Ring, group: number, count: number, size: number) {
    this.group = group;
    this.count = count;
    this.size = size;
    const slab = ring.kernel.allocate(count * size);
    if (typeof slab === 'number') throw systemError(slab, 'mmap');
    this.#slab = slab;
    try {
      this.#slots = new BufferSlots(ring, group, count);
    } catch (error) {
      slab.free();
      throw error;
    }
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
    this.#slots.provide(id, this.#slab.address + id * this.size, this.size);
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
    return this.#slots.countReady();
  }

  /** Takes the buffers back from the kernel. No operation may use the group any more. */
  unregister(): void {
    this.#slots.unregister();
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
