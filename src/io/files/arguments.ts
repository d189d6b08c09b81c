/**
 * Paths, flags, modes and ranges as Node takes them: one parser each, with Node's codes.
 */

import { constants } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  boolean,
  integer,
  invalidArgType,
  invalidArgValue,
  outOfRange,
  validateBuffer,
  validateNames,
  validateObject,
} from '../../runtime/index.ts';
import type { PollMode } from '../../runtime/index.ts';
import type { AppendOptions, ReadWholeOptions, TransferOptions } from '../file.ts';
import type { WriteWholeOptions } from '../file.ts';
import type { AppendSync } from './append-log.ts';

/** What Node accepts as a path. */
export type PathLike = string | Buffer | URL;

/** The largest `read(2)` or `write(2)`. */
const TRANSFER_SIZE_MAX = 0x7ffff000;

/** Encodes a path, without the final NUL. */
export function validatePath(path: unknown, name: string): Buffer {
  let encoded: Buffer;
  if (typeof path === 'string') encoded = Buffer.from(path);
  else if (path instanceof URL) encoded = Buffer.from(fileURLToPath(path));
  else if (path instanceof Uint8Array) encoded = Buffer.from(path);
  else throw invalidArgType(name, 'of type string or an instance of Buffer or URL', path);
  if (encoded.includes(0)) {
    const shown = path instanceof URL ? encoded.toString() : path;
    throw invalidArgValue(name, shown, 'must be a string, Uint8Array, or URL without null bytes');
  }
  return encoded;
}

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } = constants;

/** Undefined on systems that have no such thing. */
export const DIRECT: number = constants.O_DIRECT ?? 0;

const FLAGS: Readonly<Record<string, number>> = {
  r: O_RDONLY,
  rs: O_RDONLY | O_SYNC,
  sr: O_RDONLY | O_SYNC,
  'r+': O_RDWR,
  'rs+': O_RDWR | O_SYNC,
  'sr+': O_RDWR | O_SYNC,
  w: O_TRUNC | O_CREAT | O_WRONLY,
  wx: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
  xw: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
  'w+': O_TRUNC | O_CREAT | O_RDWR,
  'wx+': O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  'xw+': O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  a: O_APPEND | O_CREAT | O_WRONLY,
  ax: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
  xa: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
  as: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
  sa: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
  'a+': O_APPEND | O_CREAT | O_RDWR,
  'ax+': O_APPEND | O_CREAT | O_RDWR | O_EXCL,
  'xa+': O_APPEND | O_CREAT | O_RDWR | O_EXCL,
  'as+': O_APPEND | O_CREAT | O_RDWR | O_SYNC,
  'sa+': O_APPEND | O_CREAT | O_RDWR | O_SYNC,
};

/** Recognizes `'r+'` and its kind, and `O_*` numbers; `undefined` for anything else. */
export function openFlags(flags: unknown): number | undefined {
  if (flags === undefined || flags === null) return O_RDONLY;
  if (typeof flags === 'number') return flags === (flags | 0) ? flags : undefined;
  return typeof flags === 'string' && Object.hasOwn(FLAGS, flags) ? FLAGS[flags] : undefined;
}

/** Turns `'r+'` and its kind, or `O_*` numbers, into `O_*`. */
export function validateOpenFlags(flags: unknown, name: string): number {
  if (typeof flags === 'number') return integer(flags, name, undefined, -(2 ** 31), 2 ** 31 - 1);
  if (flags === undefined || flags === null) return O_RDONLY;
  const isKnown = typeof flags === 'string' && Object.hasOwn(FLAGS, flags);
  const known = isKnown ? FLAGS[flags] : undefined;
  if (known === undefined) throw invalidArgValue(name, flags, 'is invalid');
  return known;
}

/** How a file is opened. */
export interface OpenOptions {
  /**
   * As in `fs.open`: `'r'`, `'w+'`, or `O_*` as a number.
   * @defaultValue 'r'
   */
  flags?: string | number;
  /**
   * Permissions of a file that is created.
   * @defaultValue 0o666
   */
  mode?: number;
  /**
   * Past the page cache (`O_DIRECT`): memory, length and position of every transfer must be
   * aligned, which is checked before it is submitted. Not every file system has it. Without a
   * ring it goes through the page cache, since memory of Node's is not aligned.
   * @defaultValue false
   */
  direct?: boolean;
  /**
   * How to wait for the device, with `direct`. `'busy'` spins; `'hybrid'` (Linux 6.13+) sleeps for
   * half of the device's usual time first; `false` is interrupted, as usual. Reads and writes that
   * are polled cannot be aborted, and a thread with one in flight uses a whole core. Where the
   * device has no poll queues, or the kernel not this way of polling, it is interrupted:
   * `file.polling` says what is in use.
   * @defaultValue false
   */
  poll?: PollMode | false;
}

/** Open options with every default filled in. */
export interface ResolvedOpenOptions {
  readonly flags: number;
  readonly mode: number;
  /** Whether to open it with `O_DIRECT`, which `flags` may or may not have. */
  readonly isDirect: boolean;
  readonly poll: PollMode | false;
}

