/**
 * NAPI busy poll: before a wait sleeps, the kernel itself polls the device queues that the ring's
 * sockets receive from (`IORING_REGISTER_NAPI`, Linux 6.9+). Not the busy wait of `busy-wait.ts`,
 * which looks at shared memory and needs no device.
 *
 *   dynamic   the kernel learns the queues as sockets are polled, and forgets them after a minute
 *   static    (6.13+) queues are listed: learned here from `SO_INCOMING_NAPI_ID` of descriptors in
 *             use, counted, and taken off the list with the last descriptor that used them
 *
 * A queue's id is known once something has arrived. Loopback has none: then it cannot work, and a
 * warning says so once.
 */

import {
  EEXIST,
  ENOENT,
  IO_URING_NAPI_REGISTER_OP,
  IO_URING_NAPI_STATIC_ADD_ID,
  IO_URING_NAPI_STATIC_DEL_ID,
  IO_URING_NAPI_TRACKING_DYNAMIC,
  IO_URING_NAPI_TRACKING_STATIC,
  IORING_REGISTER_NAPI,
  SO_INCOMING_NAPI_ID,
  SOL_SOCKET,
  writeNapi,
  errnoName,
} from '../native/index.ts';
import type { DirectCalls } from './direct-calls.ts';
import { codedError, systemError } from './errors.ts';
import type { Metrics } from './metrics.ts';
import { integer } from './options.ts';
import type { ResolvedOptions } from './options.ts';
import type { Ring } from './ring.ts';

/** What a descriptor has that need not be asked for its queue any more. */
const SETTLED = -1;
const ID_MAX = 2 ** 31 - 1;

/**
 * Busy polling of network devices by one runtime: see the option `napi` and `Runtime.napi`.
 *
 * @example
 * ```ts
 * import { runtime } from 'onering';
 *
 * const ring = runtime();
 * if (ring.backend === 'uring') {
 *   console.log(ring.napi.tracking, ring.napi.ids.length); // inactive 0
 * }
 * ```
 * @see https://man7.org/linux/man-pages/man3/io_uring_register_napi.3.html
 */
export class Napi {
  /** How the kernel knows which queues to poll; `'inactive'` if not asked for, or refused. */
  readonly tracking: 'dynamic' | 'static' | 'inactive';
  /** How long a wait polls before it sleeps. */
  readonly busyPollMicros: number;
  /** Whether interrupts of the queues are put off meanwhile. */
  readonly prefer: boolean;
  /** Why it is inactive although the option asks for it; `null` otherwise. */
  readonly reason: string | null;
  readonly #ring: Ring;
  readonly #calls: DirectCalls;
  readonly #metrics: Metrics;
  /** How many descriptors use each queue. */
  readonly #users = new Map<number, number>();
  /** Queues that the program listed itself. */
  readonly #byHand = new Set<number>();
  #isAnyIdSeen = false;
  #hasWarned = false;
  #isOver = false;

  /** @internal */
  constructor(ring: Ring, calls: DirectCalls, metrics: Metrics, wanted: ResolvedOptions['napi']) {
    this.#ring = ring;
    this.#calls = calls;
    this.#metrics = metrics;
    this.busyPollMicros = wanted?.busyPollMicros ?? 0;
    this.prefer = wanted?.prefer ?? false;
    const isStatic = wanted?.tracking === 'static';
    const tracking = isStatic ? IO_URING_NAPI_TRACKING_STATIC : IO_URING_NAPI_TRACKING_DYNAMIC;
    const result = wanted === null ? 0 : this.#register(IO_URING_NAPI_REGISTER_OP, tracking);
    this.tracking = wanted === null || result < 0 ? 'inactive' : wanted.tracking;
    this.reason = result < 0 ? refusal(result, isStatic) : null;
    if (this.reason !== null) warnUnavailable(this.reason);
  }

