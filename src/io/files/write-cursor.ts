/**
 * Where a file's current position is after a write there that came up short.
 *
 * When a disk is full, or a limit is reached, in the middle of a write, the kernel has a worker try
 * the rest; that fails, the operation completes with what was written, and the position stays where
 * it was before (`kiocb_done`, seen on 6.18). The next write at the current position would
 * overwrite what the first one wrote. So the position is looked up before, and moved on after a
 * short one.
 *
 * It follows one write at a time: who has several in flight at the current position cannot tell
 * where they go anyway.
 */

import { F_GETFL, O_APPEND, SEEK_CUR, SEEK_END, SEEK_SET } from '../../native/abi.ts';
import type { Engine, Operation } from '../../runtime/index.ts';

export class WriteCursor {
  #writing: Operation | null = null;
  #start = 0;
  #length = 0;

  /** A write at the current position begins; nothing of it has been submitted. */
  begin(engine: Engine, fd: number, writing: Operation, length: number): void {
    if (this.#writing !== null) return;
    this.#start = engine.calls.seek(fd, 0, SEEK_CUR);
    // What cannot seek has no position to lose.
    if (this.#start < 0) return;
    this.#writing = writing;
    this.#length = length;
  }

  /** A write is over, this one or another. */
  end(engine: Engine, fd: number, writing: Operation, result: number): void {
    if (writing !== this.#writing) return;
    this.#writing = null;
    if (result <= 0 || result >= this.#length) return;
    if (engine.calls.seek(fd, 0, SEEK_CUR) !== this.#start) return;
    const flags = engine.calls.fcntl(fd, F_GETFL, 0);
    if (flags >= 0 && (flags & O_APPEND) !== 0) engine.calls.seek(fd, 0, SEEK_END);
    else engine.calls.seek(fd, this.#start + result, SEEK_SET);
  }
}
