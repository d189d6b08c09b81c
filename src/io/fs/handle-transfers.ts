/**
 * `read`, `readv`, `write` and `writev` of a `FileHandle`, in all the forms that Node takes.
 *
 * Each function recognizes arguments that are plain and begins the operation, or returns `null`:
 * then Node's own method is called, which does it or throws what Node throws.
 *
 * Hot path: nothing is allocated for the usual form, a buffer and three numbers.
 */

import { EINVAL } from '../../native/abi.ts';
import { fsError, isStable } from '../../runtime/index.ts';
import {
  CURRENT_POSITION,
  settleRead,
  settleReadv,
  settleWrite,
  settleWritev,
} from './ring-descriptor.ts';
import { SPLIT_SIZE } from '../files/pieces.ts';
import type { Part, RingDescriptor } from './ring-descriptor.ts';

type View = ArrayBufferView;

/** The largest `read(2)` or `write(2)`. */
const TRANSFER_SIZE_MAX = 0x7ffff000;
/** IOV_MAX: with more buffers Node makes several calls. */
const BUFFER_COUNT_MAX = 1024;
/** What `read()` without a buffer reads into, as in Node. */
const READ_SIZE_DEFAULT = 16_384;

/** `read(buffer, offset, length, position)`, `read(buffer, options)`, `read(options)`, `read()`. */
export function beginRead(
  descriptor: RingDescriptor,
  buffer: unknown,
  offset: unknown,
  length: unknown,
  position: unknown,
): Promise<unknown> | null {
  if (!descriptor.isOpen) return null;
  if (!ArrayBuffer.isView(buffer)) return beginReadWith(descriptor, buffer ?? {}, null);
  if (typeof offset === 'object' && offset !== null) {
    return beginReadWith(descriptor, offset, buffer);
  }
  const from = offset ?? 0;
  if (typeof from !== 'number') return null;
  const count = length ?? buffer.byteLength - from;
  const at = plainPosition(position ?? CURRENT_POSITION);
  if (at === undefined || !isPlainPart(descriptor, buffer, from, count)) return null;
  if ((count as number) >= SPLIT_SIZE) {
    const part = { offset: from, length: count as number, position: at };
    return readLarge(descriptor, buffer, part);
  }
  return descriptor.read(settleRead, buffer, from, count as number, at);
}

async function readLarge(descriptor: RingDescriptor, buffer: View, part: Part): Promise<unknown> {
  const bytesRead = await descriptor.large('read', buffer, part);
  return Object.setPrototypeOf({ bytesRead, buffer }, null);
}

function beginReadWith(
  descriptor: RingDescriptor,
  options: unknown,
  buffer: View | null,
): Promise<unknown> | null {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return null;
  const given = options as Record<string, unknown>;
  const target = buffer ?? given['buffer'] ?? Buffer.alloc(READ_SIZE_DEFAULT);
  // An explicit null is no buffer, and not what the default is for.
  if (!ArrayBuffer.isView(target) || given['buffer'] === null) return null;
  const { offset = 0, length, position } = given;
  if (typeof offset === 'object') return null;
  return beginRead(descriptor, target, offset, length, position);
}

/** `write(buffer, offset, length, position)`, `write(buffer, options)`, `write(text, …)`. */
export function beginWrite(
  descriptor: RingDescriptor,
  data: unknown,
  offset: unknown,
  length: unknown,
  position: unknown,
): Promise<unknown> | null {
  if (!descriptor.isOpen) return null;
  if (typeof data === 'string') return beginWriteText(descriptor, data, offset, length);
  if (!ArrayBuffer.isView(data)) return null;
  let from = offset ?? 0;
  let count = length;
  let at = position;
  if (typeof offset === 'object') {
    // Also null: length and position are then not looked at, as in Node.
    const options = (offset ?? {}) as Record<string, unknown>;
    from = options['offset'] ?? 0;
    count = options['length'];
    at = options['position'];
  }
  if (typeof from !== 'number') return null;
  // What is not a number is no length and no position, as in Node.
  if (typeof count !== 'number') count = data.byteLength - from;
  const to = typeof at === 'number' ? plainPosition(at) : CURRENT_POSITION;
  if (to === undefined || !isPlainPart(descriptor, data, from, count)) return null;
  if ((count as number) >= SPLIT_SIZE) {
    const part = { offset: from, length: count as number, position: to };
    return writeLarge(descriptor, data, part);
  }
  return descriptor.write(settleWrite, data, from, count as number, to);
}

