/**
 * Datagrams that arrived and nobody has taken, and who waits for more. It is bounded: when it is
 * full the newest is dropped and counted, as the kernel does with its own.
 *
 * One of the two lists is always empty.
 */

/** Who waits. */
interface Taker<T> {
  resolve(value: T | null): void;
  reject(reason: unknown): void;
}

export class DatagramQueue<T> {
  /** Datagrams that found it full. */
  dropped = 0;
  readonly #limit: number;
  readonly #waiting: T[] = [];
  readonly #takers: Taker<T>[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many wait to be taken. */
  get size(): number {
    return this.#waiting.length;
  }

  push(datagram: T): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) taker.resolve(datagram);
    else if (this.#waiting.length < this.#limit) this.#waiting.push(datagram);
    else this.dropped += 1;
  }

  take(): T | undefined {
    return this.#waiting.shift();
  }

  /** Waits for the next one, `null` when there will be none. */
  wait(signal: AbortSignal | undefined): Promise<T | null> {
    return new Promise((resolve, reject) => {
      if (signal === undefined) {
        this.#takers.push({ resolve, reject });
        return;
      }
      const onAbort = (): void => {
        this.#takers.splice(this.#takers.indexOf(taker), 1);
        reject(signal.reason);
      };
      const taker: Taker<T> = {
        resolve: (value) => {
          signal.removeEventListener('abort', onAbort);
          resolve(value);
        },
        reject: (reason) => {
          signal.removeEventListener('abort', onAbort);
          reject(reason);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#takers.push(taker);
    });
  }

  /** Tells the first who waits of an error. Says whether there was somebody. */
  fail(error: Error): boolean {
    const taker = this.#takers.shift();
    taker?.reject(error);
    return taker !== undefined;
  }

  /** Nothing follows: who waits is told so. */
  end(): void {
    for (const taker of this.#takers.splice(0)) taker.resolve(null);
  }
}