/** Checks how a file is to be opened. */
export function validateOpenOptions(options: OpenOptions): ResolvedOpenOptions {
  validateObject(options, 'options');
  validateNames(options, 'options', ['flags', 'mode', 'direct', 'poll']);
  const flags = validateOpenFlags(options.flags, 'options.flags');
  const isDirect = boolean(options.direct, 'options.direct', (flags & DIRECT) !== 0);
  const { poll = false } = options;
  if (poll !== false && poll !== 'hybrid' && poll !== 'busy') {
    throw invalidArgValue('options.poll', poll, "must be 'hybrid', 'busy' or false");
  }
  if (poll !== false && !isDirect) {
    throw invalidArgValue('options.poll', poll, 'needs options.direct');
  }
  return {
    flags,
    mode: validateMode(options.mode ?? 0o666, 'options.mode'),
    isDirect,
    poll,
  };
}

/** Checks permission bits. */
export function validateMode(mode: unknown, name: string): number {
  return integer(mode, name, undefined, 0, 2 ** 32 - 1);
}

/** A transfer with every default filled in. */
export interface Transfer {
  readonly offset: number;
  readonly length: number;
  /** -1 is the current position. */
  readonly position: number;
  readonly signal: AbortSignal | undefined;
}

const TRANSFER_NAMES: readonly string[] = ['offset', 'length', 'position', 'signal'];

/** Checks the arguments of a read or a write. */
export function validateTransfer(buffer: unknown, options: TransferOptions): Transfer {
  validateBuffer(buffer, 'buffer');
  return validateTransferOf(buffer.byteLength, options);
}

/** The same for a buffer that was checked before. */
export function validateTransferOf(size: number, options: TransferOptions): Transfer {
  validateObject(options, 'options');
  // Without a list to look the names up in: this is done for every transfer.
  for (const name in options) {
    const isPlace = name === 'position' || name === 'offset' || name === 'length';
    if (!isPlace && name !== 'signal') validateNames(options, 'options', TRANSFER_NAMES);
  }
  const offset = integer(options.offset, 'offset', 0, 0, size);
  const left = size - offset;
  if (options.length !== undefined && typeof options.length === 'number' && options.length > left) {
    throw outOfRange('length', `>= 0 && <= ${left}`, options.length);
  }
  const length = integer(options.length, 'length', left, 0, Math.max(left, 0));
  const position =
    options.position === undefined || options.position === null
      ? -1
      : integer(options.position, 'position', undefined, 0, Number.MAX_SAFE_INTEGER);
  const signal = validateSignal(options.signal);
  return { offset, length: Math.min(length, TRANSFER_SIZE_MAX), position, signal };
}

function validateSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw invalidArgType('options.signal', 'an instance of AbortSignal', signal);
}

/** How a whole file is read, with every default filled in. */
export interface WholeRead {
  readonly flags: number;
  readonly encoding: BufferEncoding | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Checks the options of reading a whole file. */
export function validateReadWhole(options: ReadWholeOptions): WholeRead {
  validateObject(options, 'options');
  validateNames(options, 'options', ['flags', 'encoding', 'signal']);
  const { encoding } = options;
  if (encoding !== undefined && !Buffer.isEncoding(encoding)) {
    throw invalidArgValue('options.encoding', encoding, 'is invalid encoding');
  }
  return {
    flags: validateOpenFlags(options.flags ?? 'r', 'options.flags'),
    encoding,
    signal: validateSignal(options.signal),
  };
}

/** Checks the arguments of an append. */
export function validateAppend(
  data: unknown,
  options: AppendOptions,
): { readonly bytes: Uint8Array; readonly sync: AppendSync } {
  const bytes = bytesOf(data);
  validateObject(options, 'options');
  validateNames(options, 'options', ['sync']);
  const { sync = false } = options;
  if (sync !== false && sync !== 'data' && sync !== 'full') {
    throw invalidArgValue('options.sync', sync, "must be one of: 'data', 'full', false");
  }
  return { bytes, sync };
}

/** Checks the size that a file is to have. */
export function validateSize(size: unknown, name: string): number {
  return integer(size, name, 0, 0, Number.MAX_SAFE_INTEGER);
}

/** How a whole file is written, with every default filled in. */
export interface WholeWrite {
  readonly data: Uint8Array;
  readonly flags: number;
  readonly mode: number;
  readonly flush: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Checks the arguments of writing a whole file. Text becomes UTF-8. */
export function validateWriteWhole(data: unknown, options: WriteWholeOptions): WholeWrite {
  validateObject(options, 'options');
  validateNames(options, 'options', ['flags', 'mode', 'flush', 'signal']);
  return {
    data: bytesOf(data),
    flags: validateOpenFlags(options.flags ?? 'w', 'options.flags'),
    mode: validateMode(options.mode ?? 0o666, 'options.mode'),
    flush: boolean(options.flush, 'options.flush', false),
    signal: validateSignal(options.signal),
  };
}

function bytesOf(data: unknown): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (!ArrayBuffer.isView(data)) {
    const expected = 'of type string or an instance of Buffer, TypedArray, or DataView';
    throw invalidArgType('data', expected, data);
  }
  validateBuffer(data, 'data');
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
