/**
 * Reading the rest of an open file on the ring: of known size into one buffer, of unknown size
 * (`/proc`, pipes, devices) in pieces until the end. Files that have a path are read whole by
 * `files/whole-file.ts`; both take the options that are recognized here.
 *
 * A file that shrinks meanwhile gives what is there, one that grows what it had. An abort is
 * honored between the pieces and during each: the kernel is asked to give it up, and the promise
 * rejects when it has let go.
 */

import * as node from 'node:fs/promises';
import { devNull } from 'node:os';
import { S_IFMT, S_IFREG } from '../../native/abi.ts';
import type { Block } from '../../runtime/index.ts';
import { CURRENT_POSITION, settleWithCount } from './ring-descriptor.ts';
import type { RingDescriptor } from './ring-descriptor.ts';
import { statsOf } from './stats.ts';

/** Node's own limit; the function of Node that is called instead throws the error. */
const FILE_SIZE_MAX = 2 ** 31 - 1;
/** Pieces of a file whose size is known: large enough for kernel workers, small enough to abort. */
const PIECE_SIZE = 1024 * 1024;
/** Pieces of a file whose size is not known, as in Node. */
const UNKNOWN_PIECE_SIZE = 64 * 1024;

/** How to read, recognized as plain. */
export interface ReadOptions {
  readonly encoding: BufferEncoding | null;
  readonly flag: unknown;
  readonly signal: AbortSignal | undefined;
}

/** Recognizes what `readFile` takes as options; `undefined` means that Node has to judge them. */
export function plainReadOptions(options: unknown): ReadOptions | undefined {
  const given = typeof options === 'string' ? { encoding: options } : (options ?? {});
  if (typeof given !== 'object') return undefined;
  const { encoding, flag, signal, buffer } = given as Record<string, unknown>;
  const text = plainEncoding(encoding);
  if (text === undefined || buffer !== undefined || !isPlainSignal(signal)) return undefined;
  return { encoding: text, flag: flag === '' ? undefined : flag, signal };
}

/** `null` is none, `undefined` one that Node has to judge. */
export function plainEncoding(encoding: unknown): BufferEncoding | null | undefined {
  if (encoding === undefined || encoding === null) return null;
  const isKnown = typeof encoding === 'string' && Buffer.isEncoding(encoding);
  return isKnown ? encoding : undefined;
}

/** Whether there is a signal that has not been aborted, or none. */
export function isPlainSignal(signal: unknown): signal is AbortSignal | undefined {
  return signal === undefined || (signal instanceof AbortSignal && !signal.aborted);
}

/** Rejects with Node's `AbortError`, which has no public constructor. */
export function rejectAborted(signal: AbortSignal): Promise<never> {
  return node.readFile(devNull, { signal }) as Promise<never>;
}

/** What is read, or `null` where the file is too large for Node as well. */
export async function readDescriptor(
  descriptor: RingDescriptor,
  { encoding, signal }: ReadOptions,
): Promise<Buffer | string | null> {
  try {
    const { size, isRegular } = await descriptor.stat(extentOf);
    if (size > FILE_SIZE_MAX) return null;
    const isKnown = isRegular && size > 0;
    const content = await (isKnown
      ? readSize(descriptor, size, signal)
      : readToEnd(descriptor, signal));
    return encoding === null ? content : content.toString(encoding);
  } catch (error) {
    if (signal?.aborted === true) return await rejectAborted(signal);
    throw error;
  }
}

interface Extent {
  readonly size: number;
  readonly isRegular: boolean;
}

function extentOf(block: Block): Extent {
  const { size, mode } = statsOf(block);
  const isRegular = (mode & S_IFMT) === S_IFREG;
  return { size: isRegular ? size : 0, isRegular };
}

/** From the current position, which need not be the beginning. */
async function readSize(
  descriptor: RingDescriptor,
  size: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const content = descriptor.allocate(size);
  let total = 0;
  while (total < size) {
    signal?.throwIfAborted();
    const length = Math.min(size - total, PIECE_SIZE);
    const count = await readPiece(descriptor, content, total, length, CURRENT_POSITION, signal);
    if (count === 0) break;
    total += count;
  }
  return total === size ? content : content.subarray(0, total);
}

/** No size to go by: pieces until one is empty. */
async function readToEnd(
  descriptor: RingDescriptor,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (;;) {
    signal?.throwIfAborted();
    const piece = Buffer.allocUnsafeSlow(UNKNOWN_PIECE_SIZE);
    const count = await readPiece(descriptor, piece, 0, piece.length, CURRENT_POSITION, signal);
    if (count === 0) {
      return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
    }
    pieces.push(piece.subarray(0, count));
  }
}

function readPiece(
  descriptor: RingDescriptor,
  content: Buffer,
  offset: number,
  length: number,
  position: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  return descriptor.read(settleWithCount, content, offset, length, position, signal);
}
