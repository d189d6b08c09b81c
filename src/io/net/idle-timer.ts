/**
 * The timer behind `socket.setTimeout`: fires when nothing has moved for so long, and does not
 * keep the process alive.
 *
 * Hot path (`touch`): once a chunk, so no timer is made or removed there.
 */

/** Delays of timers are 31 bits, as Node says when they are more. */
export const TIMEOUT_MS_MAX: number = 2 ** 31 - 1;

export class IdleTimer {
  readonly #onIdle: () => void;
  #timeout: NodeJS.Timeout | null = null;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** Begins to count again, from 0. Fires once, unless something moves after that. */
  set(delayMs: number): void {
    this.clear();
    this.#timeout = setTimeout(this.#onIdle, delayMs);
    this.#timeout.unref();
  }

  /** Something has moved. */
  touch(): void {
    this.#timeout?.refresh();
  }

  clear(): void {
    if (this.#timeout === null) return;
    clearTimeout(this.#timeout);
    this.#timeout = null;
  }
}

/** Warns as Node does of a delay that is longer. */
export function warnOfLongTimeout(delayMs: number): void {
  const message = `${delayMs} does not fit into a 32-bit signed integer.`;
  const rest = `Timer duration was truncated to ${TIMEOUT_MS_MAX}.`;
  process.emitWarning(`${message}\n${rest}`, 'TimeoutOverflowWarning');
}
