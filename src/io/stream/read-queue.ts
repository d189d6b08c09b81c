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
class Taker {
  isLease = false;
  resolve: (piece: unknown) => void = ignore;
  reject: (reason: unknown) => void = ignore;
}

function ignore(): void {}

/** The taker whose promise is being made: one executor does for all. */
let target = new Taker();

function park(resolve: (piece: unknown) => void, reject: (reason: unknown) => void): void {
  target.resolve = resolve;
  target.reject = reject;
}

export class ReadQueue {
  /** Bytes that nobody has taken. */
  bytes = 0;
  readonly #pieces: Piece[] = [];
  /** The first who waits, and those behind. Few streams have more than one. */
  #first: Taker | null = null;
  readonly #others: Taker[] = [];
  /** Who waited last, to be used again. */
  #spare: Taker | null = null;

  /** Whether somebody waits. */
  get isAwaited(): boolean {
    return this.#first !== null;
  }

  /** Hands a piece to the first who waits, or keeps it. */
  push(piece: Piece): void {
    const taker = this.#first;
    if (taker === null) {
      this.#pieces.push(piece);
      this.bytes += piece.length;
      return;
    }
    this.#first = this.#others.shift() ?? null;
    const { resolve } = taker;
    // Not to be kept by the spare: the promise, and with it the piece.
    taker.resolve = ignore;
    taker.reject = ignore;
    this.#spare = taker;
    resolve(taker.isLease ? leaseOf(piece) : bufferOf(piece));
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
    const taker = this.#spare ?? new Taker();
    this.#spare = null;
    taker.isLease = isLease;
    target = taker;
    const promise = new Promise<unknown>(park) as Promise<T>;
    const waiting = signal === undefined ? taker : this.#abortable(taker, signal);
    if (this.#first === null) this.#first = waiting;
    else this.#others.push(waiting);
    return promise;
  }

  /** Nothing follows: who waits is told so. */
  end(): void {
    for (const taker of this.#takeAll()) taker.resolve(null);
  }

  /** Nothing follows because of an error. */
  fail(error: Error): void {
    for (const taker of this.#takeAll()) taker.reject(error);
  }

  /** Gives back what is lent and was taken by nobody: it becomes copies. */
  settleLeases(): void {
    for (const [index, piece] of this.#pieces.entries()) this.#pieces[index] = bufferOf(piece);
  }

  #takeAll(): Taker[] {
    const all = this.#first === null ? [] : [this.#first, ...this.#others.splice(0)];
    this.#first = null;
    return all;
  }

  #shift(): Piece | undefined {
    if (this.#pieces.length === 0) return undefined;
    const piece = this.#pieces.shift();
    if (piece !== undefined) this.bytes -= piece.length;
    return piece;
  }

  #abortable(taker: Taker, signal: AbortSignal): Taker {
    const settle = (): void => signal.removeEventListener('abort', onAbort);
    const waiting = new Taker();
    waiting.isLease = taker.isLease;
    waiting.resolve = (piece) => {
      settle();
      taker.resolve(piece);
    };
    waiting.reject = (reason) => {
      settle();
      taker.reject(reason);
    };
    const onAbort = (): void => {
      this.#leave(waiting);
      taker.reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return waiting;
  }

  /** Takes one out of the line. */
  #leave(taker: Taker): void {
    if (this.#first === taker) {
      this.#first = this.#others.shift() ?? null;
      return;
    }
    const at = this.#others.indexOf(taker);
    if (at >= 0) this.#others.splice(at, 1);
  }
}

function bufferOf(piece: Piece): Buffer {
  return piece instanceof Lease ? piece.intoCopy() : piece;
}

function leaseOf(piece: Piece): Lease {
  return piece instanceof Lease ? piece : new Lease(piece, null, 0);
}
