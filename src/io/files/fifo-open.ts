/**
 * Opening a file as open(2) does, FIFOs included: each end waits for the other.
 *
 * The kernel tries an open on a ring without waiting first. A FIFO is then open for reading at
 * once, and would seem to be at its end; for writing it is refused. So a worker opens it again and
 * waits. Meanwhile the first descriptor stays open, because a writer may have come for it already:
 * its bytes, or its having left, end the wait as well.
 */

import {
  ENXIO,
  F_GETPIPE_SZ,
  IOSQE_ASYNC,
  O_ACCMODE,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  SEEK_CUR,
} from '../../native/abi.ts';
import { closedError, SystemError } from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { RingFile } from './ring-file.ts';
import { openRingFile } from './ring-open.ts';

/** `open(2)` for reading only, which waits for a writer where the file is a FIFO. */
export function awaitsWriter(flags: number): boolean {
  return (flags & (O_ACCMODE | O_NONBLOCK)) === O_RDONLY;
}

/** Opens a file on the ring; the path has been validated and has no NUL. */
export async function openOrWait(
  runtime: Runtime,
  path: Buffer,
  flags: number,
  mode: number,
): Promise<RingFile> {
  const kind = flags & (O_ACCMODE | O_NONBLOCK);
  try {
    const file = await openRingFile(runtime, path, flags, mode);
    if (!awaitsWriter(flags) || !isPipe(runtime, file.fd)) return file;
    return await withWriter(runtime, file, path, flags);
  } catch (error) {
    const isWithoutReader = error instanceof SystemError && error.errno === -ENXIO;
    if (!isWithoutReader || kind !== O_WRONLY) throw error;
    return await openRingFile(runtime, path, flags, mode, { sqeFlags: IOSQE_ASYNC });
  }
}

/** Two calls that are over at once; a file that can seek needs one. */
export function isPipe(runtime: Runtime, fd: number): boolean {
  const { calls } = runtime.requireEngine();
  return calls.seek(fd, 0, SEEK_CUR) < 0 && calls.fcntl(fd, F_GETPIPE_SZ, 0) >= 0;
}

/**
 * Waits for the writer of a FIFO that was opened for reading without; what is returned is `first`,
 * or the file in its place.
 */
export async function withWriter(
  runtime: Runtime,
  first: RingFile,
  path: Buffer,
  flags: number,
): Promise<RingFile> {
  const controller = new AbortController();
  const { signal } = controller;
  const opening = openRingFile(runtime, path, flags, 0, { sqeFlags: IOSQE_ASYNC, signal });
  const opened = opening.catch(() => null);
  const noticed = first.readable(signal).then(nothing, nothing);
  // A second open that fails, for want of descriptors or of the path by now, is no writer.
  const waited = opened.then((second) => (second === null ? noticed : undefined));
  await Promise.race([waited, noticed]);
  // Whichever is still waiting.
  controller.abort();
  const second = await opened;
  await noticed;
  if (runtime.isClosed) throw closedError('runtime');
  if (second === null) return first;
  await first.close();
  return second;
}

function nothing(): void {}
