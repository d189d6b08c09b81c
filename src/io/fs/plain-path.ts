/**
 * Paths that the ring can take as they are: strings, Buffers and `file:` URLs without zero bytes.
 *
 * Everything else is handed to Node's own function, which accepts it or throws what Node throws:
 * so there is no validation here, only recognition.
 */

import { fileURLToPath } from 'node:url';
import type { Block } from '../../runtime/index.ts';

/** What is left of a path argument: text to encode, or bytes. */
export type PlainPath = string | Uint8Array;

/** A UTF-16 unit takes at most three bytes. */
const BYTES_PER_UNIT_MAX = 3;

/** Recognizes a path; `undefined` means that Node has to judge it. */
export function plainPath(path: unknown): PlainPath | undefined {
  if (typeof path === 'string') return path.includes('\0') ? undefined : path;
  if (path instanceof Uint8Array) return path.includes(0) ? undefined : path;
  if (path instanceof URL) return pathOfUrl(path);
  return undefined;
}

function pathOfUrl(url: URL): string | undefined {
  try {
    const path = fileURLToPath(url);
    return path.includes('\0') ? undefined : path;
  } catch {
    // Node throws the same once more, from the function that was called.
    return undefined;
  }
}

/** As it stands in an error. */
export function shownPath(path: PlainPath): string {
  return typeof path === 'string' ? path : Buffer.from(path).toString();
}

/** Bytes that a path may take in a block, with its final zero. */
export function pathSizeMax(path: PlainPath): number {
  return (typeof path === 'string' ? path.length * BYTES_PER_UNIT_MAX : path.length) + 1;
}

/** Writes a path and its final zero, and returns where the next thing may begin. */
export function writePath(block: Block, offset: number, path: PlainPath): number {
  const { bytes } = block;
  let end = offset;
  if (typeof path === 'string') {
    end += bytes.write(path, offset);
  } else {
    bytes.set(path, offset);
    end += path.length;
  }
  bytes[end] = 0;
  return end + 1;
}
