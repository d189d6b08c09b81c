/**
 * The only place where errors are made: `-errno` to `SystemError`, bad arguments to errors with
 * Node's codes, and an io_uring that is out of reach to `UringUnavailableError`.
 *
 * Messages are Node's own, word for word. Callers match on `code`.
 */

import { inspect } from 'node:util';
import { errnoMessage, errnoName } from '../native/index.ts';

/** What a failed system call was about, as far as it is known. */
export interface SystemErrorDetails {
  readonly path?: string | undefined;
  readonly dest?: string | undefined;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  /**
   * Whose wording: `fs` says "CODE: message, call 'path'", `net` "call CODE", `bind` "call CODE:
   * message address:port".
   * @defaultValue 'fs', or 'net' with an address
   */
  readonly form?: 'fs' | 'net' | 'bind';
}

/**
 * An operation that the kernel refused: the same shape as the errors of `node:fs` and `node:net`.
 *
 * @example
 * ```ts
 * import { File } from 'onering';
 *
 * try {
 *   await File.open('missing');
 * } catch (error) {
 *   console.log((error as { code: string }).code); // ENOENT
 * }
 * ```
 */
export class SystemError extends Error {
  /** Negative, as in Node: `-2` for `ENOENT`. */
  readonly errno: number;
  /** `'ENOENT'` and so on. */
  readonly code: string;
  /** The call that failed: `'open'`, `'connect'`. */
  readonly syscall: string;
  declare readonly path?: string;
  declare readonly dest?: string;
  declare readonly address?: string;
  declare readonly port?: number;

  /** @internal */
  constructor(message: string, errno: number, code: string, syscall: string) {
    super(message);
    this.errno = errno;
    this.code = code;
    this.syscall = syscall;
  }

  override get name(): string {
    return 'Error';
  }
}

/** Makes the error that Node would make for `-errno` of a system call. */
export function systemError(
  result: number,
  syscall: string,
  details: SystemErrorDetails = {},
): SystemError {
  const code = errnoName(-result);
  const { path, dest, address } = details;
  // As in Node: port 0 is no port.
  const port = details.port === 0 ? undefined : details.port;
  const form = details.form ?? (address === undefined ? 'fs' : 'net');
  const place = port === undefined ? address : `${address}:${port}`;
  let message: string;
  if (form === 'fs') {
    message = `${code}: ${errnoMessage(-result)}, ${syscall}`;
    if (path !== undefined) message += ` '${path}'`;
    if (dest !== undefined) message += ` -> '${dest}'`;
  } else {
    message = `${syscall} ${code}`;
    if (form === 'bind') message += `: ${errnoMessage(-result)}`;
    if (place !== undefined) message += ` ${place}`;
  }
  const error = new SystemError(message, result, code, syscall);
  if (path !== undefined) Object.assign(error, { path });
  if (dest !== undefined) Object.assign(error, { dest });
  if (address !== undefined) Object.assign(error, { address });
  if (port !== undefined) Object.assign(error, { port });
  return error;
}

/**
 * The same for the drop-in of `node:fs/promises`, whose errors are plain `Error`s, with the fields
 * that Node gives them and in Node's order.
 */
export function fsError(
  result: number,
  syscall: string,
  path?: string,
  dest?: string,
): NodeJS.ErrnoException {
  const code = errnoName(-result);
  let message = `${code}: ${errnoMessage(-result)}, ${syscall}`;
  if (path !== undefined) message += ` '${path}'`;
  if (dest !== undefined) message += ` -> '${dest}'`;
  const error: NodeJS.ErrnoException & { dest?: string } = new Error(message);
  error.errno = result;
  error.code = code;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  if (dest !== undefined) error.dest = dest;
  return error;
}

/** Frames of a tick, from the loop's callback to the drain: more than there are. */
const TICK_FRAMES_MAX = 16;

/**
 * Gives an error the stack of those who await it, and throws it: for `promise.catch(retrace)`.
 *
 * Where it was made, in a completion, and where it is caught, in the drain of a tick, only the
 * scheduler is on the stack. What V8 lists as `async` behind that is the program.
 */
export function retrace(error: unknown): never {
  if (!(error instanceof Error)) throw error;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = limit + TICK_FRAMES_MAX;
  Error.captureStackTrace(error, retrace);
  const { stack } = error;
  Error.stackTraceLimit = limit;
  // A program that prepares stacks of its own may have made anything of it.
  if (typeof stack !== 'string') throw error;
  const [first = '', ...frames] = stack.split('\n    at ');
  const ours = frames.filter((frame) => frame.startsWith('async ')).slice(0, limit);
  error.stack = [first, ...ours].join('\n    at ');
  throw error;
}

