/**
 * Appending to a file on the ring: a write linked to its sync, so that the kernel begins the one
 * when the other is done. `RWF_APPEND` (Linux 4.16+) has each write begin at the end of the file,
 * whoever else writes to it.
 *
 *   write ──link──▶ fdatasync      a short write cancels the sync; what is left is written again
 */

import {
  ECANCELED,
  EINTR,
  EIO,
  IORING_FSYNC_DATASYNC,
  IOSQE_ASYNC,
  IOSQE_IO_LINK,
  prepFsync,
  prepWrite,
  RWF_APPEND,
  setSqeFlags,
  setSqeOpFlags,
} from '../../native/abi.ts';
import { promiseOf, systemError } from '../../runtime/index.ts';
import type { Engine, Operation } from '../../runtime/index.ts';
import type { Appended, AppendSync, AppendTarget } from './append-log.ts';
import type { RingFile } from './ring-file.ts';
import { sizeOfOpen } from './size-of.ts';
import { truncateOpen } from './truncate-open.ts';

/** From here on a kernel worker copies, and not the loop. */
const ASYNC_SIZE = 256 * 1024;
/** The largest write(2). */
const WRITE_SIZE_MAX = 0x7ffff000;

/** What one submission came to: counts, or `-errno`. */
interface Step {
  readonly count: number;
  readonly synced: number;
}

export class RingAppendTarget implements AppendTarget {
  readonly #file: RingFile;

  constructor(file: RingFile) {
    this.#file = file;
  }

  size(): Promise<number> {
    return sizeOfOpen(this.#file.runtime, this.#file.fd);
  }

  truncate(size: number): Promise<void> {
    return truncateOpen(this.#file.runtime, this.#file.fd, size);
  }

  async appendBytes(bytes: Uint8Array, sync: AppendSync): Promise<Appended> {
    const engine = this.#file.runtime.requireEngine();
    const { mayShareHeap, pool, addresses } = engine;
    if (bytes.length === 0 || mayShareHeap) {
      const address = bytes.length === 0 ? 0 : addresses.of(bytes);
      return await this.#appendAll(engine, { keep: bytes, address, size: bytes.length }, sync);
    }
    const block = pool.take(bytes.length);
    block.bytes.set(bytes);
    const memory = { keep: block, address: block.address, size: bytes.length };
    try {
      return await this.#appendAll(engine, memory, sync);
    } finally {
      pool.give(block);
    }
  }

  async #appendAll(engine: Engine, { keep, address, size }: Memory, sync: AppendSync) {
    let written = 0;
    for (;;) {
      const left = { keep, address: address + written, size: size - written };
      const { cutCount } = engine.ring;
      const { count, synced } = await this.#step(engine, left, sync);
      if (count < 0 && count !== -EINTR) return failed(written, count);
      // The kernel never does that to a file; for ever is no answer if it does.
      if (count === 0 && left.size > 0) return failed(written, -EIO);
      written += Math.max(count, 0);
      if (synced < 0 && synced !== -ECANCELED) {
        const syncError = systemError(synced, sync === 'full' ? 'fsync' : 'fdatasync');
        return { written, writeError: null, syncError };
      }
      // Cut in two by the kernel, the sync may have begun before the write was over.
      const isSynced = synced >= 0 && engine.ring.cutCount === cutCount;
      if (written === size && (sync === false || isSynced)) {
        return { written, writeError: null, syncError: null };
      }
    }
  }

  /** Begins a write and the sync behind it, as one chain, and waits for both. */
  async #step(engine: Engine, memory: Memory, sync: AppendSync): Promise<Step> {
    const { scheduler } = engine;
    const { sqe } = scheduler;
    const { fd } = this.#file;
    scheduler.reserve(2);
    let counting: Promise<number> | number = 0;
    if (memory.size > 0) {
      const size = Math.min(memory.size, WRITE_SIZE_MAX);
      const writing = scheduler.begin(settleRaw, 'write');
      writing.keep = memory.keep;
      prepWrite(sqe, fd, memory.address, size, 0);
      setSqeOpFlags(sqe, RWF_APPEND);
      if (size >= ASYNC_SIZE) setSqeFlags(sqe, IOSQE_ASYNC);
      if (sync !== false) setSqeFlags(sqe, IOSQE_IO_LINK);
      counting = promiseOf<number>(writing);
    }
    let syncing: Promise<number> | number = sync === false ? 0 : -ECANCELED;
    if (sync !== false) {
      const operation = scheduler.begin(settleRaw, 'fsync');
      prepFsync(sqe, fd, sync === 'data' ? IORING_FSYNC_DATASYNC : 0);
      syncing = promiseOf<number>(operation);
    }
    const [count, synced] = await Promise.all([counting, syncing]);
    return { count, synced };
  }
}

/** What is still to be written, and what keeps it alive. */
interface Memory {
  readonly keep: unknown;
  readonly address: number;
  readonly size: number;
}

function failed(written: number, result: number): Appended {
  return { written, writeError: systemError(result, 'write'), syncError: null };
}

/** Resolves to the result as it is: what it means depends on the other one. */
function settleRaw(result: number, _flags: number, operation: Operation): void {
  operation.resolve?.(result as never);
}
