/**
 * Doorbell: how one thread's ring wakes another's, and hears that it was woken itself.
 *
 *   other ring --MSG_RING, user_data {MESSAGE_INDEX, id}--> our completion queue --> bell `id`
 *
 * A ring of the bell carries no data and costs nothing when it is for nobody: whoever hears it
 * looks into shared memory. So one that comes late, twice, or to a ring that has taken over the
 * place of another does no harm. While bells are hung, one timeout of 68 years stands in the table
 * of operations: it keeps the scheduler waiting in the ring, and the process alive if it is asked
 * to.
 */

import { ETIME, prepMsgRing, prepTimeout } from '../native/index.ts';
import { cancelOperation } from './cancellation.ts';
import type { Block, MemoryPool } from './memory-pool.ts';
import type { Operation } from './operation.ts';
import { MESSAGE_INDEX } from './operation-table.ts';
import type { Scheduler } from './scheduler.ts';

/** Hears the doorbell. */
export interface Bell {
  /** Somebody rang: there may be something to do. */
  onRing(): void;
  /** The ring is broken: nobody can ring here any more. */
  onSilence(): void;
}

/** Hears how ringing at somebody else's door went. */
export interface Ringer {
  /** `result` is 0, or `-errno`: then the other thread has heard nothing. */
  onRang(result: number): void;
}

/** Words of a `timespec`: seconds and nanoseconds, 64 bits each. */
const TIMESPEC_WORDS = 4;
/** For ever: an operation that is only there to be there. */
const HOLD_SECONDS = 0x7fff_ffff;

export class Doorbell {
  readonly #scheduler: Scheduler;
  readonly #pool: MemoryPool;
  readonly #bells = new Map<number, Bell>();
  readonly #referenced = new Set<number>();
  #nextId = 1;
  #hold: Operation | null = null;
  #block: Block | null = null;

  constructor(scheduler: Scheduler, pool: MemoryPool) {
    this.#scheduler = scheduler;
    this.#pool = pool;
    scheduler.operations.onMessage = (id) => this.#bells.get(id)?.onRing();
  }

  /** Bells that are hung. */
  get size(): number {
    return this.#bells.size;
  }

  /** Hangs a bell. Returns the id to ring it by, which is never used again. */
  hang(bell: Bell): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#bells.set(id, bell);
    if (this.#hold === null) this.#holdOn();
    return id;
  }

  /** Takes a bell down. */
  takeDown(id: number): void {
    this.setReferenced(id, false);
    if (!this.#bells.delete(id) || this.#bells.size > 0 || this.#hold === null) return;
    cancelOperation(this.#scheduler, this.#hold);
  }

  /** Whether waiting for this bell keeps the process alive: not unless asked to. */
  setReferenced(id: number, isReferenced: boolean): void {
    const before = this.#referenced.size;
    if (isReferenced) this.#referenced.add(id);
    else this.#referenced.delete(id);
    const after = this.#referenced.size;
    if (this.#hold === null || (before === 0) === (after === 0)) return;
    this.#scheduler.setReferenced(this.#hold, after > 0);
  }

  /**
   * Rings at another ring's door with the next `enter`. `fd` must stay open until `ringer` has
   * heard of it. Mirrors io_uring_prep_msg_ring(3). Linux 5.18+.
   */
  ring(fd: number, id: number, ringer: Ringer): void {
    const operation = this.#scheduler.begin(onRang, 'msg_ring');
    operation.context = ringer;
    prepMsgRing(this.#scheduler.sqe, fd, 0, MESSAGE_INDEX, id, 0);
  }

  #holdOn(): void {
    const block = this.#pool.take(TIMESPEC_WORDS * 4);
    block.words.fill(0, 0, TIMESPEC_WORDS);
    block.words[0] = HOLD_SECONDS;
    const operation = this.#scheduler.begin(onLetGo, 'timeout');
    prepTimeout(this.#scheduler.sqe, block.address, 0, 0);
    operation.context = this;
    // The kernel copies it when it is submitted; it is kept until the end all the same.
    this.#block = block;
    this.#hold = operation;
    this.#scheduler.setReferenced(operation, this.#referenced.size > 0);
  }

  /** @internal */
  onLetGo(result: number): void {
    this.#hold = null;
    if (this.#scheduler.failure !== null) {
      for (const bell of this.#bells.values()) bell.onSilence();
      return;
    }
    if (this.#block !== null) this.#pool.give(this.#block);
    this.#block = null;
    if (this.#bells.size === 0 || this.#scheduler.isStopped) return;
    // Hung again while the last hold was being canceled; or 68 years are over.
    this.#holdOn();
    if (result === -ETIME) for (const bell of this.#bells.values()) bell.onRing();
  }
}

function onLetGo(result: number, _flags: number, operation: Operation): void {
  (operation.context as Doorbell).onLetGo(result);
}

function onRang(result: number, _flags: number, operation: Operation): void {
  (operation.context as Ringer).onRang(result);
}
