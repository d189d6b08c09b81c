/**
 * The simulated kernel's address space: ordinary `ArrayBuffer`s that have addresses.
 *
 * Addresses look like real ones (above 2^32, page-aligned) and are never handed out twice, so that
 * a stale one is always found out. Freeing detaches the buffer, as the real thing does, and asks
 * the observer first: memory that an operation still uses must not go.
 */

import { PAGE_SIZE, roundToPages } from '../../src/native/memory.ts';
import type { Memory } from '../../src/native/memory.ts';

const FIRST_ADDRESS = 0x7f10_0000_0000;
/** Unmapped pages between two regions: running over an end is never silently somebody else's. */
const GUARD_SIZE = PAGE_SIZE;

interface Region {
  readonly address: number;
  readonly size: number;
  readonly buffer: ArrayBuffer;
}

export class SimMemory {
  #next = FIRST_ADDRESS;
  #mapped = 0;
  readonly #regions = new Map<number, Region>();
  readonly #ofBuffers = new WeakMap<ArrayBuffer, number>();
  readonly #beforeFree: (address: number, size: number) => void;

  constructor(beforeFree: (address: number, size: number) => void) {
    this.#beforeFree = beforeFree;
  }

  /** Pieces that were mapped and not freed; buffers of the program's own are none. */
  get mapped(): number {
    return this.#mapped;
  }

  /** Maps zeroed memory, or `buffer`, whose size is a multiple of the page size. */
  map(size: number, buffer: ArrayBuffer = new ArrayBuffer(roundToPages(size))): Memory {
    const address = this.#place(buffer);
    const rounded = buffer.byteLength;
    let isMapped = true;
    this.#mapped += 1;
    return {
      address,
      size: rounded,
      buffer,
      free: () => {
        if (!isMapped) return;
        isMapped = false;
        this.#mapped -= 1;
        this.#beforeFree(address, rounded);
        this.#regions.delete(address);
        structuredClone(buffer, { transfer: [buffer] });
      },
    };
  }

  /** The address of a buffer that a program owns; it is given one on first use. */
  addressOf(memory: ArrayBuffer | ArrayBufferView): number {
    if (ArrayBuffer.isView(memory)) {
      return this.addressOf(memory.buffer as ArrayBuffer) + memory.byteOffset;
    }
    const buffer = memory;
    const known = this.#ofBuffers.get(buffer);
    if (known !== undefined) return known;
    const address = this.#place(buffer);
    this.#ofBuffers.set(buffer, address);
    return address;
  }

  /** The `size` bytes at `address`, or nothing where no memory is: `-EFAULT`. */
  at(address: number, size: number): DataView | undefined {
    for (const region of this.#regions.values()) {
      const offset = address - region.address;
      if (offset < 0 || offset + size > region.size) continue;
      return new DataView(region.buffer, offset, size);
    }
    return undefined;
  }

  #place(buffer: ArrayBuffer): number {
    const address = this.#next;
    this.#next += roundToPages(buffer.byteLength) + GUARD_SIZE;
    this.#regions.set(address, { address, size: buffer.byteLength, buffer });
    return address;
  }
}
