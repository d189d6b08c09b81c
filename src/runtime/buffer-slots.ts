/**
 * Buffer slots: the ring of descriptors through which the kernel is handed receive buffers
 * (`IORING_REGISTER_PBUF_RING`, Linux 5.19+). Whose memory they name is the caller's business.
 *
 *   ring:  [ io_uring_buf 0 | 1 | ... ]   the tail is the last 16 bits of slot 0
 *
 * The kernel owns a buffer from `provide` until a completion names its id. At most `count` buffers
 * may be provided at a time: the slots hold no more, and nothing here counts.
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
import { mapRegistered } from './pinned-memory.ts';
import type { Ring } from './ring.ts';

const SLOT_SIZE = 16;
const SLOT_WORDS = 4;
/** In 16-bit units: the last field of slot 0. */
const TAIL_AT = 7;

export class BufferSlots {
  readonly #ring: Ring;
  readonly #group: number;
  readonly #mask: number;
  readonly #memory: Memory;
  readonly #words: Int32Array;
  readonly #tails: Uint16Array;
  #tail = 0;

  /** Maps and registers `count` slots (a power of two) as `group`. */
  constructor(ring: Ring, group: number, count: number) {
    this.#ring = ring;
    this.#group = group;
    this.#mask = count - 1;
    const { kernel, scratch } = ring;
    this.#memory = mapRegistered(kernel, count * SLOT_SIZE, ({ address }) => {
      const region = { ringAddress: address, ringEntries: count, group, flags: 0 };
      writeBufReg(scratch.buffer, 0, region);
      return ring.register(IORING_REGISTER_PBUF_RING, scratch.address, 1);
    });
    this.#words = new Int32Array(this.#memory.buffer);
    this.#tails = new Uint16Array(this.#memory.buffer);
  }

  /** Hands a buffer to the kernel. Hot path: no allocation. */
  provide(id: number, address: number, size: number): void {
    const words = this.#words;
    const at = (this.#tail & this.#mask) * SLOT_WORDS;
    words[at] = address | 0;
    words[at + 1] = Math.floor(address / 4294967296) | 0;
    words[at + 2] = size;
    // The upper half of the word of slot 0 is the tail itself.
    this.#tails[at * 2 + 6] = id;
    this.#tail = (this.#tail + 1) & 0xffff;
    // The kernel reads the tail while it runs our task work, inside our own `enter`.
    this.#tails[TAIL_AT] = this.#tail;
  }

  /** Asks the kernel how many buffers it may fill now. Returns `-errno` before Linux 6.8. */
  countReady(): number {
    const { scratch } = this.#ring;
    writeBufStatus(scratch.buffer, 0, this.#group);
    const result = this.#ring.register(IORING_REGISTER_PBUF_STATUS, scratch.address, 1);
    return result < 0 ? result : (this.#tail - readBufStatusHead(scratch.buffer, 0)) & 0xffff;
  }

  /** Takes the buffers back from the kernel. No operation may use the group any more. */
  unregister(): void {
    const { scratch } = this.#ring;
    const region = { ringAddress: 0, ringEntries: 0, group: this.#group, flags: 0 };
    writeBufReg(scratch.buffer, 0, region);
    this.#ring.register(IORING_UNREGISTER_PBUF_RING, scratch.address, 1);
  }

  /** Unmaps the slots, after the ring is closed or they are unregistered. */
  free(): void {
    this.#memory.free();
  }
}
