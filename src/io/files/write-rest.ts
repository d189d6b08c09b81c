/**
 * Writing data to a file that was just opened until all of it is written: short writes are resumed,
 * and an error ends it, with what was written before it left in the file.
 *
 * At positions counted here, because the kernel's own stays behind after a short write (see
 * `write-cursor.ts`). What has none, as a pipe, and what appends, takes no notice of them.
 */

import { EINTR, EIO } from '../../native/abi.ts';
import { systemError, SystemError } from '../../runtime/index.ts';
import type { RingFile } from './ring-file.ts';

/** One operation writes this much: an abort does not wait for long. */
export const WRITE_PIECE_SIZE: number = 1024 * 1024;

/** What is to be written, and how much of it has been. */
export interface Unwritten {
  readonly data: Uint8Array;
  readonly written: number;
  readonly signal: AbortSignal | undefined;
}

/** Writes what is left. */
export async function writeRest(file: RingFile, unwritten: Unwritten): Promise<void> {
  const { data, signal } = unwritten;
  let { written } = unwritten;
  signal?.throwIfAborted();
  while (written < data.length) {
    const count = await writeSome(file, data, written, signal);
    // The kernel never does that to a file; for ever is no answer if it does.
    if (count === 0) throw systemError(-EIO, 'write');
    written += count;
  }
}

async function writeSome(
  file: RingFile,
  data: Uint8Array,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const length = Math.min(WRITE_PIECE_SIZE, data.length - offset);
  const part = { offset, length, position: offset };
  const options = signal === undefined ? part : { ...part, signal };
  for (;;) {
    try {
      return await file.write(data, options);
    } catch (error) {
      // A signal for the kernel worker, not for the program: nothing was written.
      if (!(error instanceof SystemError) || error.errno !== -EINTR) throw error;
    }
  }
}