interface Coded {
  code: string;
}

function withCode<T extends Error>(error: T, code: string): T & Coded {
  const coded = Object.assign(error, { code });
  // As in Node: the code shows in the stack, not in `name`.
  coded.stack = coded.stack?.replace(`${error.name}:`, `${error.name} [${code}]:`) ?? '';
  return coded;
}

/**
 * `ERR_INVALID_ARG_TYPE`: `name` is the argument or `options.field`, `expected` is for example
 * "of type number".
 */
export function invalidArgType(name: string, expected: string, actual: unknown): TypeError & Coded {
  const kind = name.includes('.') ? 'property' : 'argument';
  const message = `The "${name}" ${kind} must be ${expected}. Received ${describe(actual)}`;
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE');
}

/** `ERR_INVALID_ARG_VALUE`. */
export function invalidArgValue(name: string, actual: unknown, reason: string): TypeError & Coded {
  const kind = name.includes('.') ? 'property' : 'argument';
  const message = `The ${kind} '${name}' ${reason}. Received ${show(actual)}`;
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE');
}

/** `ERR_OUT_OF_RANGE`: `range` e.g. ">= 0 && <= 10". */
export function outOfRange(name: string, range: string, actual: unknown): RangeError & Coded {
  const received = showNumber(actual);
  const problem = `The value of "${name}" is out of range.`;
  const message = `${problem} It must be ${range}. Received ${received}`;
  return withCode(new RangeError(message), 'ERR_OUT_OF_RANGE');
}

/** `ERR_FS_FILE_TOO_LARGE`: a file that no `Buffer` holds. */
export function fileTooLarge(size: number): RangeError & Coded {
  const message = `File size (${size}) is greater than 2 GiB`;
  return withCode(new RangeError(message), 'ERR_FS_FILE_TOO_LARGE');
}

/** An error of our own, with a `code` that starts with `ERR_`. */
export function codedError(code: string, message: string): Error & Coded {
  return withCode(new Error(message), code);
}

/** What an operation on a closed runtime, file, socket or listener gets. */
export function closedError(what: string): Error & Coded {
  return codedError(
    `ERR_${what.toUpperCase().replaceAll(' ', '_')}_CLOSED`,
    `The ${what} is closed`,
  );
}

/** Why a ring could not be had. */
export type UnavailableReason =
  | 'disabled'
  | 'platform'
  | 'kernel'
  | 'seccomp'
  | 'sysctl'
  | 'memlock'
  | 'limits'
  | 'copies'
  | 'permission'
  | 'broken';

/**
 * io_uring is out of reach: says why, and what to do about it.
 *
 * @example
 * ```ts
 * import { runtime } from 'onering';
 *
 * const { backend, reason } = runtime();
 * console.log(backend === 'libuv' ? reason?.message : 'on the ring');
 * ```
 */
export class UringUnavailableError extends Error {
  readonly code: string = 'ERR_URING_UNAVAILABLE';
  /** For programs; the message is for people. */
  readonly reason: UnavailableReason;

  /** @internal */
  constructor(reason: UnavailableReason, message: string) {
    super(message);
    this.name = 'UringUnavailableError';
    this.reason = reason;
  }
}

/** How Node describes a value in `ERR_INVALID_ARG_TYPE`. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') {
    const name: unknown = value.constructor?.name;
    if (typeof name === 'string' && name !== '') return `an instance of ${name}`;
    return inspect(value, { depth: -1 });
  }
  if (typeof value === 'string') {
    const text = value.length > 28 ? `${value.slice(0, 25)}...` : value;
    return `type string (${text.includes("'") ? JSON.stringify(text) : `'${text}'`})`;
  }
  const inspected = inspect(value, { colors: false });
  const shown = inspected.length > 28 ? `${inspected.slice(0, 25)}...` : inspected;
  return `type ${typeof value} (${shown})`;
}

/** How Node shows a value in `ERR_INVALID_ARG_VALUE`. */
function show(value: unknown): string {
  const inspected = inspect(value);
  return inspected.length > 128 ? `${inspected.slice(0, 128)}...` : inspected;
}

/** How Node shows a value in `ERR_OUT_OF_RANGE`: large integers in groups of three. */
function showNumber(value: unknown): string {
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) > 2 ** 32) {
    return String(value).replaceAll(/\B(?=(\d{3})+$)/g, '_');
  }
  return inspect(value);
}
