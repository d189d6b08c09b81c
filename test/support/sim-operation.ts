/**
 * An operation as the simulated kernel sees it: a copy of its 64 bytes, and the ways to end it.
 *
 * `complete` may be called at any time, by a test or by the scripted behavior of its opcode: while
 * the entry is being submitted the completion is posted at once, later it is task work.
 */

import * as c from '../../src/native/constants/io-uring.ts';
import type { SimRing } from './sim-ring.ts';

/** What the kernel did: scripted per opcode, see `SimKernel.behave`. */
export type SimBehavior = (operation: SimOperation) => void;

export class SimOperation {
  readonly ring: SimRing;
  /** The entry, as it was when the kernel took it. */
  readonly words: Int32Array;
  /** The next one of its chain. */
  next: SimOperation | null = null;
  /** Whether a cancel request can still take it back. */
  isCancelable = true;
  isStarted = false;
  readonly #behavior: SimBehavior;

  constructor(ring: SimRing, words: Int32Array, behavior: SimBehavior) {
    this.ring = ring;
    this.words = words;
    this.#behavior = behavior;
  }

  get opcode(): number {
    return this.#word(0) & 0xff;
  }

  /** `IOSQE_*`. */
  get flags(): number {
    return (this.#word(0) >> 8) & 0xff;
  }

  get ioprio(): number {
    return this.#word(0) >>> 16;
  }

  get fd(): number {
    return this.#word(1);
  }

  get offset(): number {
    return this.#long(2);
  }

  get address(): number {
    return this.#long(4);
  }

  get length(): number {
    return this.#word(6);
  }

  /** The flags of the opcode itself. */
  get opFlags(): number {
    return this.#word(7);
  }

  /** Low half of `user_data`. */
  get low(): number {
    return this.#word(8);
  }

  /** High half of `user_data`. */
  get high(): number {
    return this.#word(9);
  }

  get isLinked(): boolean {
    return (this.flags & (c.IOSQE_IO_LINK | c.IOSQE_IO_HARDLINK)) !== 0;
  }

  /** Whether its last completion is still to come. */
  get isInFlight(): boolean {
    return this.ring.inFlight.has(this);
  }

  /** Ends it, or adds a completion to it when `flags` carry `F_MORE`. */
  complete(result: number, flags = 0): void {
    this.ring.complete(this, result, flags);
  }

  /** Has the kernel begin with it: at once, or when its turn in a chain comes. */
  start(): void {
    if (!this.isInFlight) return;
    this.isStarted = true;
    this.#behavior(this);
  }

  #word(index: number): number {
    return this.words[index] ?? 0;
  }

  #long(index: number): number {
    return this.#word(index + 1) * 4294967296 + (this.#word(index) >>> 0);
  }
}
