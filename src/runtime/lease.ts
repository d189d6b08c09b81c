/**
 * Lease: received bytes where the kernel put them, lent to a program until it gives them back.
 *
 *   lent --release() or the garbage collector--> the buffer is the kernel's again
 *
 * A lease without a buffer ring holds bytes of its own: where copying was cheaper or safer, callers
 * need not care. What is lent is bounded by the ring that lends; see `buffer-ring.ts`.
 */

import { codedError } from './errors.ts';

/** Who lent a buffer. */
export interface Lender {
  /** A buffer comes back, because of `lease` or because nobody can see it any more. */
  takeBack(id: number, lease: Lease): void;
}

/**
 * Bytes that were received, without a copy, from `lease()` of a stream.
 *
 * `bytes` is a view of memory that the kernel writes to again after `release()`: copy what
 * you keep.
 * A lease that is forgotten ends when the garbage collector finds its `bytes`.
 *
 * @example
 * ```ts
 * import { TcpListener, TcpStream } from 'onering';
 *
 * const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
 * const client = await TcpStream.connect({ hostname: '127.0.0.1', port: listener.address().port });
 * const server = await listener.accept();
 * await client.write('no copy');
 * const lease = await server.lease();
 * console.log(lease?.bytes.toString()); // no copy
 * lease?.release();
 * await Promise.all([client.close(), server.close(), listener.close()]);
 * ```
 */
export class Lease {
  #bytes: Buffer | null;
  #lender: Lender | null;
  readonly #id: number;
  /** How many bytes there are, also after `release()`. */
  readonly length: number;

  /** @internal */
  constructor(bytes: Buffer, lender: Lender | null, id: number) {
    this.#bytes = bytes;
    this.#lender = lender;
    this.#id = id;
    this.length = bytes.length;
  }

  /**
   * The bytes.
   *
   * @throws `ERR_LEASE_RELEASED` after `release()`.
   */
  get bytes(): Buffer {
    if (this.#bytes === null) throw codedError('ERR_LEASE_RELEASED', 'The lease is released');
    return this.#bytes;
  }

  /** Whether the bytes are the receive buffer itself: not where they were copied after all. */
  get isZeroCopy(): boolean {
    return this.#lender !== null;
  }

  /** Whether it was given back. */
  get isReleased(): boolean {
    return this.#bytes === null;
  }

  /** Gives the buffer back to the kernel. A second call does nothing. */
  release(): void {
    if (this.#bytes === null) return;
    const lender = this.#lender;
    this.#bytes = null;
    this.#lender = null;
    lender?.takeBack(this.#id, this);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /**
   * Bytes to keep: a copy of what was lent, and the end of the lease.
   * @internal
   */
  intoCopy(): Buffer {
    const { bytes } = this;
    const own = this.#lender === null ? bytes : Buffer.from(bytes);
    this.release();
    return own;
  }
}
