/**
 * File: an open file, on the ring or on Node's own `fs`. This is the class that programs hold; the
 * two ways of doing its work are in `files/`.
 */

import { invalidArgType, runtime } from '../runtime/index.ts';
import type { PollMode } from '../runtime/index.ts';
import type { FileStats } from './files/file-stats.ts';
import { NodeFile, readWholeOnNode, writeWholeOnNode } from './files/node-file.ts';
import { openOrWait } from './files/fifo-open.ts';
import { openRingFileBeneath } from './files/ring-open.ts';
import type { RingFile } from './files/ring-file.ts';
import {
  DIRECT,
  validateAppend,
  validateMode,
  validateOpenFlags,
  validateOpenOptions,
  validatePath,
  validateReadWhole,
  validateSize,
  validateWriteWhole,
} from './files/arguments.ts';
import type { OpenOptions, PathLike } from './files/arguments.ts';
import { readWholeFile, readWholeText, writeWholeFile } from './files/whole-file.ts';

/** Where and how much of a file is transferred. */
export interface TransferOptions {
  /**
   * First byte of the buffer that is used.
   * @defaultValue 0
   */
  offset?: number;
  /**
   * Bytes to transfer.
   * @defaultValue what the buffer holds behind `offset`
   */
  length?: number;
  /**
   * Where in the file, in bytes; `null` is the file's current position, which then moves.
   * @defaultValue null
   */
  position?: number | null;
  /** Aborting it cancels the operation; the promise rejects once the kernel has let go. */
  signal?: AbortSignal;
}

/** What an append waits for. */
export interface AppendOptions {
  /**
   * What is on the disk when the promise resolves: `'data'`, with the metadata that is needed to
   * read it, as after fdatasync(2); `'full'`, with all metadata, as after fsync(2); or `false`,
   * nothing in particular.
   * @defaultValue false
   */
  sync?: 'data' | 'full' | false;
}

/** How a whole file is read. */
export interface ReadWholeOptions {
  /**
   * As in `fs.open`.
   * @defaultValue 'r'
   */
  flags?: string | number;
  /** What to decode it with; without one the result is a `Buffer`. */
  encoding?: BufferEncoding;
  /** Aborting it cancels what runs; the promise rejects once the kernel has let go. */
  signal?: AbortSignal;
}

/** How a whole file is written. */
export interface WriteWholeOptions {
  /**
   * As in `fs.open`.
   * @defaultValue 'w'
   */
  flags?: string | number;
  /**
   * Permissions of a file that is created.
   * @defaultValue 0o666
   */
  mode?: number;
  /**
   * Whether data and metadata are on the disk when the promise resolves. The name of a file that
   * was created may not be, until its directory is synced.
   * @defaultValue false
   */
  flush?: boolean;
  /** Aborting it cancels what runs; what was written by then stays in the file. */
  signal?: AbortSignal;
}

/**
 * An open file.
 *
 * Operations may run at the same time. A buffer belongs to the kernel until the promise settles:
 * do not read, change or transfer it meanwhile. `close()` waits for what is in flight.
 *
 * @example
 * ```ts
 * import { File } from 'onering';
 *
 * const file = await File.open('package.json');
 * const buffer = Buffer.alloc(64);
 * const count = await file.read(buffer, { position: 0 });
 * console.log(count); // 64
 * await file.close();
 * ```
 * @see https://man7.org/linux/man-pages/man2/open.2.html
 */
export class File {
  readonly #inner: RingFile | NodeFile;

  private constructor(inner: RingFile | NodeFile) {
    this.#inner = inner;
  }

  /**
   * Opens a file.
   *
   * @param path - a string, `Buffer` or `file:` URL.
   * @param flags - as in `fs.open`: `'r'`, `'w+'`, or `O_*` as a number; or options that say more.
   * @param mode - permissions of a file that is created.
   * @returns the open file.
   * @throws `ENOENT`, `EACCES` and what else open(2) names, `EINVAL` for `direct` on a file system
   *   without it; `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_OUT_OF_RANGE` for bad
   *   arguments; `ERR_RUNTIME_CLOSED`.
   * @example
   * ```ts
   * import { File } from 'onering';
   *
   * await using file = await File.open('package.json', 'r');
   * console.log((await file.stat()).isFile()); // true
   * ```
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_openat.3.html
   */
  static async open(path: PathLike, flags?: string | number, mode?: number): Promise<File>;
  static async open(path: PathLike, options: OpenOptions): Promise<File>;
  static async open(
    path: PathLike,
    how: string | number | OpenOptions = 'r',
    mode = 0o666,
  ): Promise<File> {
    const encoded = validatePath(path, 'path');
    if (typeof how === 'object' && how !== null) return await File.#openWith(path, encoded, how);
    const openFlags = validateOpenFlags(how, 'flags');
    validateMode(mode, 'mode');
    const { engine } = runtime();
    if (engine === null) return new File(await NodeFile.open(runtime(), path, openFlags, mode));
    return new File(await openOrWait(runtime(), encoded, openFlags, mode));
  }

