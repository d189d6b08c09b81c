/**
 * Small chunks: copies of a few words, cut from slabs of Node's own pool.
 *
 * `Buffer.allocUnsafe` and `copy` do the same with two more objects and, on some Nodes, several
 * calls out of JavaScript: for messages of a few words that costs more than the words. A slab is
 * itself a buffer of that pool, so a chunk holds no more memory than one of `allocUnsafe`, and may
 * be transferred no more than one.
 *
 * Hot path (`copy`): one object per chunk.
 */

type BufferClass = new (memory: ArrayBufferLike, offset: number, length: number) => Buffer;

/** Up to here a loop over words costs less than a call. */
export const SMALL_CHUNK_MAX = 128;
/** Less than half of Node's pool, of 8 KiB, or it would not come from there. */
const SLAB_SIZE = 4088;
/** The pool aligns what it gives to this, and so do we. */
const ALIGNMENT = 8;

/** The class of Node's buffers, which `Buffer` itself only stands for. */
const PooledBuffer = (Buffer as unknown as { readonly [Symbol.species]: BufferClass })[
  Symbol.species
];

export class SmallChunks {
  #memory: ArrayBufferLike = new ArrayBuffer(0);
  #words = new Int32Array(0);
  /** Where the slab begins and ends, and where the next chunk goes. */
  #start = 0;
  #end = 0;
  #next = 0;

  /** The first `length` bytes of `source`, at most `SMALL_CHUNK_MAX`, for somebody to keep. */
  copy(source: Int32Array, length: number): Buffer {
    if (this.#next + length > this.#end && !this.#begin()) {
      return Buffer.from(bytesOf(source, length));
    }
    const at = this.#next;
    this.#next = (at + length + ALIGNMENT - 1) & -ALIGNMENT;
    const words = this.#words;
    const first = (at - this.#start) >> 2;
    // The last word may be more than the chunk: what is behind it is nobody's yet.
    const count = (length + 3) >> 2;
    for (let word = 0; word < count; word += 1) words[first + word] = source[word] ?? 0;
    return new PooledBuffer(this.#memory, at, length);
  }

  /** Takes another slab. Returns false where the program has switched Node's pool off. */
  #begin(): boolean {
    const slab = Buffer.allocUnsafe(SLAB_SIZE);
    if (slab.buffer.byteLength === SLAB_SIZE) return false;
    this.#memory = slab.buffer;
    this.#start = slab.byteOffset;
    this.#next = this.#start;
    this.#end = this.#start + SLAB_SIZE;
    this.#words = new Int32Array(slab.buffer, slab.byteOffset, SLAB_SIZE >> 2);
    return true;
  }
}

function bytesOf(words: Int32Array, length: number): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, length);
}
