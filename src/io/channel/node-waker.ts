/**
 * Waking through the `MessagePort` that the channel came with: for when either end has no ring.
 *
 * Each wake-up is an empty message. The port's own end tells when the other end is closed or its
 * thread has ended, however it ended; the ring's way uses it for that as well.
 */

import type { MessagePort } from 'node:worker_threads';
import type { Waker, WakeListener } from './waker.ts';

export class NodeWaker implements Waker {
  readonly #port: MessagePort;
  #isClosing = false;

  constructor(port: MessagePort, listener: WakeListener) {
    this.#port = port;
    port.on('message', () => listener.onWake());
    port.on('close', () => {
      if (!this.#isClosing) listener.onPeerGone();
      listener.onClosed();
    });
    port.unref();
  }

  wake(): void {
    // Node closes the port when the other end is gone, and ignores what is posted then.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A port has no origin.
    this.#port.postMessage(null);
  }

  setReferenced(isReferenced: boolean): void {
    if (isReferenced) this.#port.ref();
    else this.#port.unref();
  }

  close(): void {
    this.#isClosing = true;
    this.#port.close();
  }
}
