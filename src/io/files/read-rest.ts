/**
 * Reading an open file to its end, whatever it is: a large file, one that grows or shrinks
 * meanwhile, a pipe, a device, a file of `/proc` whose size is 0.
 *
 * It reads from the current position, one operation after the other, until one gives nothing. The
 * size that the path has is a hint for how much memory to take, and decides nothing else.
 */

import { EINTR } from '../../native/abi.ts';
import { fileTooLarge, SystemError } from '../../runtime/index.ts';
import type { RingFile } from './ring-file.ts';
import { sizeOf } from './size-of.ts';

/** One operation reads this much: an abort does not wait for long, the loop not at all. */
const PIECE_SIZE = 1024 * 1024;
/** Where no size is known. */
const CAPACITY_MIN = 64 * 1024;
/** Node's own limit for a file in one `Buffer`. */
const FILE_SIZE_MAX = 2 ** 31 - 1;

/** What has been read so far, and where from. */
export interface Unfinished {
  readonly path: Buffer;
  /** Content that comes before what is read now. */
  readonly pieces: readonly Buffer[];
  readonly signal: AbortSignal | undefined;
}

/** Reads what is left, and returns the whole. */
export async function readRest(file: RingFile, unfinished: Unfinished): Promise<Buffer> {
  const { path, pieces, signal } = unfinished;
  const head = Buffer.concat(pieces);
  const size = await sizeOf(file.runtime, path);
  if (size > FILE_SIZE_MAX) throw fileTooLarge(size);
  let buffer: Buffer = Buffer.allocUnsafeSlow(Math.max(size, head.length));
  head.copy(buffer);
  let filled = head.length;
  for (;;) {
    if (filled === buffer.length) {
      const more = Buffer.allocUnsafeSlow(CAPACITY_MIN);
      const count = await readSome(file, more, 0, signal);
      if (count === 0) return buffer;
      if (filled + count > FILE_SIZE_MAX) throw fileTooLarge(filled + count);
      buffer = grown(buffer, filled, more.subarray(0, count));
      filled += count;
    } else {
      const count = await readSome(file, buffer, filled, signal);
      if (count === 0) return exactly(buffer, filled);
      filled += count;
    }
  }
}

async function readSome(
  file: RingFile,
  buffer: Buffer,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const length = Math.min(PIECE_SIZE, buffer.length - offset);
  const options = signal === undefined ? { offset, length } : { offset, length, signal };
  for (;;) {
    try {
      return await file.read(buffer, options);
    } catch (error) {
      // A signal for the kernel worker, not for the program: nothing was read.
      if (!(error instanceof SystemError) || error.errno !== -EINTR) throw error;
    }
  }
}

/** Twice the memory, so that bytes are moved a constant number of times. */
function grown(buffer: Buffer, filled: number, more: Buffer): Buffer {
  const capacity = Math.min(
    Math.max(filled + more.length, filled * 2, CAPACITY_MIN),
    FILE_SIZE_MAX,
  );
  const larger = Buffer.allocUnsafeSlow(capacity);
  buffer.copy(larger, 0, 0, filled);
  more.copy(larger, filled);
  return larger;
}

/** Without memory that is much larger than its content. */
function exactly(buffer: Buffer, filled: number): Buffer {
  if (filled === buffer.length) return buffer;
  const copy = Buffer.allocUnsafeSlow(filled);
  buffer.copy(copy, 0, 0, filled);
  return copy;
}
