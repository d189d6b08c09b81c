/**
 * Whether a channel keeps its thread alive: while somebody waits to send or to receive, unless the
 * program said otherwise.
 */

import type { Waker } from './waker.ts';

export class KeepAlive {
  readonly #waker: Waker;
  #isReferenced = true;
  #isSendWaiting = false;
  #isReceiveWaiting = false;
  #isKept = false;

  constructor(waker: Waker) {
    this.#waker = waker;
  }

  /** What the program wants: `ref()` or `unref()`. */
  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced;
    this.#settle();
  }

  setSendWaiting(isWaiting: boolean): void {
    this.#isSendWaiting = isWaiting;
    this.#settle();
  }

  setReceiveWaiting(isWaiting: boolean): void {
    this.#isReceiveWaiting = isWaiting;
    this.#settle();
  }

  #settle(): void {
    const isKept = this.#isReferenced && (this.#isSendWaiting || this.#isReceiveWaiting);
    if (isKept === this.#isKept) return;
    this.#isKept = isKept;
    this.#waker.setReferenced(isKept);
  }
}
