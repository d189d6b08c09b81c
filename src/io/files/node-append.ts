/**
 * Appending to a file by the thread pool, for when there is no ring.
 */

import type { FileHandle } from 'node:fs/promises';
import type { Appended, AppendSync, AppendTarget } from './append-log.ts';

export class NodeAppendTarget implements AppendTarget {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
  }

  async appendBytes(bytes: Uint8Array, sync: AppendSync): Promise<Appended> {
    let written = 0;
    try {
      // Where it ends now, since not every file was opened with O_APPEND.
      const start = bytes.length === 0 ? 0 : await this.size();
      while (written < bytes.length) {
        const left = bytes.length - written;
        const { bytesWritten } = await this.#handle.write(bytes, written, left, start + written);
        written += bytesWritten;
      }
    } catch (writeError) {
      return { written, writeError, syncError: null };
    }
    try {
      if (sync === 'data') await this.#handle.datasync();
      else if (sync === 'full') await this.#handle.sync();
    } catch (syncError) {
      return { written, writeError: null, syncError };
    }
    return { written, writeError: null, syncError: null };
  }
}
