/**
 * Writing in pieces: what is corked waits here, and goes to the connection as few sends.
 *
 * Neighbors are put together into one send up to a size; from there on they are sent from where
 * they are. The promise of each write settles with the send that carries its bytes.
 */

import type { Connection, SendCallback } from '../tcp/connection.ts';

/** Up to here copying pieces together costs less than a send for each. */
const GATHER_SIZE_MAX = 64 * 1024;

interface Piece {
  readonly bytes: Uint8Array;
  readonly done: SendCallback | null;
}

export class WriteCork {
  readonly #connection: Connection;
  #pieces: Piece[] = [];
  #depth = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Whether writes wait. */
  get isCorked(): boolean {
    return this.#depth > 0;
  }

  cork(): void {
    this.#depth += 1;
  }

  /** Undoes one `cork`; the last one sends what waits. */
  uncork(): void {
    if (this.#depth === 0) return;
    this.#depth -= 1;
    if (this.#depth === 0) this.#flush();
  }

  /** Sends what waits, however often it was corked. */
  open(): void {
    this.#depth = 0;
    this.#flush();
  }

  /** Sends or keeps one piece. */
  send(bytes: Uint8Array, done: SendCallback): void {
    if (this.#depth === 0) this.#connection.send(bytes, done);
    else this.#pieces.push({ bytes, done });
  }

  /** Sends or keeps pieces that belong together; there is at least one. */
  sendAll(pieces: readonly Uint8Array[], done: SendCallback): void {
    const last = pieces.length - 1;
    for (const [index, bytes] of pieces.entries()) {
      // What fails fails all that is queued behind it, the last piece too.
      this.#pieces.push({ bytes, done: index === last ? done : null });
    }
    if (this.#depth === 0) this.#flush();
  }

  #flush(): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    let group: Piece[] = [];
    let size = 0;
    for (const piece of pieces) {
      if (group.length > 0 && size + piece.bytes.byteLength > GATHER_SIZE_MAX) {
        this.#sendGroup(group, size);
        group = [];
        size = 0;
      }
      group.push(piece);
      size += piece.bytes.byteLength;
    }
    if (group.length > 0) this.#sendGroup(group, size);
  }

  #sendGroup(group: readonly Piece[], size: number): void {
    const [only] = group;
    if (group.length === 1 && only !== undefined) {
      this.#connection.send(only.bytes, only.done);
      return;
    }
    const gathered = Buffer.concat(
      group.map(({ bytes }) => bytes),
      size,
    );
    this.#connection.send(gathered, (error) => {
      for (const { done } of group) done?.(error);
    });
  }
}
