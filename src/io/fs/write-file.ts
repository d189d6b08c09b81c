/**
 * Writing a whole file to a descriptor on the ring: text, bytes, or what an iterable yields.
 *
 * Short writes are resumed. An abort is honored between the pieces and during each; what was
 * written stays, as in Node.
 */

import { isStable } from '../../runtime/index.ts';
import { isPlainSignal, plainEncoding, rejectAborted } from './read-file.ts';
import { CURRENT_POSITION, settleWithCount } from './ring-descriptor.ts';
import type { RingDescriptor } from './ring-descriptor.ts';

/** Large enough for kernel workers, small enough to abort. */
const PIECE_SIZE = 1024 * 1024;

type View = ArrayBufferView;
type Pieces = Iterable<unknown> | AsyncIterable<unknown>;

/** How to write, recognized as plain. */
export interface WriteOptions {
  readonly encoding: BufferEncoding;
  readonly flag: unknown;
  readonly mode: unknown;
  readonly flush: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Recognizes what `writeFile` takes as options; `undefined` means that Node has to judge them. */
export function plainWriteOptions(options: unknown, flagDefault: string): WriteOptions | undefined {
  const given = typeof options === 'string' ? { encoding: options } : (options ?? {});
  if (typeof given !== 'object') return undefined;
  const { encoding, flag, mode, flush, signal } = given as Record<string, unknown>;
  const text = plainEncoding(encoding);
  if (text === undefined || !isPlainSignal(signal)) return undefined;
  if (flush !== undefined && flush !== null && typeof flush !== 'boolean') return undefined;
  return {
    encoding: text ?? 'utf8',
    flag: flag === undefined || flag === null || flag === '' ? flagDefault : flag,
    mode,
    flush: flush === true,
    signal,
  };
}

/** What there is to write, if it is something that can be written. */
export function plainData(data: unknown, { encoding }: WriteOptions): View | Pieces | undefined {
  if (typeof data === 'string') return Buffer.from(data, encoding);
  if (ArrayBuffer.isView(data)) return isStable(data) ? data : undefined;
  if (typeof data !== 'object' || data === null) return undefined;
  const isIterable = Symbol.asyncIterator in data || Symbol.iterator in data;
  return isIterable ? (data as Pieces) : undefined;
}

/** Writes everything at the current position. */
export async function writeDescriptor(
  descriptor: RingDescriptor,
  data: View | Pieces,
  { encoding, signal }: WriteOptions,
): Promise<void> {
  try {
    signal?.throwIfAborted();
    if (ArrayBuffer.isView(data)) {
      await writeAll(descriptor, data, signal);
      return;
    }
    for await (const piece of data) {
      signal?.throwIfAborted();
      await writeAll(descriptor, bytesOf(piece, encoding), signal);
      signal?.throwIfAborted();
    }
  } catch (error) {
    if (signal?.aborted === true) await rejectAborted(signal);
    throw error;
  }
}

/** What an iterable yields: text, or bytes, copied where the kernel may not be shown them. */
function bytesOf(piece: unknown, encoding: BufferEncoding): View {
  if (!ArrayBuffer.isView(piece)) return Buffer.from(piece as string, encoding);
  if (isStable(piece)) return piece;
  return Buffer.from(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
}

async function writeAll(
  descriptor: RingDescriptor,
  data: View,
  signal: AbortSignal | undefined,
): Promise<void> {
  const size = data.byteLength;
  let total = 0;
  while (total < size) {
    signal?.throwIfAborted();
    const length = Math.min(size - total, PIECE_SIZE);
    const count: number = await descriptor.write(
      settleWithCount,
      data,
      total,
      length,
      CURRENT_POSITION,
      signal,
    );
    total += count;
  }
}
