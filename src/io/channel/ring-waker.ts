/**
 * Waking through the ring: a message to the other thread's completion queue, which goes with the
 * next `enter` and ends the wait that the other thread is in.
 *
 * For that each end duplicates its ring's descriptor and leaves the number in shared memory, where
 * the other end takes it out and owns it from then on. So the number stays the ring's for as long
 * as somebody may use it, even when the ring's thread is terminated; a number that is not owned
 * might be another file by then, or another ring. Where messages do not get through, `NodeWaker`
 * carries on.
 */

import { EAGAIN, ENOMEM, EOVERFLOW } from '../../native/abi.ts';
import type { Doorbell, Engine } from '../../runtime/index.ts';
import { bellId, publishBell, takeBell } from './layout.ts';
import type { Side } from './layout.ts';
import type { Waker, WakeListener } from './waker.ts';

/** What a waker on the ring is made of. */
export interface RingWakerParts {
  readonly engine: Engine;
  /** The channel's shared words. */
  readonly words: Int32Array;
  readonly side: Side;
  /** The way around the ring, which also tells when the other end is gone. */
  readonly port: Waker;
  readonly listener: WakeListener;
}

export class RingWaker implements Waker {
  readonly #engine: Engine;
  readonly #doorbell: Doorbell;
  readonly #words: Int32Array;
  readonly #side: Side;
  readonly #peer: Side;
  readonly #port: Waker;
  readonly #listener: WakeListener;
  readonly #id: number;
  /** The other thread's ring, once it has told. */
  #fd = -1;
  /** Messages to it that are queued or in the kernel: its descriptor stays open for them. */
  #ringing = 0;
  #isUsable = true;
  #isClosing = false;

  constructor({ engine, words, side, port, listener }: RingWakerParts) {
    this.#engine = engine;
    this.#doorbell = engine.doorbell;
    this.#words = words;
    this.#side = side;
    this.#peer = side === 0 ? 1 : 0;
    this.#port = port;
    this.#listener = listener;
    this.#id = this.#doorbell.hang(this);
    const fd = engine.calls.duplicate(engine.ring.fd);
    // Out of descriptors: the other end finds none and uses the port.
    if (fd >= 0) publishBell(words, side, fd, this.#id);
  }

  wake(): void {
    if (this.#fd < 0) this.#take();
    if (this.#fd < 0 || !this.#isUsable || this.#engine.scheduler.isStopped) {
      this.#port.wake();
      return;
    }
    this.#ringing += 1;
    this.#doorbell.ring(this.#fd, bellId(this.#words, this.#peer), this);
  }

  setReferenced(isReferenced: boolean): void {
    this.#doorbell.setReferenced(this.#id, isReferenced);
  }

  /** Whatever either end has left in shared memory is taken: nobody may be there to do it later. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#doorbell.takeDown(this.#id);
    const own = takeBell(this.#words, this.#side);
    if (own >= 0) this.#engine.calls.close(own);
    if (this.#fd < 0) this.#take();
    this.#release();
    this.#port.close();
  }

  /** @internal */
  onRing(): void {
    this.#listener.onWake();
  }

  /** @internal */
  onSilence(): void {
    this.#listener.onPeerGone();
  }

  /** @internal */
  onRang(result: number): void {
    this.#ringing -= 1;
    if (result < 0) {
      // For want of memory on the way: the next may go through. Anything else stays as it is.
      const isPassing = result === -EOVERFLOW || result === -ENOMEM || result === -EAGAIN;
      if (!isPassing) this.#isUsable = false;
      if (!this.#isClosing) this.#port.wake();
    }
    if (this.#isClosing || !this.#isUsable) this.#release();
  }

  #take(): void {
    this.#fd = takeBell(this.#words, this.#peer);
    if (this.#fd >= 0) this.#engine.own(this.#fd);
  }

  #release(): void {
    if (this.#ringing > 0 || this.#fd < 0) return;
    this.#engine.calls.close(this.#fd);
    this.#fd = -1;
  }
}
