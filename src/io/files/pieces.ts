/**
 * A large transfer in pieces, so that nobody copies for long at a time: neither the loop, nor a
 * kernel worker, which does not give its processor up while it copies, and may have been put on
 * the loop's.
 *
 * It knows no file. The outcome is that of one read(2) or write(2): the bytes up to the first piece
 * that was short or failed, and an error only where there are none. What later pieces did is lost,
 * so only reads may have several in flight.
 */

import { availableParallelism } from 'node:os';

/** From here on a transfer is split. */
export const SPLIT_SIZE: number = 2 * 1024 * 1024;
/** Pieces: a tenth of a millisecond or two of copying. */
const PIECE_SIZE = 1024 * 1024;
/**
 * Lanes for pieces whose order does not matter: no more than there are processors, or the loop that
 * wakes up waits for its turn behind them, as do the threads that V8 collects garbage with.
 */
export const LANES_MAX: number = Math.min(4, availableParallelism());

/** What is to be transferred, and how. */
export interface Large {
  readonly length: number;
  /** Pieces in flight at once; one where their order matters. */
  readonly lanes: number;
  readonly signal: AbortSignal | undefined;
  /** Transfers one piece, and says how much of it there was. */
  transfer(offset: number, length: number): Promise<number>;
}

/** Transfers all of it, or what there is. */
export async function inPieces(large: Large): Promise<number> {
  const run = new PieceRun(large);
  const lanes: Promise<void>[] = [];
  for (let lane = 0; lane < large.lanes; lane += 1) lanes.push(run.lane());
  await Promise.all(lanes);
  return run.outcome();
}

class PieceRun {
  readonly #large: Large;
  /** Where the next piece begins. */
  #begun = 0;
  /** Bytes before the first piece that was not whole. */
  #end: number;
  #isOver = false;
  #error: unknown = null;

  constructor(large: Large) {
    this.#large = large;
    this.#end = large.length;
  }

  /** Transfers one piece after the other until there are no more. Does not reject. */
  async lane(): Promise<void> {
    const { length } = this.#large;
    while (!this.#isOver && this.#begun < length) {
      const offset = this.#begun;
      const size = Math.min(PIECE_SIZE, length - offset);
      this.#begun += size;
      try {
        const count = await this.#large.transfer(offset, size);
        if (count < size) this.#endAt(offset + count, null);
      } catch (error) {
        this.#endAt(offset, error);
      }
    }
  }

  outcome(): number {
    const { signal } = this.#large;
    if (this.#error !== null && (this.#end === 0 || signal?.aborted === true)) throw this.#error;
    return this.#end;
  }

  #endAt(end: number, error: unknown): void {
    this.#isOver = true;
    if (end > this.#end || (end === this.#end && error === null)) return;
    this.#end = end;
    this.#error = error;
  }
}
