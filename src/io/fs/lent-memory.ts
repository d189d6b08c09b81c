/**
 * Memory that a transfer of the drop-in lends to the kernel, where it is not simply one buffer of
 * the user's: a list of buffers as iovecs, and in workers mapped memory in their place, because
 * kernel workers may still use it when the worker is terminated and V8's heap is gone.
 *
 * Held by the operation until its last completion; `finish` then copies out what was read, if that
 * is needed, and gives the block back.
 */

import { IOVEC_SIZE, IOVEC_WORDS, writeIovec } from '../../native/abi.ts';
import type { Block, Engine } from '../../runtime/index.ts';

type View = ArrayBufferView;

export class LentMemory {
  readonly block: Block;
  /** Bytes, or iovecs if there are any. */
  readonly length: number;
  readonly hasIovecs: boolean;
  /** What the caller passed, and gets back. */
  readonly returned: unknown;
  readonly #engine: Engine;
  /** Where to copy what was read. */
  readonly #targets: readonly Uint8Array[];
  /** What the iovecs name stays alive with this. */
  readonly #named: readonly View[];

  private constructor(engine: Engine, lent: Lent) {
    this.#engine = engine;
    this.block = lent.block;
    this.length = lent.length;
    this.hasIovecs = lent.named.length > 0;
    this.returned = lent.returned;
    this.#targets = lent.targets;
    this.#named = lent.named;
  }

  /** A list of buffers, in place where the kernel may be shown them. */
  static ofList(engine: Engine, buffers: readonly View[], isRead: boolean): LentMemory {
    if (!engine.mayShareHeap)
      return LentMemory.#copied(engine, buffers.map(bytesOf), isRead, buffers);
    const block = engine.pool.take(buffers.length * IOVEC_SIZE);
    let at = 0;
    for (const buffer of buffers) {
      writeIovec(block.words, at, engine.addresses.of(buffer), buffer.byteLength);
      at += IOVEC_WORDS;
    }
    const { length } = buffers;
    return new LentMemory(engine, {
      block,
      length,
      returned: buffers,
      targets: [],
      named: buffers,
    });
  }

  /** A part of one buffer, in a worker. */
  static ofPart(
    engine: Engine,
    buffer: View,
    range: { readonly offset: number; readonly length: number },
    isRead: boolean,
  ): LentMemory {
    const part = bytesOf(buffer).subarray(range.offset, range.offset + range.length);
    return LentMemory.#copied(engine, [part], isRead, buffer);
  }

  static #copied(
    engine: Engine,
    parts: readonly Uint8Array[],
    isRead: boolean,
    returned: unknown,
  ): LentMemory {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const block = engine.pool.take(length);
    if (!isRead) copyIn(block, parts);
    const targets = isRead ? parts : [];
    return new LentMemory(engine, { block, length, returned, targets, named: [] });
  }

  /** The kernel has let go. Returns what the caller passed. */
  finish(result: number): unknown {
    let at = 0;
    for (const target of this.#targets) {
      if (at >= result) break;
      // One that its owner detached meanwhile has no room: then there is nobody to tell.
      const count = Math.min(target.length, result - at);
      target.set(this.block.bytes.subarray(at, at + count));
      at += count;
    }
    this.#engine.pool.give(this.block);
    return this.returned;
  }

  /** Buffers that the kernel uses in place. */
  get named(): readonly View[] {
    return this.#named;
  }
}

interface Lent {
  readonly block: Block;
  readonly length: number;
  readonly returned: unknown;
  readonly targets: readonly Uint8Array[];
  readonly named: readonly View[];
}

function bytesOf(view: View): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function copyIn(block: Block, parts: readonly Uint8Array[]): void {
  let at = 0;
  for (const part of parts) {
    block.bytes.set(part, at);
    at += part.length;
  }
}
