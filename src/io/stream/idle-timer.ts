/**
 * The timer behind `socket.setTimeout`: fires when nothing has moved for so long, and does not
 * keep the process alive. An HTTP server sets and clears it with every request, so one timer of
 * Node's stays armed meanwhile, and when it fires it is armed again for what is left.
 *
 *   set      |-------- delay --------|            touch, pause and set only write down a time
 *   touch           |-------- delay --------|
 *   armed    |-----------------------|------| fires
 *
 * Hot path (`touch`, `set`, `pause`): no timer is made or removed there.
 */

import { AsyncResource } from 'node:async_hooks';
import { tickClock } from '../../runtime/index.ts';

/** Delays of timers are 31 bits, as Node says when they are more. */
export const TIMEOUT_MS_MAX: number = 2 ** 31 - 1;

/** Timers of Node's are as precise as this, and may be early by it. */
const RESOLUTION_MS = 1;

export class IdleTimer {
  readonly #onIdle: () => void;
  readonly #onTimeout: () => void = () => this.#fire();
  #timeout: NodeJS.Timeout | null = null;
  /** When the armed timer fires: never too late. */
  #firesMs = 0;
  /** 0 while it is off. */
  #delayMs = 0;
  #movedMs = 0;
  /** Who has set it: as in Node, what happens is in this context. */
  #context: AsyncResource | null = null;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** Begins to count again, from 0. Fires once, unless something moves after that. */
  set(delayMs: number): void {
    this.#context?.emitDestroy();
    this.#context = new AsyncResource('Timeout', { requireManualDestroy: true });
    this.#delayMs = delayMs;
    this.touch();
    if (this.#firesMs > this.#movedMs + delayMs) this.#arm(delayMs, this.#movedMs);
  }

  /** Something has moved. */
  touch(): void {
    if (this.#delayMs === 0) return;
    this.#movedMs = tickClock.nowMs;
    if (this.#timeout === null) this.#arm(this.#delayMs, this.#movedMs);
  }

  /** Switches it off for now; a timer that is armed finds nothing to do. */
  pause(): void {
    this.#delayMs = 0;
    this.#context?.emitDestroy();
    this.#context = null;
  }

  /** Switches it off for good. */
  clear(): void {
    this.pause();
    if (this.#timeout !== null) clearTimeout(this.#timeout);
    this.#timeout = null;
  }

  #arm(delayMs: number, nowMs: number): void {
    if (this.#timeout !== null) clearTimeout(this.#timeout);
    this.#firesMs = nowMs + delayMs;
    this.#timeout = setTimeout(this.#onTimeout, delayMs);
    this.#timeout.unref();
  }

  #fire(): void {
    this.#timeout = null;
    if (this.#delayMs === 0) return;
    const nowMs = performance.now();
    const leftMs = Math.ceil(this.#movedMs + this.#delayMs - nowMs);
    if (leftMs <= RESOLUTION_MS) this.#context?.runInAsyncScope(this.#onIdle);
    else this.#arm(leftMs, nowMs);
  }
}

/** Warns as Node does of a delay that is longer. */
export function warnOfLongTimeout(delayMs: number): void {
  const message = `${delayMs} does not fit into a 32-bit signed integer.`;
  const rest = `Timer duration was truncated to ${TIMEOUT_MS_MAX}.`;
  process.emitWarning(`${message}\n${rest}`, 'TimeoutOverflowWarning');
}
