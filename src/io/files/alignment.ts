/**
 * What `O_DIRECT` asks of a transfer: memory, length and place in the file are multiples of sizes
 * that the file system and the device decide. The kernel says `EINVAL` and no more; here the error
 * names the argument, before anything is submitted.
 */

import { invalidArgValue } from '../../runtime/index.ts';

/** Multiples in bytes; 1 where the kernel does not tell (before Linux 6.1). */
export interface Alignment {
  /** Of the memory's address. */
  readonly memory: number;
  /** Of the length, and of the position in the file. */
  readonly offset: number;
}

/** Throws `ERR_INVALID_ARG_VALUE` for a transfer that the kernel would refuse. */
export function validateAlignment(
  alignment: Alignment,
  address: number,
  length: number,
  position: number,
): void {
  const { memory, offset } = alignment;
  if (address % memory !== 0) {
    const hint = 'memory of runtime().buffers.allocate() always is';
    const wanted = `must begin at a multiple of ${memory} in memory for direct I/O: ${hint}`;
    throw invalidArgValue('buffer', `address 0x${address.toString(16)}`, wanted);
  }
  const multiple = `must be a multiple of ${offset} for direct I/O on this file`;
  if (length % offset !== 0) throw invalidArgValue('length', length, multiple);
  if (position > 0 && position % offset !== 0)
    throw invalidArgValue('position', position, multiple);
}