async function writeLarge(descriptor: RingDescriptor, buffer: View, part: Part): Promise<unknown> {
  const bytesWritten = await descriptor.large('write', buffer, part);
  return Object.setPrototypeOf({ bytesWritten, buffer }, null);
}

function beginWriteText(
  descriptor: RingDescriptor,
  text: string,
  position: unknown,
  encoding: unknown,
): Promise<unknown> | null {
  const to = typeof position === 'number' ? plainPosition(position) : CURRENT_POSITION;
  const isKnown = encoding === undefined || encoding === null || encoding === 'utf8';
  if (to === undefined || text === '' || !isKnown) return null;
  const bytes = Buffer.from(text);
  const written = descriptor.write<{ buffer: unknown }>(
    settleWrite,
    bytes,
    0,
    bytes.byteLength,
    to,
  );
  return written.then((result) => {
    // The caller gets what it passed.
    result.buffer = text;
    return result;
  });
}

/** `readv(buffers, position)`. */
export function beginReadv(
  descriptor: RingDescriptor,
  buffers: unknown,
  position: unknown,
): Promise<unknown> | null {
  const at = typeof position === 'number' ? plainPosition(position) : CURRENT_POSITION;
  if (descriptor.isOpen && Array.isArray(buffers) && buffers.length === 0) {
    // Node's binding would reject before it returns, which outside of Node's own callbacks is found
    // unhandled before anybody could handle it.
    return Promise.reject(fsError(-EINVAL, 'read'));
  }
  if (at === undefined || !descriptor.isOpen || !isPlainList(buffers)) return null;
  return descriptor.vector(settleReadv, 'read', buffers, at);
}

/** `writev(buffers, position)`. */
export function beginWritev(
  descriptor: RingDescriptor,
  buffers: unknown,
  position: unknown,
): Promise<unknown> | null {
  const at = typeof position === 'number' ? plainPosition(position) : CURRENT_POSITION;
  if (at === undefined || !descriptor.isOpen || !isPlainList(buffers)) return null;
  return descriptor.vector(settleWritev, 'write', buffers, at);
}

/** Whether the kernel may be shown this part of a buffer, and it is not empty. */
function isPlainPart(
  descriptor: RingDescriptor,
  buffer: View,
  offset: unknown,
  length: unknown,
): boolean {
  if (typeof offset !== 'number' || typeof length !== 'number') return false;
  if (!Number.isInteger(offset) || !Number.isInteger(length)) return false;
  if (offset < 0 || length <= 0 || length > TRANSFER_SIZE_MAX) return false;
  if (offset + length > buffer.byteLength) return false;
  return descriptor.knows(buffer) || isStable(buffer);
}

function isPlainList(buffers: unknown): buffers is View[] {
  if (!Array.isArray(buffers) || buffers.length === 0) return false;
  if (buffers.length > BUFFER_COUNT_MAX) return false;
  return buffers.every((buffer) => ArrayBuffer.isView(buffer) && isStable(buffer));
}

/** `undefined` means that Node has to judge it: a bigint is no position for some Nodes. */
function plainPosition(position: unknown): number | undefined {
  if (typeof position !== 'number' || !Number.isSafeInteger(position)) return undefined;
  return position >= CURRENT_POSITION ? position : undefined;
}
