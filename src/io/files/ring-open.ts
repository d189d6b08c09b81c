/**
 * Opening a `RingFile`: by its path, or below an open directory and nowhere else. Paths and flags
 * have been validated.
 *
 * The path is the kernel's until the open is over. A descriptor that arrives while the runtime
 * closes is closed at once, and one that has arrived belongs to the engine before anything else
 * happens: a worker may end in between.
 */

import {
  AT_FDCWD,
  O_CLOEXEC,
  O_CREAT,
  OPEN_HOW_SIZE,
  prepOpenat,
  prepOpenat2,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  setSqeFlags,
  writeOpenHow,
} from '../../native/abi.ts';
import {
  bindSignal,
  closedError,
  promiseOf,
  systemError,
  unbindSignal,
} from '../../runtime/index.ts';
import type { Block, Engine, Operation, Runtime } from '../../runtime/index.ts';
import { RingFile } from './ring-file.ts';

/** Permissions of a file that is created, before the umask. */
const MODE_DEFAULT = 0o666;

/** Who waits for a descriptor. */
interface Opening {
  readonly runtime: Runtime;
  readonly engine: Engine;
}

/** A descriptor that arrives while the runtime closes is closed at once. */
function settleDescriptor(result: number, _flags: number, operation: Operation): void {
  const { engine, runtime } = operation.context as Opening;
  const { signal } = operation;
  const isAborted = signal !== null && unbindSignal(operation);
  if (result >= 0 && (isAborted || runtime.isClosed)) engine.calls.close(result);
  if (isAborted) {
    operation.reject?.(signal.reason);
  } else if (result >= 0 && runtime.isClosed) {
    operation.reject?.(closedError('runtime'));
  } else if (result < 0) {
    operation.reject?.(systemError(result, 'open', { path: operation.path }));
  } else {
    // Before the file that will own it is made: a worker may end in between.
    engine.own(result);
    operation.resolve?.(result as never);
  }
}

/** How to submit an open. */
export interface OpenHow {
  /** `IOSQE_ASYNC` has a worker wait for the other end of a FIFO. */
  readonly sqeFlags: number;
  readonly signal?: AbortSignal;
}

/**
 * Opens a file on the ring; the path has been validated and has no NUL. A FIFO does not wait for
 * its other end, unless a worker opens it: see `fifo-open.ts`.
 */
export async function openRingFile(
  runtime: Runtime,
  path: Buffer,
  flags: number,
  mode: number,
  how?: OpenHow,
): Promise<RingFile> {
  const engine = runtime.requireEngine();
  const { scheduler, pool } = engine;
  const block = pool.take(path.length + 1);
  block.bytes.set(path);
  block.bytes[path.length] = 0;
  const operation = beginOpen(runtime, path);
  prepOpenat(scheduler.sqe, AT_FDCWD, block.address, flags | O_CLOEXEC, mode);
  if (how !== undefined) {
    setSqeFlags(scheduler.sqe, how.sqeFlags);
    if (how.signal !== undefined) bindSignal(scheduler, operation, how.signal);
  }
  return await finishOpen(runtime, operation, block);
}

/** Opens a file below an open directory, and nowhere else. Linux 5.6+. */
export async function openRingFileBeneath(
  root: RingFile,
  path: Buffer,
  flags: number,
): Promise<RingFile> {
  const engine = root.runtime.requireEngine();
  root.requireOpen();
  const { scheduler, pool } = engine;
  const block = pool.take(OPEN_HOW_SIZE + path.length + 1);
  writeOpenHow(block.bytes, 0, {
    flags: flags | O_CLOEXEC,
    // The kernel refuses a mode where nothing can be created.
    mode: (flags & O_CREAT) === 0 ? 0 : MODE_DEFAULT,
    resolve: RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
  });
  block.bytes.set(path, OPEN_HOW_SIZE);
  block.bytes[OPEN_HOW_SIZE + path.length] = 0;
  const operation = beginOpen(root.runtime, path);
  prepOpenat2(scheduler.sqe, root.fd, block.address + OPEN_HOW_SIZE, block.address);
  return await root.during(() => finishOpen(root.runtime, operation, block));
}

function beginOpen(runtime: Runtime, path: Buffer): Operation {
  const engine = runtime.requireEngine();
  const operation = engine.scheduler.begin(settleDescriptor, 'open');
  const opening: Opening = { runtime, engine };
  operation.context = opening;
  operation.makesDescriptor = true;
  operation.path = path.toString();
  return operation;
}

async function finishOpen(runtime: Runtime, operation: Operation, block: Block): Promise<RingFile> {
  const { pool } = runtime.requireEngine();
  operation.keep = block;
  try {
    const fd = await promiseOf<number>(operation);
    return new RingFile(runtime, fd);
  } finally {
    pool.give(block);
  }
}
