/**
 * Byte ranges as in RFC 9110 section 14: one range, counted from the start or from the end.
 *
 * Pure. A request for several ranges, and one that is not well-formed, gets the whole file: a
 * server may ignore what it does not support, and clients must cope.
 */

/** A part of a file; never empty. */
export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/**
 * Resolves a `Range` header against the size of a file: the part to send, `'unsatisfiable'` for
 * 416, or `null` for the whole file.
 */
export function resolveRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | null {
  const list = header === undefined ? null : /^\s*bytes\s*=(.*)$/i.exec(header);
  if (list === null) return null;
  const specs = (list[1] ?? '').split(',').filter((spec) => spec.trim() !== '');
  if (specs.length !== 1) return null;
  const spec = /^\s*(\d*)-(\d*)\s*$/.exec(specs[0] ?? '');
  if (spec === null) return null;
  const [, first = '', last = ''] = spec;
  if (first === '') return last === '' ? null : resolveSuffix(Number(last), size);
  return resolveFirstToLast(Number(first), last === '' ? Infinity : Number(last), size);
}

/** Formats the `Content-Range` header of a 206. */
export function formatContentRange({ start, length }: ByteRange, size: number): string {
  return `bytes ${start}-${start + length - 1}/${size}`;
}

function resolveSuffix(count: number, size: number): ByteRange | 'unsatisfiable' | null {
  if (count === 0) return 'unsatisfiable';
  // The last bytes of an empty file are the whole of it, which Content-Range cannot express.
  if (size === 0) return null;
  const length = Math.min(count, size);
  return { start: size - length, length };
}

function resolveFirstToLast(
  first: number,
  last: number,
  size: number,
): ByteRange | 'unsatisfiable' | null {
  if (last < first) return null;
  if (first >= size) return 'unsatisfiable';
  return { start: first, length: Math.min(last, size - 1) - first + 1 };
}
