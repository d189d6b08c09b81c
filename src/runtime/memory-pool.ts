/**
 * Memory pool: mapped blocks for what the kernel reads or writes behind JavaScript's back: paths,
 * socket addresses, `statx` results, and in workers the data of file operations.
 *
 * A block is taken before an operation is filled and given back at its last completion. Blocks of
 * less than a page are cut from shared chunks; each comes with its views, made once, so that
 * taking one allocates nothing. Large blocks are unmapped again when many lie idle.
 */

import type { Kernel, Memory } from '../native/index.ts';
import { systemError } from './errors.ts';

/** A piece of mapped memory with its views. */
export interface Block {
  readonly address: number;
  readonly bytes: Buffer;
  readonly words: Int32Array;
  readonly sizeClass: number;
  /** The mapping, where the block has one of its own. */
  readonly memory: Memory | null;
}

const CLASS_SIZE_MIN = 256;
const CHUNK_SIZE = 64 * 1024;
/** From here on a block is a mapping of its own. */
const OWN_MAPPING_SIZE = 64 * 1024;
/** Idle bytes in mappings of their own before they are given back. */
const IDLE_BYTES_MAX = 32 * 1024 * 1024;

export class MemoryPool {
  readonly #kernel: Kernel;
  readonly #chunks: Memory[] = [];
  readonly #free = new Map<number, Block[]>();
  #idleBytes = 0;
  #isFreed = false;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Takes a block of at least `size` bytes. Its content is whatever was there. */
  take(size: number): Block {
    const sizeClass = classOf(size);
    const free = this.#freeOf(sizeClass);
    const block = free.pop();
    if (block !== undefined) {
      if (block.memory !== null) this.#idleBytes -= sizeClass;
      return block;
    }
    if (sizeClass >= OWN_MAPPING_SIZE) return this.#map(sizeClass);
    this.#cut(sizeClass, free);
    return free.pop() ?? this.#map(sizeClass);
  }

  /** Gives a block back. The kernel no longer uses it, and neither does the caller. */
  give(block: Block): void {
    if (this.#isFreed) {
      block.memory?.free();
      return;
    }
    if (block.memory !== null) {
      if (this.#idleBytes + block.sizeClass > IDLE_BYTES_MAX) {
        block.memory.free();
        return;
      }
      this.#idleBytes += block.sizeClass;
    }
    this.#freeOf(block.sizeClass).push(block);
  }

  /** Unmaps everything that is idle. What is still taken is unmapped with the process. */
  free(): void {
    this.#isFreed = true;
    for (const blocks of this.#free.values()) {
      for (const { memory } of blocks) memory?.free();
    }
    this.#free.clear();
    for (const chunk of this.#chunks.splice(0)) chunk.free();
  }

  #freeOf(sizeClass: number): Block[] {
    let free = this.#free.get(sizeClass);
    if (free === undefined) {
      free = [];
      this.#free.set(sizeClass, free);
    }
    return free;
  }

  #map(sizeClass: number): Block {
    const memory = this.#allocate(sizeClass);
    return blockOf(memory, 0, sizeClass, memory);
  }

  #cut(sizeClass: number, free: Block[]): void {
    const chunk = this.#allocate(CHUNK_SIZE);
    this.#chunks.push(chunk);
    for (let at = 0; at + sizeClass <= CHUNK_SIZE; at += sizeClass) {
      free.push(blockOf(chunk, at, sizeClass, null));
    }
  }

  #allocate(size: number): Memory {
    const memory = this.#kernel.allocate(size);
    if (typeof memory === 'number') throw systemError(memory, 'mmap');
    return memory;
  }
}

function blockOf(from: Memory, at: number, size: number, memory: Memory | null): Block {
  return {
    address: from.address + at,
    bytes: Buffer.from(from.buffer, at, size),
    words: new Int32Array(from.buffer, at, size >> 2),
    sizeClass: size,
    memory,
  };
}

function classOf(size: number): number {
  if (size <= CLASS_SIZE_MIN) return CLASS_SIZE_MIN;
  return size <= 2 ** 30 ? 1 << (32 - Math.clz32(size - 1)) : 2 ** Math.ceil(Math.log2(size));
}
