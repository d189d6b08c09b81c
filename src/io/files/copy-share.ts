/**
 * Who copies what is read in large pieces: kernel workers, and one piece at a time the loop itself,
 * inside the `enter` that submits it, while nothing else is in flight that it could delay.
 *
 * A loop that only sleeps until its workers are through gives one processor away, and on a small
 * machine the workers end up on that very one and are woken in turns with it. The loop's piece is
 * an ordinary submission: the kernel never sleeps in it, and hands it to a worker by itself where
 * the file cannot be read without.
 *
 * Of a large transfer in pieces it copies none: that has as many workers as there are processors,
 * and may go into new memory, where a copy waits for each of its pages to be made.
 */

import type { Engine } from '../../runtime/index.ts';

/** From here on a copy is worth a worker: below, copying on the spot costs less. */
export const COPY_SIZE_MIN: number = 256 * 1024;
/** What the loop copies at most: a third of a millisecond on slow memory. */
export const LOOP_COPY_SIZE_MAX: number = 1024 * 1024;

const shares = new WeakMap<Engine, CopyShare>();

export class CopyShare {
  readonly #engine: Engine;
  /** Large pieces in flight, whoever copies them. */
  #pieces = 0;
  #isLoopCopying = false;
  /** Large transfers under way. */
  #large = 0;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** What all files of a thread share. */
  static of(engine: Engine): CopyShare {
    let share = shares.get(engine);
    if (share === undefined) {
      share = new CopyShare(engine);
      shares.set(engine, share);
    }
    return share;
  }

  /** Runs a large transfer, whose pieces are all for workers. */
  async whileLarge<T>(run: () => Promise<T>): Promise<T> {
    this.#large += 1;
    try {
      return await run();
    } finally {
      this.#large -= 1;
    }
  }

  /** Says whether the loop copies the read that is begun next; `until` must follow. */
  take(length: number, position: number): boolean {
    // What has no positions may be a pipe, which a worker had better wait for.
    const isCopy = position >= 0 && length <= LOOP_COPY_SIZE_MAX;
    const isIdle = this.#engine.scheduler.inFlight === this.#pieces;
    this.#pieces += 1;
    if (!isCopy || !isIdle || this.#isLoopCopying || this.#large > 0) return false;
    this.#isLoopCopying = true;
    return true;
  }

  /** The read that `take` was asked about is over with its promise. */
  until(promise: Promise<unknown>, isLoops: boolean): void {
    const end = isLoops ? this.#endOfLoops : this.#endOfWorkers;
    promise.then(end, end);
  }

  readonly #endOfWorkers = (): void => {
    this.#pieces -= 1;
  };

  readonly #endOfLoops = (): void => {
    this.#pieces -= 1;
    this.#isLoopCopying = false;
  };
}
