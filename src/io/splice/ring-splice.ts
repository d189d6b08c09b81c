/**
 * Splicing on the ring: bytes go from a socket or a file into a pipe and from the pipe into a
 * socket, and never into this process.
 *
 *   one round, submitted at once:   POLL source --link--> SPLICE in --hard link--> SPLICE out
 *   what did not fit into the target:                     POLL target --link--> SPLICE out
 *
 * The kernel runs splices on its workers. The sockets are made non-blocking and polled first, so
 * that no worker ever waits for a peer: an idle proxy costs no thread. One round is in flight at a
 * time: a target that is slow slows the source down.
 *
 * Both descriptors are kept open by their owners until `run` is over; the pipe is our own.
 */

import {
  EAGAIN,
  EINTR,
  EINVAL,
  F_SETFL,
  F_SETPIPE_SZ,
  IOSQE_IO_HARDLINK,
  IOSQE_IO_LINK,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDWR,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  prepPollAdd,
  prepSplice,
  setSqeFlags,
  SPLICE_F_MOVE,
  SPLICE_F_NONBLOCK,
} from '../../native/abi.ts';
import { cancelOperation, closedError, promiseOf, systemError } from '../../runtime/index.ts';
import type { Engine, Operation } from '../../runtime/index.ts';
import type { Guest } from '../tcp/guests.ts';

/** Bytes a round, where the system's limits allow a pipe of that size. */
const PIPE_SIZE_WANTED = 256 * 1024;
const PIPE_SIZE_DEFAULT = 64 * 1024;
/** The offset of what has none. */
const NO_OFFSET = -1;
const FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

/** What bytes come from. */
export interface SpliceSource {
  readonly fd: number;
  /** Where in a file to begin; `null` for a socket. */
  readonly offset: number | null;
  /** How many bytes at most. */
  readonly lengthMax: number;
}

/** Hears of bytes that left the source, and of bytes that reached the target. */
export interface SpliceProgress {
  onFilled(count: number): void;
  onEmptied(count: number): void;
}

/** Thrown when the kernel cannot splice from this kind of file, and nothing was moved. */
export class SpliceUnsupported extends Error {}

export class RingSplice implements Guest {
  readonly #engine: Engine;
  readonly #source: SpliceSource;
  readonly #targetFd: number;
  readonly #progress: SpliceProgress;
  readonly #inFlight = new Set<Operation>();
  #readFd = -1;
  #writeFd = -1;
  #pipeSize = PIPE_SIZE_DEFAULT;
  #moved = 0;
  #isCanceled = false;

  constructor(engine: Engine, source: SpliceSource, targetFd: number, progress: SpliceProgress) {
    this.#engine = engine;
    this.#source = source;
    this.#targetFd = targetFd;
    this.#progress = progress;
  }

  /** Moves bytes until the source ends. Resolves to their count, once nothing is in flight. */
  async run(): Promise<number> {
    this.#openPipe();
    try {
      this.#unblock(this.#targetFd);
      if (this.#source.offset === null) this.#unblock(this.#source.fd);
      while (this.#moved < this.#source.lengthMax) {
        if (!(await this.#round())) break;
      }
      return this.#moved;
    } finally {
      // Whatever is left in it was for a target that is gone.
      this.#engine.calls.close(this.#readFd);
      this.#engine.calls.close(this.#writeFd);
    }
  }

  cancel(): void {
    this.#isCanceled = true;
    for (const operation of this.#inFlight) cancelOperation(this.#engine.scheduler, operation);
  }

  /** One pipe's worth. Says whether there may be more. */
  async #round(): Promise<boolean> {
    const { scheduler } = this.#engine;
    const { fd, offset, lengthMax } = this.#source;
    const length = Math.min(this.#pipeSize, lengthMax - this.#moved);
    this.#requireWanted();
    scheduler.reserve(3);
    const polled = offset === null ? this.#poll(fd, POLLIN | POLLRDHUP) : null;
    const filling = this.#begin();
    const from = offset === null ? NO_OFFSET : offset + this.#moved;
    prepSplice(scheduler.sqe, fd, from, this.#writeFd, NO_OFFSET, length, FLAGS);
    // Runs also after a short fill, which would end an ordinary link.
    setSqeFlags(scheduler.sqe, IOSQE_IO_HARDLINK);
    const filled = promiseOf<number>(filling);
    const emptied = this.#empty(length);
    const results = await Promise.all([polled, filled, emptied]);
    return await this.#settle(results[1], results[2]);
  }

  async #settle(filled: number, emptied: number): Promise<boolean> {
    this.#requireWanted();
    if (filled === -EAGAIN || filled === -EINTR) return true;
    if (filled === -EINVAL && this.#moved === 0) throw new SpliceUnsupported();
    if (filled < 0) throw systemError(filled, 'read', { form: 'net' });
    if (filled === 0) return false;
    this.#progress.onFilled(filled);
    let left = filled - this.#count(emptied);
    while (left > 0) {
      this.#requireWanted();
      this.#engine.scheduler.reserve(2);
      const polled = this.#poll(this.#targetFd, POLLOUT);
      const [, result] = await Promise.all([polled, this.#empty(left)]);
      this.#requireWanted();
      left -= this.#count(result);
    }
    this.#moved += filled;
    return true;
  }

  /** Bytes that reached the target; throws where it takes no more. */
  #count(emptied: number): number {
    if (emptied === -EAGAIN || emptied === -EINTR) return 0;
    if (emptied < 0) throw systemError(emptied, 'write', { form: 'net' });
    this.#progress.onEmptied(emptied);
    return emptied;
  }

  #empty(length: number): Promise<number> {
    const { scheduler } = this.#engine;
    const operation = this.#begin();
    const { sqe } = scheduler;
    prepSplice(sqe, this.#readFd, NO_OFFSET, this.#targetFd, NO_OFFSET, length, FLAGS);
    return promiseOf<number>(operation);
  }

  #poll(fd: number, mask: number): Promise<number> {
    const { scheduler } = this.#engine;
    const operation = this.#begin();
    prepPollAdd(scheduler.sqe, fd, mask);
    setSqeFlags(scheduler.sqe, IOSQE_IO_LINK);
    return promiseOf<number>(operation);
  }

  #begin(): Operation {
    const operation = this.#engine.scheduler.begin(settle, 'splice');
    operation.context = this.#inFlight;
    this.#inFlight.add(operation);
    return operation;
  }

  #requireWanted(): void {
    if (this.#isCanceled) throw closedError('socket');
  }

  #openPipe(): void {
    const { calls } = this.#engine;
    const pipe = calls.pipe(O_CLOEXEC);
    if (typeof pipe === 'number') throw systemError(pipe, 'pipe');
    this.#readFd = pipe.readFd;
    this.#writeFd = pipe.writeFd;
    this.#engine.own(pipe.readFd);
    this.#engine.own(pipe.writeFd);
    // Refused over the user's limit for pipes: then it keeps its size.
    const size = calls.fcntl(pipe.writeFd, F_SETPIPE_SZ, PIPE_SIZE_WANTED);
    if (size > 0) this.#pipeSize = size;
  }

  /** Sockets stay so: the ring's own receives and sends do not mind. */
  #unblock(fd: number): void {
    this.#engine.calls.fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
  }
}

/** Resolves to the kernel's result, whatever it is. */
function settle(result: number, _flags: number, operation: Operation): void {
  (operation.context as Set<Operation>).delete(operation);
  operation.resolve?.(result as never);
}