  /** The queues on the list, in static tracking; the kernel does not tell those it has learned. */
  get ids(): number[] {
    return [...new Set([...this.#users.keys(), ...this.#byHand])];
  }

  /**
   * Lists a queue by hand, whether a socket uses it or not. The kernel does not look whether it
   * exists.
   *
   * @param id - as `SO_INCOMING_NAPI_ID` tells it.
   * @returns whether it was not listed by hand before.
   * @throws `ERR_NAPI_NOT_STATIC` in any other tracking; `ERR_OUT_OF_RANGE`; `EINVAL` for a number
   *   below the smallest id.
   */
  add(id: number): boolean {
    this.#requireStatic(id);
    if (this.#byHand.has(id)) return false;
    if (!this.#users.has(id)) this.#list(id);
    this.#byHand.add(id);
    return true;
  }

  /**
   * Takes a queue that was listed by hand off the list, unless sockets use it as well.
   *
   * @param id - what `add` was given.
   * @returns whether it was listed by hand.
   * @throws as `add`.
   */
  delete(id: number): boolean {
    this.#requireStatic(id);
    if (!this.#byHand.delete(id)) return false;
    if (!this.#users.has(id)) this.#unlist(id);
    return true;
  }

  /**
   * Learns the queue of a descriptor that receives. Returns what `leave` takes: 0 asks for another
   * call once something has arrived.
   * @internal
   */
  join(fd: number): number {
    if (this.tracking === 'inactive') return SETTLED;
    // The kernel learns by itself; all there is to find out is whether it can.
    if (this.tracking === 'dynamic' && (this.#isAnyIdSeen || this.#hasWarned)) return SETTLED;
    const id = this.#calls.getOption(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID);
    if (id <= 0) return id === 0 ? 0 : SETTLED;
    this.#isAnyIdSeen = true;
    if (this.tracking === 'dynamic') return SETTLED;
    const users = this.#users.get(id) ?? 0;
    if (users === 0 && !this.#byHand.has(id) && this.#tryList(id) < 0) return SETTLED;
    this.#users.set(id, users + 1);
    return id;
  }

  /**
   * The same for one that had no queue at first, after its first bytes: now it has one, or never.
   * @internal
   */
  joinLate(fd: number): number {
    const id = this.join(fd);
    if (id !== 0) return id;
    this.#metrics.napiSocketsWithoutId += 1;
    if (!this.#hasWarned) {
      this.#hasWarned = true;
      process.emitWarning(
        'NAPI busy poll does nothing for a socket that received data from no device queue: ' +
          'loopback has none, nor have some virtual devices (veth needs GRO)',
        { code: 'ONERING_NAPI_NO_ID' },
      );
    }
    return SETTLED;
  }

  /**
   * A descriptor is about to be closed.
   * @internal
   */
  leave(id: number): void {
    if (this.#isOver) return;
    const users = this.#users.get(id);
    if (users === undefined) return;
    if (users > 1) {
      this.#users.set(id, users - 1);
      return;
    }
    this.#users.delete(id);
    if (!this.#byHand.has(id)) this.#unlist(id);
  }

  /**
   * The ring is about to be closed, and its list goes with it.
   * @internal
   */
  end(): void {
    this.#isOver = true;
  }

  #requireStatic(id: number): void {
    integer(id, 'id', undefined, 1, ID_MAX);
    if (this.tracking === 'static') return;
    throw codedError(
      'ERR_NAPI_NOT_STATIC',
      `NAPI ids are listed with tracking: 'static' only, this runtime's is '${this.tracking}'`,
    );
  }

  #list(id: number): void {
    const result = this.#tryList(id);
    if (result < 0) throw systemError(result, 'io_uring_register');
  }

  #tryList(id: number): number {
    const result = this.#register(IO_URING_NAPI_STATIC_ADD_ID, id);
    if (result < 0 && result !== -EEXIST) return result;
    this.#metrics.napiIdsAdded += 1;
    return 0;
  }

  #unlist(id: number): void {
    const result = this.#register(IO_URING_NAPI_STATIC_DEL_ID, id);
    if (result >= 0 || result === -ENOENT) this.#metrics.napiIdsRemoved += 1;
  }

  /** Mirrors io_uring_register_napi(3). Linux 6.9+, lists 6.13+. */
  #register(opcode: number, parameter: number): number {
    const { scratch } = this.#ring;
    writeNapi(scratch.buffer, 0, {
      busyPollMicros: this.busyPollMicros,
      preferBusyPoll: this.prefer,
      opcode,
      parameter,
    });
    return this.#ring.register(IORING_REGISTER_NAPI, scratch.address, 1);
  }
}

function refusal(result: number, isStatic: boolean): string {
  const since = isStatic ? "Linux 6.13 for tracking: 'static'" : 'Linux 6.9';
  return `The kernel refuses NAPI busy poll (${errnoName(-result)}): it needs ${since}`;
}

/** Says once a runtime that the option `napi` has no effect. */
export function warnUnavailable(reason: string): void {
  process.emitWarning(reason, { code: 'ONERING_NAPI_UNAVAILABLE' });
}