  static async #openWith(path: PathLike, encoded: Buffer, options: OpenOptions): Promise<File> {
    const { flags, mode, isDirect, poll } = validateOpenOptions(options);
    if (runtime().engine === null) {
      return new File(await NodeFile.open(runtime(), path, flags, mode));
    }
    const directFlag = isDirect ? DIRECT : 0;
    const inner = await openOrWait(runtime(), encoded, flags | directFlag, mode);
    try {
      if (isDirect) await inner.useDirect(poll);
    } catch (error) {
      inner.destroy();
      throw error;
    }
    return new File(inner);
  }

  /**
   * Opens a file below a directory and nowhere else: a path that leads out of it, by `..`, by an
   * absolute path or by a symbolic link, is refused with `EXDEV`.
   *
   * @param root - an open directory.
   * @param path - relative to it.
   * @param flags - as for `open`.
   * @returns the open file.
   * @throws `EXDEV` when the path leads out, `ELOOP` for too many links, and as `open` does.
   * @example
   * ```ts
   * import { File } from 'onering';
   *
   * const root = await File.open('.');
   * const file = await File.openBeneath(root, 'package.json');
   * await file.close();
   * await root.close();
   * ```
   * @see https://man7.org/linux/man-pages/man2/openat2.2.html
   */
  static async openBeneath(
    root: File,
    path: PathLike,
    flags: string | number = 'r',
  ): Promise<File> {
    const encoded = validatePath(path, 'path');
    const openFlags = validateOpenFlags(flags, 'flags');
    if (!(root instanceof File)) throw invalidArgType('root', 'an instance of File', root);
    const inner = root.#inner;
    if (inner instanceof NodeFile) return new File(await inner.openBeneath(path, openFlags));
    return new File(await openRingFileBeneath(inner, encoded, openFlags));
  }

  /**
   * How the device is polled for this file: what was asked for with `poll`, or `false` where the
   * device or the kernel cannot. That the device cannot shows with the first transfer.
   */
  get polling(): PollMode | false {
    return this.#inner.polling;
  }

  /**
   * Reads a file from its first byte to its end, opening and closing it on the way.
   *
   * Small files take one submission: open, read and close are linked in the kernel. Pipes, devices
   * and files of `/proc` are read to their end as well.
   *
   * @param path - a string, `Buffer` or `file:` URL.
   * @param options - flags, an encoding, an abort signal.
   * @returns the content: a `Buffer` of the caller's own, or text if there is an encoding.
   * @throws `ENOENT`, `EACCES` and what else open(2) names; `EISDIR`, `EIO` and what else read(2)
   *   names; `ERR_FS_FILE_TOO_LARGE` beyond 2 GiB; the signal's reason.
   * @example
   * ```ts
   * import { File } from 'onering';
   *
   * const { name } = JSON.parse(await File.readWhole('package.json', { encoding: 'utf8' }));
   * console.log(typeof name); // string
   * ```
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_openat_direct.3.html
   */
  static readWhole(
    path: PathLike,
    options: ReadWholeOptions & { encoding: BufferEncoding },
  ): Promise<string>;
  static readWhole(
    path: PathLike,
    options?: ReadWholeOptions & { encoding?: undefined },
  ): Promise<Buffer>;
  static async readWhole(path: PathLike, options: ReadWholeOptions = {}): Promise<Buffer | string> {
    const encoded = validatePath(path, 'path');
    const wanted = validateReadWhole(options);
    wanted.signal?.throwIfAborted();
    const ring = runtime();
    if (ring.engine === null) return await readWholeOnNode(ring, path, wanted);
    const { flags, encoding, signal } = wanted;
    if (encoding === undefined) return await readWholeFile(ring, encoded, flags, signal);
    return await readWholeText(ring, encoded, flags, encoding, signal);
  }

  /**
   * Writes a file from its first byte, opening and closing it on the way. With the flags `'w'` what
   * it held before is gone first, also when the write fails then.
   *
   * Up to 1 MiB takes one submission: open, write, sync and close are linked in the kernel.
   *
   * @param path - a string, `Buffer` or `file:` URL.
   * @param data - text, which is written as UTF-8, or bytes, which belong to the kernel until the
   *   promise settles.
   * @param options - flags, a mode, whether to sync, an abort signal.
   * @throws `EACCES` and what else open(2) names; `ENOSPC`, `EIO` and what else write(2) and
   *   fsync(2) name; the signal's reason.
   * @example
   * ```ts
   * import { tmpdir } from 'node:os';
   * import { File } from 'onering';
   *
   * const path = `${tmpdir()}/onering-example-${process.pid}`;
   * await File.writeWhole(path, 'kept', { flush: true });
   * console.log(await File.readWhole(path, { encoding: 'latin1' })); // kept
   * ```
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_openat_direct.3.html
   */
  static async writeWhole(
    path: PathLike,
    data: string | NodeJS.ArrayBufferView,
    options: WriteWholeOptions = {},
  ): Promise<void> {
    const encoded = validatePath(path, 'path');
    const wanted = validateWriteWhole(data, options);
    wanted.signal?.throwIfAborted();
    const ring = runtime();
    if (ring.engine === null) await writeWholeOnNode(ring, path, wanted);
    else await writeWholeFile(ring, { path: encoded, ...wanted });
  }

  /** The descriptor, or -1 when closed. */
  get fd(): number {
    return this.#inner.fd;
  }

  /**
   * Reads into a buffer.
   *
   * @param buffer - where to; it belongs to the kernel until the promise settles.
   * @param options - which part of the buffer and of the file, and an abort signal.
   * @returns bytes read: fewer than asked for at the end of the file, 0 behind it.
   * @throws `EISDIR`, `EBADF` and what else read(2) names; `ERR_FILE_CLOSED`; the signal's reason.
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_read.3.html
   */
  read(buffer: NodeJS.ArrayBufferView, options: TransferOptions = {}): Promise<number> {
    return this.#inner.read(buffer, options);
  }

  /**
   * Writes a buffer.
   *
   * @param buffer - what to write; it belongs to the kernel until the promise settles.
   * @param options - which part of the buffer, where in the file, and an abort signal.
   * @returns bytes written: fewer than asked for when the disk or a limit is full.
   * @throws `ENOSPC`, `EBADF` and what else write(2) names; `ERR_FILE_CLOSED`; the signal's reason.
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_write.3.html
   */
  write(buffer: NodeJS.ArrayBufferView, options: TransferOptions = {}): Promise<number> {
    return this.#inner.write(buffer, options);
  }

  /**
   * Writes at the end of the file, all of it, for logs and journals.
   *
   * Calls are written in their order. Those that come while a write and its sync are under way go
   * together with the next ones: sixty-four writers that wait for the disk share one sync.
   *
   * A sync that fails fails every append that it covered, and every later one: the kernel reports
   * lost pages once, and a second sync would succeed without them. Open the file again and see what
   * it holds. When the disk is full, what was torn off is cut away again, and appending may be
   * tried again later.
   *
   * @param data - text, which is written as UTF-8, or bytes, which belong to the kernel until the
   *   promise settles.
   * @param options - what to wait for.
   * @returns the position of the first byte, if nobody else writes to the file.
   * @throws `ENOSPC`, `EIO` and what else write(2) and fdatasync(2) name; `ERR_APPEND_UNSAFE` after
   *   a failure that leaves it unknown what the file holds; `ERR_FILE_CLOSED`.
   * @example
   * ```ts
   * import { tmpdir } from 'node:os';
   * import { File } from 'onering';
   *
   * await using log = await File.open(`${tmpdir()}/onering-log-${process.pid}`, 'w+');
   * const positions = await Promise.all(
   *   ['one ', 'two ', 'three'].map((entry) => log.append(entry, { sync: 'data' })),
   * );
   * console.log(positions.join(' ')); // 0 4 8
   * ```
   * @see https://man7.org/linux/man-pages/man2/pwritev2.2.html
   */
  async append(
    data: string | NodeJS.ArrayBufferView,
    options: AppendOptions = {},
  ): Promise<number> {
    const { bytes, sync } = validateAppend(data, options);
    return await this.#inner.append(bytes, sync);
  }

  /**
   * Cuts the file off, or extends it with zeros.
   *
   * @param size - the size that it has then.
   * @throws `EINVAL` for a file that was opened for reading only and what else ftruncate(2) names;
   *   `ERR_FILE_CLOSED`.
   * @see https://man7.org/linux/man-pages/man2/ftruncate.2.html
   */
  async truncate(size = 0): Promise<void> {
    await this.#inner.truncate(validateSize(size, 'size'));
  }

  /**
   * Waits until the file's data and metadata are on the disk.
   *
   * @throws `EIO`, `ENOSPC` and what else fsync(2) names; `ERR_FILE_CLOSED`.
   * @see https://man7.org/linux/man-pages/man3/io_uring_prep_fsync.3.html
   */
  sync(): Promise<void> {
    return this.#inner.sync();
  }

  /**
   * Waits until the file's data, and the metadata needed to read it, are on the disk.
   *
   * @throws as `sync`.
   * @see https://man7.org/linux/man-pages/man2/fdatasync.2.html
   */
  datasync(): Promise<void> {
    return this.#inner.datasync();
  }

  /**
   * Reads size, times and mode.
   *
   * @returns the same fields and methods as `fs.Stats`.
   * @throws `ERR_FILE_CLOSED`.
   * @see https://man7.org/linux/man-pages/man2/statx.2.html
   */
  stat(): Promise<FileStats> {
    return this.#inner.stat();
  }

  /**
   * Waits for what is in flight, then closes. A second call returns the first one's promise.
   *
   * @throws `EIO` and what else close(2) names; the descriptor is gone all the same.
   */
  close(): Promise<void> {
    return this.#inner.close();
  }

  /**
   * Keeps the file open until something that uses its descriptor is over.
   * @internal
   */
  async useDescriptor<T>(use: (fd: number) => Promise<T>): Promise<T> {
    const inner = this.#inner;
    if (inner instanceof NodeFile) return await use(inner.fd);
    inner.requireOpen();
    return await inner.during(() => use(inner.fd));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
