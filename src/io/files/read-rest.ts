/**
 * Reading an open file to its end, whatever it is: a large file, one that grows or shrinks
 * meanwhile, a pipe, a device, a file of `/proc` whose size is 0.
 *
 * Until a read gives nothing: the size that the path has is a hint for how much memory to take, and
 * how much to read in several pieces at once. What has no positions, as a pipe, is read from where
 * it is, one operation after the other.
 */

import { EINTR, ESPIPE } from '../../native/abi.ts';
import { fileTooLarge, SystemError } from '../../runtime/index.ts';
import { CopyShare } from './copy-share.ts';
import { allocateFresh } from './fresh-memory.ts';
import { inPieces, LANES_MAX } from './pieces.ts';
import type { RingFile } from './ring-file.ts';
import { sizeOf } from './size-of.ts';

/** One operation reads this much at most: an abort does not wait for long, the loop not at all. */
const READ_SIZE_MAX = 1024 * 1024;
/** From wherever the file is. */
const CURRENT_POSITION = null;
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
  const engine = file.runtime.requireEngine();
  let buffer = allocateFresh(engine, Math.max(size, head.length));
  head.copy(buffer);
  const ahead = await readAhead(file, buffer, head.length, signal);
  const hasPositions = ahead >= 0;
  let filled = head.length + Math.max(ahead, 0);
  for (;;) {
    const position = hasPositions ? filled : CURRENT_POSITION;
    if (filled === buffer.length) {
      const more = Buffer.allocUnsafeSlow(CAPACITY_MIN);
      const count = await readSome(
        file,
        more,
        { offset: 0, length: more.length, position },
        signal,
      );
      if (count === 0) return buffer;
      if (filled + count > FILE_SIZE_MAX) throw fileTooLarge(filled + count);
      buffer = grown(buffer, filled, more.subarray(0, count));
      filled += count;
    } else {
      const length = Math.min(READ_SIZE_MAX, buffer.length - filled);
      const count = await readSome(file, buffer, { offset: filled, length, position }, signal);
      if (count === 0) return exactly(buffer, filled);
      filled += count;
    }
  }
}

/** Fills the buffer as far as there is something. Returns -1 for what has no positions. */
async function readAhead(
  file: RingFile,
  buffer: Buffer,
  filled: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const length = buffer.length - filled;
  if (length === 0) return -1;
  const transfer = (offset: number, size: number): Promise<number> => {
    const at = filled + offset;
    return readSome(file, buffer, { offset: at, length: size, position: at }, signal);
  };
  try {
    return await CopyShare.of(file.runtime.requireEngine()).whileLarge(() =>
      inPieces({ length, lanes: LANES_MAX, signal, transfer }),
    );
  } catch (error) {
    if (error instanceof SystemError && error.errno === -ESPIPE) return -1;
    throw error;
  }
}

interface Part {
  readonly offset: number;
  readonly length: number;
  readonly position: number | null;
}

async function readSome(
  file: RingFile,
  buffer: Buffer,
  part: Part,
  signal: AbortSignal | undefined,
): Promise<number> {
  const options = signal === undefined ? part : { ...part, signal };
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
