/**
 * Mapped memory that stands in for a user's buffer, in workers: kernel workers and devices may
 * still use it when the worker is terminated and V8's heap is gone.
 */

import type { Block } from '../../runtime/index.ts';

/** A block for one transfer, and the user's bytes that it stands in for. */
export class Bounce {
  readonly block: Block;
  readonly #target: Uint8Array | null;

  constructor(
    block: Block,
    buffer: NodeJS.ArrayBufferView,
    offset: number,
    length: number,
    isRead: boolean,
  ) {
    const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length);
    this.block = block;
    this.#target = isRead ? bytes : null;
    if (!isRead) block.bytes.set(bytes);
  }

  /** Copies what was read to the user, and gives up the block. */
  finish(result: number): Block {
    if (this.#target !== null && result > 0) {
      // A buffer that its owner detached meanwhile has no room: then there is nobody to tell.
      const room = Math.min(result, this.#target.length);
      this.#target.set(this.block.bytes.subarray(0, room));
    }
    return this.block;
  }
}
