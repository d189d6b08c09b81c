/**
 * Opening on the ring: paths, flags and modes that are plain, to a `RingDescriptor`.
 *
 * The kernel first tries an open without waiting. A FIFO is then open for reading at once, where
 * open(2) waits for a writer: see `fifo-open.ts`. For writing it says `ENXIO`, and is opened once
 * more by a kernel worker, which may wait.
 */

import {
  AT_FDCWD,
  ECANCELED,
  ENXIO,
  IOSQE_ASYNC,
  O_ACCMODE,
  O_CLOEXEC,
  O_NONBLOCK,
  O_WRONLY,
  prepOpenat,
  setSqeFlags,
} from '../../native/abi.ts';
import { closedError, fsError, promiseOf } from '../../runtime/index.ts';
import type { Block, Operation, Runtime } from '../../runtime/index.ts';
import { openFlags } from '../files/arguments.ts';
import { awaitsWriter, isPipe, withWriter } from '../files/fifo-open.ts';
import { RingFile } from '../files/ring-file.ts';
import { pathSizeMax, shownPath, writePath } from './plain-path.ts';
import type { PlainPath } from './plain-path.ts';
import { RingDescriptor } from './ring-descriptor.ts';

/** Permissions of a file that is created, before the umask. */
const MODE_DEFAULT = 0o666;
const MODE_MAX = 2 ** 32 - 1;

/** What the kernel says inside, and through a ring also outside, of an open that was canceled. */
const ERESTARTSYS = 512;

/** What to open, recognized as plain. */
export class OpenRequest {
  readonly path: PlainPath;
  readonly flags: number;
  readonly mode: number;

  constructor(path: PlainPath, flags: number, mode: number) {
    this.path = path;
    this.flags = flags;
    this.mode = mode;
  }

  /** Recognizes flags and mode; `undefined` means that Node has to judge them. */
  static of(path: PlainPath, flags: unknown, mode: unknown): OpenRequest | undefined {
    const plainFlags = openFlags(flags);
    // A ring waits for what would block, also where the file was opened not to.
    if (plainFlags === undefined || (plainFlags & O_NONBLOCK) !== 0) return undefined;
    const plainMode = mode === undefined || mode === null ? MODE_DEFAULT : mode;
    if (typeof plainMode !== 'number' || !Number.isInteger(plainMode)) return undefined;
    if (plainMode < 0 || plainMode > MODE_MAX) return undefined;
    return new OpenRequest(path, plainFlags, plainMode);
  }
}

/** Opens a file on the ring. */
export function openDescriptor(runtime: Runtime, request: OpenRequest): Promise<RingDescriptor> {
  return promiseOf(begin(runtime, request, 0));
}

/** Who waits for a descriptor. */
class Opening {
  readonly runtime: Runtime;
  readonly request: OpenRequest;
  readonly sqeFlags: number;

  constructor(runtime: Runtime, request: OpenRequest, sqeFlags: number) {
    this.runtime = runtime;
    this.request = request;
    this.sqeFlags = sqeFlags;
  }
}

function begin(runtime: Runtime, request: OpenRequest, sqeFlags: number): Operation {
  const { scheduler, pool } = runtime.requireEngine();
  const { path, flags, mode } = request;
  const block = pool.take(pathSizeMax(path));
  writePath(block, 0, path);
  const operation = scheduler.begin(settleOpen, 'open');
  operation.keep = block;
  operation.context = new Opening(runtime, request, sqeFlags);
  operation.makesDescriptor = true;
  prepOpenat(scheduler.sqe, AT_FDCWD, block.address, flags | O_CLOEXEC, mode);
  if (sqeFlags !== 0) setSqeFlags(scheduler.sqe, sqeFlags);
  return operation;
}

function settleOpen(result: number, _flags: number, operation: Operation): void {
  const opening = operation.context as Opening;
  const { runtime, request } = opening;
  runtime.engine?.pool.give(operation.keep as Block);
  if (result >= 0 && runtime.isClosed) {
    runtime.engine?.calls.close(result);
    operation.reject?.(closedError('runtime'));
  } else if (result >= 0) {
    opened(runtime, request, result, operation);
  } else if (isFifoWithoutReader(result, opening)) {
    const again = begin(runtime, request, IOSQE_ASYNC);
    again.resolve = operation.resolve;
    again.reject = operation.reject;
  } else {
    const reason = result === -ERESTARTSYS ? -ECANCELED : result;
    operation.reject?.(fsError(reason, 'open', shownPath(request.path)));
  }
}

function opened(runtime: Runtime, request: OpenRequest, fd: number, operation: Operation): void {
  // Before it is looked at: a worker may end in between.
  runtime.engine?.own(fd);
  if (awaitsWriter(request.flags) && isPipe(runtime, fd)) {
    // The record is somebody else's by then.
    const { resolve, reject } = operation;
    openedFifo(runtime, request, fd).then(
      (descriptor) => resolve?.(descriptor as never),
      (error: unknown) => reject?.(error),
    );
  } else {
    operation.resolve?.(new RingDescriptor(runtime, fd) as never);
  }
}

/** Waits for a writer. */
async function openedFifo(
  runtime: Runtime,
  { path, flags }: OpenRequest,
  fd: number,
): Promise<RingDescriptor> {
  const bytes = typeof path === 'string' ? Buffer.from(path) : Buffer.from(path);
  const file = await withWriter(runtime, new RingFile(runtime, fd), bytes, flags);
  return new RingDescriptor(runtime, file.handOver());
}

/** Once only: a device that is missing says the same again. */
function isFifoWithoutReader(result: number, { runtime, request, sqeFlags }: Opening): boolean {
  if (result !== -ENXIO || sqeFlags !== 0 || runtime.isClosed) return false;
  return (request.flags & O_ACCMODE) === O_WRONLY;
}
