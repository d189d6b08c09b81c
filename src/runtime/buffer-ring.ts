/**
 * Buffer ring: receive buffers that the kernel picks from (`IORING_REGISTER_PBUF_RING`, Linux
 * 5.19+), shared by all sockets of a runtime.
 *
 *   ring:  [ io_uring_buf 0 | 1 | ... ]   the tail is the last 16 bits of slot 0
 *   slab:  [ buffer 0 | buffer 1 | ... ]  a completion names the buffer by its id
 *
 * The kernel owns a buffer from `provide` until a completion names it; then it is ours until we
 * provide it again. What users get is a copy, or the slab's bytes for the length of a callback.
 */

import {
  IORING_REGISTER_PBUF_RING,
  IORING_UNREGISTER_PBUF_RING,
  writeBufReg,
} from '../native/index.ts';
import type { Memory } from '../native/index.ts';
import { systemError } from './errors.ts';
import { mapRegistered } from './pinned-memory.ts';
import type { Ring } from './ring.ts';

const SLOT_SIZE = 16;
const SLOT_WORDS = 4;
/** In 16-bit units: the last field of slot 0. */
const TAIL_AT = 7;

export class BufferRing {
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

  /** Unmaps the memory, after the ring is closed or the buffers are unregistered. */
  free(): void {
    this.#slots.free();
    this.#slab.free();
  }
}
