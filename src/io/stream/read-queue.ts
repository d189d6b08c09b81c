/**
 * What a stream has received and nobody has taken, and who waits for more, in order.
 *
 * One of the two lists is always empty. Pieces are copies of the program's own or leases; a taker
 * gets the kind that it asked for, whatever the piece is. The queue has no bound of its own: the
 * stream stops its connection at a mark.
 *
 * Hot path: no closure per piece; a taker with a signal costs two.
 */

import { Lease } from '../../runtime/index.ts';

type Piece = Buffer | Lease;

/** Who waits: `isLease` says for what kind. */
interface Taker {
  readonly isLease: boolean;
  resolve(piece: unknown): void;
  reject(reason: unknown): void;
}

export class ReadQueue {
  /** Bytes that nobody has taken. */
  bytes = 0;
  readonly #pieces: Piece[] = [];
  readonly #takers: Taker[] = [];

  /** Whether somebody waits. */
  get isAwaited(): boolean {
    return this.#takers.length > 0;
  }

  /** Hands a piece to the first who waits, or keeps it. */
  push(piece: Piece): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      taker.resolve(taker.isLease ? leaseOf(piece) : bufferOf(piece));
      return;
    }
    this.#pieces.push(piece);
    this.bytes += piece.length;
  }

  /** Takes the first piece as bytes to keep. */
  take(): Buffer | undefined {
    const piece = this.#shift();
    return piece === undefined ? undefined : bufferOf(piece);
  }

  /** Takes the first piece as a lease. */
  takeLease(): Lease | undefined {
    const piece = this.#shift();
    return piece === undefined ? undefined : leaseOf(piece);
  }

  /** Waits for the next piece, `null` at the end. An abort takes the waiter out of the line. */
  wait<T>(isLease: boolean, signal: AbortSignal | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const taker = { isLease, resolve, reject } as Taker;
      this.#takers.push(signal === undefined ? taker : this.#abortable(taker, signal));
    });
  }

  /** Nothing follows: who waits is told so. */
  end(): void {
    for (const taker of this.#takers.splice(0)) taker.resolve(null);
  }

  /** Nothing follows because of an error. */
  fail(error: Error): void {
    for (const taker of this.#takers.splice(0)) taker.reject(error);
  }

  /** Gives back what is lent and was taken by nobody: it becomes copies. */
  settleLeases(): void {
    for (const [index, piece] of this.#pieces.entries()) this.#pieces[index] = bufferOf(piece);
  }

  #shift(): Piece | undefined {
    const piece = this.#pieces.shift();
    if (piece !== undefined) this.bytes -= piece.length;
    return piece;
  }

  #abortable(taker: Taker, signal: AbortSignal): Taker {
    const settle = (): void => signal.removeEventListener('abort', onAbort);
    const waiting: Taker = {
      isLease: taker.isLease,
      resolve: (piece) => {
        settle();
        taker.resolve(piece);
      },
      reject: (reason) => {
        settle();
        taker.reject(reason);
      },
    };
    const onAbort = (): void => {
      const at = this.#takers.indexOf(waiting);
      if (at >= 0) this.#takers.splice(at, 1);
      taker.reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return waiting;
  }
}

function bufferOf(piece: Piece): Buffer {
  return piece instanceof Lease ? piece.intoCopy() : piece;
}

function leaseOf(piece: Piece): Lease {
  return piece instanceof Lease ? piece : new Lease(piece, null, 0);
}
