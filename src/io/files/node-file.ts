/**
 * A file on Node's own `fs`, for when there is no ring: the same answers, by the thread pool.
 */

import { open, realpath } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { closedError, systemError } from '../../runtime/index.ts';
import { EXDEV } from '../../native/abi.ts';
import type { TransferOptions } from '../file.ts';
import { validateTransfer } from './arguments.ts';
import type { PathLike } from './arguments.ts';
import type { FileStats } from './file-stats.ts';

export class NodeFile {
  readonly #handle: FileHandle;
  readonly #path: PathLike;
  #closing: Promise<void> | null = null;

  private constructor(handle: FileHandle, path: PathLike) {
    this.#handle = handle;
    this.#path = path;
  }

  static async open(path: PathLike, flags: number, mode: number): Promise<NodeFile> {
    return new NodeFile(await open(path, flags, mode), path);
  }

  get fd(): number {
    return this.#handle.fd;
  }

  /** What openat2(2) does with `RESOLVE_BENEATH`, as well as it can be done with paths. */
  async openBeneath(path: PathLike, flags: number): Promise<NodeFile> {
    this.#requireOpen();
    const root = await realpath(this.#path);
    const wanted = join(root, path.toString());
    const target = await realpath(wanted);
    if (target !== root && !target.startsWith(root.endsWith(sep) ? root : root + sep)) {
      throw systemError(-EXDEV, 'open', { path: path.toString() });
    }
    return await NodeFile.open(target, flags, 0);
  }

  async read(buffer: NodeJS.ArrayBufferView, options: TransferOptions): Promise<number> {
    const { offset, length, position, signal } = validateTransfer(buffer, options);
    this.#requireOpen();
    signal?.throwIfAborted();
    const at = position === -1 ? null : position;
    const { bytesRead } = await this.#handle.read(buffer, offset, length, at);
    signal?.throwIfAborted();
    return bytesRead;
  }

  async write(buffer: NodeJS.ArrayBufferView, options: TransferOptions): Promise<number> {
    const { offset, length, position, signal } = validateTransfer(buffer, options);
    this.#requireOpen();
    signal?.throwIfAborted();
    const at = position === -1 ? null : position;
    const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    const { bytesWritten } = await this.#handle.write(bytes, offset, length, at);
    signal?.throwIfAborted();
    return bytesWritten;
  }

  async sync(): Promise<void> {
    this.#requireOpen();
    await this.#handle.sync();
  }

  async datasync(): Promise<void> {
    this.#requireOpen();
    await this.#handle.datasync();
  }

  async stat(): Promise<FileStats> {
    this.#requireOpen();
    return await this.#handle.stat();
  }

  close(): Promise<void> {
    this.#closing ??= this.#handle.close();
    return this.#closing;
  }

  #requireOpen(): void {
    if (this.#closing !== null) throw closedError('file');
  }
}
