/**
 * The functions of `node:fs/promises` that open a file: open, readFile, writeFile, appendFile,
 * truncate.
 *
 * Arguments that are not plain go to Node's own function, which does it or throws what Node throws.
 */

import * as node from 'node:fs/promises';
import { O_CREAT, O_WRONLY } from '../../native/abi.ts';
import { fsError, retrace, SystemError } from '../../runtime/index.ts';
import { readWholeFile, readWholeText, writeWholeFile } from '../files/whole-file.ts';
import { ringRuntime } from './backend.ts';
import { fileHandleClass, findFileHandleClass } from './file-handle.ts';
import type { RingFileHandleClass } from './file-handle.ts';
import { openDescriptor, OpenRequest } from './open.ts';
import { plainPath } from './plain-path.ts';
import type { PlainPath } from './plain-path.ts';
import { plainReadOptions, rejectAborted } from './read-file.ts';
import type { RingDescriptor } from './ring-descriptor.ts';
import { plainData, plainWriteOptions, writeDescriptor } from './write-file.ts';

type AnyFunction = (...args: never[]) => Promise<unknown>;

/** Opens on the ring; see `FileHandle`. */
export const open: typeof node.open = async function open(path, flags, mode) {
  const handleClass = fileHandleClass() ?? (await findFileHandleClass());
  const runtime = handleClass === null ? null : ringRuntime();
  const plain = runtime === null ? undefined : plainPath(path);
  const request = plain === undefined ? undefined : OpenRequest.of(plain, flags, mode);
  if (handleClass === null || runtime === null || request === undefined) {
    return node.open(path, flags, mode);
  }
  return openDescriptor(runtime, request).then(
    (descriptor) => new handleClass(descriptor),
    retrace,
  );
};

export const readFile: typeof node.readFile = async function readFile(
  path: unknown,
  options?: unknown,
) {
  const runtime = ringRuntime();
  if (isOwnHandle(path)) return path.readFile(options as never);
  const plain = runtime === null ? undefined : plainReadOptions(options);
  const file = plain === undefined ? undefined : plainPath(path);
  const request = file === undefined ? undefined : OpenRequest.of(file, plain?.flag, undefined);
  if (runtime === null || plain === undefined || request === undefined) {
    return viaNode('readFile', [path, options]);
  }
  // One that may be created needs a mode, and has nothing to be read; nor has one for writing.
  if ((request.flags & (O_CREAT | O_WRONLY)) !== 0) return viaNode('readFile', [path, options]);
  const { encoding, signal } = plain;
  const { flags } = request;
  const bytes = bytesOfPath(request.path);
  const reading =
    encoding === null
      ? readWholeFile(runtime, bytes, flags, signal)
      : readWholeText(runtime, bytes, flags, encoding, signal);
  return (reading as Promise<Buffer | string>).catch((error) => failed(error, signal));
} as AnyFunction as typeof node.readFile;

export const writeFile: typeof node.writeFile = async function writeFile(path, data, options) {
  if (isOwnHandle(path)) return path.writeFile(data as string, options);
  const isDone = await write(path, data, options, 'w');
  if (!isDone) await node.writeFile(path, data, options);
};

export const appendFile: typeof node.appendFile = async function appendFile(path, data, options) {
  if (isOwnHandle(path)) return path.appendFile(data, options);
  const isDone = await write(path, data, options, 'a');
  if (!isDone) await node.appendFile(path, data, options);
};

export const truncate: typeof node.truncate = async function truncate(path, length = 0) {
  const runtime = Number.isSafeInteger(length) ? ringRuntime() : null;
  if (runtime === null) return node.truncate(path, length);
  const handle = await open(path, 'r+');
  await closing(handle, handle.truncate(length));
};

async function write(path: unknown, data: unknown, options: unknown, flag: string) {
  const runtime = ringRuntime();
  const plain = runtime === null ? undefined : plainWriteOptions(options, flag);
  const pieces = plain === undefined ? undefined : plainData(data, plain);
  const file = pieces === undefined ? undefined : plainPath(path);
  const request = file === undefined ? undefined : OpenRequest.of(file, plain?.flag, plain?.mode);
  if (runtime === null || plain === undefined || pieces === undefined || request === undefined) {
    return false;
  }
  const { flush, signal } = plain;
  if (ArrayBuffer.isView(pieces)) {
    const bytes = new Uint8Array(pieces.buffer, pieces.byteOffset, pieces.byteLength);
    const { flags, mode } = request;
    const whole = { path: bytesOfPath(request.path), flags, mode, data: bytes, flush, signal };
    await writeWholeFile(runtime, whole).catch((error) => failed(error, signal));
    return true;
  }
  const written = async (descriptor: RingDescriptor): Promise<void> => {
    await writeDescriptor(descriptor, pieces, plain);
    if (flush) await descriptor.sync('fsync');
  };
  await openDescriptor(runtime, request)
    .then((descriptor) => closing(descriptor, written(descriptor)))
    .catch(retrace);
  return true;
}

/** What Node rejects with: its own `AbortError`, or a plain error with the stack of who awaits. */
function failed(error: unknown, signal: AbortSignal | undefined): Promise<never> {
  if (signal?.aborted === true) return rejectAborted(signal);
  if (!(error instanceof SystemError)) return retrace(error);
  return retrace(fsError(error.errno, error.syscall, error.path));
}

/** A copy: the caller's may change before the kernel has it. */
function bytesOfPath(path: PlainPath): Buffer {
  return typeof path === 'string' ? Buffer.from(path) : Buffer.from(path);
}

/** Closes when the work is over, however it ends. */
async function closing<T>(file: { close(): Promise<void> }, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } finally {
    await file.close();
  }
}

type Handle = InstanceType<RingFileHandleClass>;

/** A handle of ours that is open; what becomes of one that is closed, Node decides. */
function isOwnHandle(path: unknown): path is Handle {
  const handleClass = fileHandleClass();
  if (handleClass === null || handleClass === undefined) return false;
  return path instanceof handleClass && path.fd !== -1;
}

function viaNode<T>(name: keyof typeof node, args: readonly unknown[]): Promise<T> {
  return Reflect.apply(node[name] as AnyFunction, node, args) as Promise<T>;
}
