/**
 * Whole files on the ring, read and written by one submission each. Arguments have been validated;
 * how it is done is in `read-chain.ts` and `write-chain.ts`, how many at a time in `chain-gate.ts`.
 */

import type { Runtime } from '../../runtime/index.ts';
import { ChainGate } from './chain-gate.ts';
import { ReadChain } from './read-chain.ts';
import { WriteChain } from './write-chain.ts';
import type { WriteRequest } from './write-chain.ts';

export type { WriteRequest } from './write-chain.ts';

/**
 * Reads a file from its first byte to its end. The memory is the caller's own.
 *
 * Errors are those of open(2), with the path, and of read(2), with or without as the running Node
 * has it: `EISDIR` for a directory.
 * An abort rejects with the signal's reason, after the kernel has let go.
 */
export function readWholeFile(
  runtime: Runtime,
  path: Buffer,
  flags: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  return begin(runtime, path, flags, undefined, signal) as Promise<Buffer>;
}

/** The same, decoded: small files without a `Buffer` in between. */
export function readWholeText(
  runtime: Runtime,
  path: Buffer,
  flags: number,
  encoding: BufferEncoding,
  signal?: AbortSignal,
): Promise<string> {
  return begin(runtime, path, flags, encoding, signal) as Promise<string>;
}

/**
 * Opens a file with `flags`, writes all of `data` to it, has it on the disk if that was asked for,
 * and closes it. The data is the kernel's until the promise settles.
 *
 * Errors are those of open(2), with the path, and of write(2), fsync(2) and close(2), without.
 */
export function writeWholeFile(runtime: Runtime, request: WriteRequest): Promise<void> {
  const gate = ChainGate.of(runtime);
  const chain = new WriteChain(runtime, gate, request);
  gate.enter(chain);
  return chain.promise;
}

function begin(
  runtime: Runtime,
  path: Buffer,
  flags: number,
  encoding: BufferEncoding | undefined,
  signal: AbortSignal | undefined,
): Promise<Buffer | string> {
  const gate = ChainGate.of(runtime);
  const chain = new ReadChain(runtime, gate, { path, flags, signal, encoding });
  gate.enter(chain);
  return chain.promise;
}
