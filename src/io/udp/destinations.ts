/**
 * Encoded addresses of those who are sent to, in mapped memory: each is written once and used by
 * every send to it. An address in use is never given back; when there are many, those that no send
 * uses are.
 */

import { encodeSockaddr } from '../../native/abi.ts';
import type { Block, Engine } from '../../runtime/index.ts';
import type { Endpoint } from '../tcp/address.ts';

/** Addresses that are kept: as many as take a chunk of the memory pool. */
const KEPT_MAX = 256;

/** One address. */
export interface Destination {
  readonly block: Block;
  readonly size: number;
  /** Sends in flight. */
  users: number;
}

export class Destinations {
  readonly #pool: Engine['pool'];
  readonly #known = new Map<string, Destination>();

  constructor(pool: Engine['pool']) {
    this.#pool = pool;
  }

  /** The address of an endpoint; `users` is the caller's to count. */
  of(endpoint: Endpoint): Destination {
    const { address, port, domain, scopeId } = endpoint;
    const key = `${address} ${port} ${scopeId}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= KEPT_MAX) this.#forget();
    const encoded = encodeSockaddr({ family: domain, address, port, scopeId });
    const block = this.#pool.take(encoded.length);
    block.bytes.set(encoded);
    const destination = { block, size: encoded.length, users: 0 };
    this.#known.set(key, destination);
    return destination;
  }

  /** Gives everything back. No send is in flight. */
  clear(): void {
    for (const { block } of this.#known.values()) this.#pool.give(block);
    this.#known.clear();
  }

  #forget(): void {
    for (const [key, { block, users }] of this.#known) {
      if (users > 0) continue;
      this.#pool.give(block);
      this.#known.delete(key);
    }
  }
}
