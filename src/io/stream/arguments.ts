/**
 * Arguments that all streams take: bytes to write, and abort signals. Node's codes and words.
 */

import { invalidArgType, validateBuffer } from '../../runtime/index.ts';

/** The bytes of what a user writes. */
export function bytesOf(data: unknown): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  validateBytes(data);
  return data;
}

/** Throws unless it is memory that the kernel may be shown. */
export function validateBytes(data: unknown): asserts data is Uint8Array {
  if (!(data instanceof Uint8Array)) {
    throw invalidArgType('data', 'of type string or an instance of Buffer or Uint8Array', data);
  }
  validateBuffer(data, 'data');
}

/** Checks an optional signal. */
export function validateSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw invalidArgType('options.signal', 'an instance of AbortSignal', signal);
}
