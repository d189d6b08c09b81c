/**
 * A file on Node's own `fs`, for when there is no ring: the same answers, by the thread pool.
 */

import { constants } from 'node:fs';
import { lstat, open, readFile, realpath, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { ENOENT, EXDEV } from '../../native/abi.ts';
import { closedError, ignoreCompletion, systemError } from '../../runtime/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { TransferOptions } from '../file.ts';
import { AppendLog } from './append-log.ts';
import type { AppendSync } from './append-log.ts';
import { validateTransfer } from './arguments.ts';
import type { PathLike, WholeRead, WholeWrite } from './arguments.ts';
import type { FileStats } from './file-stats.ts';
import { NodeAppendTarget } from './node-append.ts';

export class NodeFile {
  readonly #runtime: Runtime;
  readonly #handle: FileHandle;
  readonly #path: PathLike;
  #closing: Promise<void> | null = null;
  /** Made with the first append. */
  #log: AppendLog | null = null;
  #appending = 0;
  #onAppended: (() => void) | null = null;

  private constructor(runtime: Runtime, handle: FileHandle, path: PathLike) {
    this.#runtime = runtime;
    runtime.resources.add(this);
    this.#handle = handle;
    this.#path = path;
  }

  static async open(
    runtime: Runtime,
    path: PathLike,
    flags: number,
    mode: number,
  ): Promise<NodeFile> {
    return new NodeFile(runtime, await open(path, flags, mode), path);
  }

  /** Node's thread pool waits for devices by interrupts. */
  get polling(): false {
    return false;
  }

  get fd(): number {
    return this.#handle.fd;
  }

  /** What openat2(2) does with `RESOLVE_BENEATH`, as well as it can be done with paths. */
  async openBeneath(path: PathLike, flags: number): Promise<NodeFile> {
    this.#requireOpen();
    const wanted = path.toString();
    try {
      const target = await resolveBeneath(await this.#realPath(), wanted, flags);
      return await NodeFile.open(this.#runtime, target, flags, 0o666);
    } catch (error) {
      const { errno } = error as { errno?: number };
      if (errno === undefined) throw error;
      throw systemError(errno, 'open', { path: wanted });
    }
  }

  /** Where it is now; without `/proc`, where it was. */
  async #realPath(): Promise<string> {
    const link = `/proc/self/fd/${this.#handle.fd}`;
    return await realpath(link).catch(() => realpath(this.#path));
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

  async append(bytes: Uint8Array, sync: AppendSync): Promise<number> {
    this.#requireOpen();
    this.#log ??= new AppendLog(new NodeAppendTarget(this.#handle));
    this.#appending += 1;
    try {
      return await this.#log.append(bytes, sync);
    } finally {
      this.#appending -= 1;
      if (this.#appending === 0) this.#onAppended?.();
    }
  }

  async truncate(size: number): Promise<void> {
    this.#requireOpen();
    await this.#handle.truncate(size);
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
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#appending > 0) {
      await new Promise<void>((resolve) => {
        this.#onAppended = resolve;
      });
    }
    try {
      await this.#handle.close();
    } finally {
      this.#runtime.resources.delete(this);
    }
  }

  destroy(): void {
    this.close().catch(ignoreCompletion);
  }

  #requireOpen(): void {
    if (this.#runtime.isClosed) throw closedError('runtime');
    if (this.#closing !== null) throw closedError('file');
  }
}

/** Reads a whole file by the thread pool. */
export async function readWholeOnNode(
  runtime: Runtime,
  path: PathLike,
  { flags, encoding, signal }: WholeRead,
): Promise<Buffer | string> {
  if (runtime.isClosed) throw closedError('runtime');
  const options = { flag: flags as unknown as string, encoding: encoding ?? null };
  return await untilAborted(readFile(path, signal ? { ...options, signal } : options), signal);
}

/** Writes a whole file by the thread pool. */
export async function writeWholeOnNode(
  runtime: Runtime,
  path: PathLike,
  { data, flags, mode, flush, signal }: WholeWrite,
): Promise<void> {
  if (runtime.isClosed) throw closedError('runtime');
  // Node takes the number 0 for no flags at all.
  const flag = flags === 0 ? 'r' : (flags as unknown as string);
  const options = { flag, mode, flush };
  await untilAborted(writeFile(path, data, signal ? { ...options, signal } : options), signal);
}

/** Node says that something was aborted; who aborted it said why. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await work;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Where a relative path leads, if it leads nowhere outside of `root`. */
async function resolveBeneath(root: string, path: string, flags: number): Promise<string> {
  if (path === '') throw systemError(-ENOENT, 'open');
  const isOut = isAbsolute(path) || normalize(path).split(sep)[0] === '..';
  if (isOut) throw systemError(-EXDEV, 'open');
  const target = await resolveTarget(join(root, path), flags);
  const inside = root.endsWith(sep) ? root : root + sep;
  if (target !== root && !target.startsWith(inside)) throw systemError(-EXDEV, 'open');
  return target;
}

/** The real path, or that of the folder where a file that is missing will be created. */
async function resolveTarget(path: string, flags: number): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const isMissing = (error as { errno?: number }).errno === -ENOENT;
    if (!isMissing) throw error;
    const target = join(await realpath(dirname(path)), basename(path));
    const found = await lstat(target).catch(() => null);
    // A link that leads nowhere: what it would create may be anywhere.
    if (found?.isSymbolicLink() === true) throw systemError(-EXDEV, 'open');
    if ((flags & constants.O_CREAT) === 0) throw error;
    return target;
  }
}
