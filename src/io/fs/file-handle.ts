/**
 * `FileHandle` of the drop-in: a class derived from Node's own, on a `RingDescriptor`.
 *
 * What is inherited is Node's: events, `close()` that waits for streams and operations, streams,
 * lines, methods without an opcode, and whatever newer Nodes add. What is overridden runs on the
 * ring when its arguments are plain, and is Node's otherwise, with Node's errors. So handles are
 * `instanceof` Node's class, and Node's own functions take them.
 *
 * Node's class is private, but each handle names it as its `constructor`. The first `open` asks
 * for it once, and looks whether it can be built upon; if not, `open` is Node's.
 */

import * as node from 'node:fs/promises';
import { devNull } from 'node:os';
import { EINVAL } from '../../native/abi.ts';
import { watchHandle } from './collected-handles.ts';
import { beginRead, beginReadv, beginWrite, beginWritev } from './handle-transfers.ts';
import { plainReadOptions, readDescriptor } from './read-file.ts';
import type { RingDescriptor } from './ring-descriptor.ts';
import { carrierClassOf, makeTransferable } from './transfer.ts';
import { bigStatsOf, isPlainStatOptions, statsOf, wantsBigint } from './stats.ts';
import { plainData, plainWriteOptions, writeDescriptor } from './write-file.ts';

/** What is overridden of Node's class, and what tells whether it can be. */
interface NodeHandle {
  readonly fd: number;
  close: () => Promise<void>;
  read(...args: unknown[]): Promise<unknown>;
  readv(...args: unknown[]): Promise<unknown>;
  write(...args: unknown[]): Promise<unknown>;
  writev(...args: unknown[]): Promise<unknown>;
  readFile(options?: unknown): Promise<unknown>;
  writeFile(...args: unknown[]): Promise<unknown>;
  appendFile(...args: unknown[]): Promise<unknown>;
  stat(options?: unknown): Promise<unknown>;
  truncate(length?: unknown): Promise<unknown>;
  sync(): Promise<unknown>;
  datasync(): Promise<unknown>;
  readableWebStream(options?: unknown): unknown;
}

interface NodeHandleClass {
  new (descriptor: RingDescriptor): NodeHandle;
  readonly prototype: NodeHandle;
}

/** A handle on the ring. */
type RingFileHandle = NodeHandle & node.FileHandle;
export type RingFileHandleClass = new (descriptor: RingDescriptor) => RingFileHandle;

let found: RingFileHandleClass | null | undefined;
let finding: Promise<RingFileHandleClass | null> | null = null;

/** The class, once it has been found; `null` where Node's cannot be built upon. */
export function fileHandleClass(): RingFileHandleClass | null | undefined {
  return found;
}

/** Finds Node's class and derives ours, once. */
export function findFileHandleClass(): Promise<RingFileHandleClass | null> {
  finding ??= find().finally(() => {
    finding = null;
  });
  return finding;
}

async function find(): Promise<RingFileHandleClass | null> {
  let sample: node.FileHandle;
  try {
    sample = await node.open(devNull);
  } catch {
    // No descriptor to be had just now: this call is Node's, which says so, the next one tries.
    return null;
  }
  const base = sample.constructor as unknown as NodeHandleClass;
  const carrierClass = carrierClassOf(sample);
  await sample.close();
  const counting = isSuitable(base) ? countingOf(base) : null;
  found = counting === null ? null : derive(base, counting);
  if (found !== null) makeTransferable(base, found, carrierClass);
  return found;
}

/** How Node's class counts who uses a handle: `close()` closes when there is nobody left. */
interface Counting {
  readonly ref: symbol;
  readonly unref: symbol;
}

function countingOf(base: NodeHandleClass): Counting | null {
  const ref = symbolOf(base, 'kRef');
  const unref = symbolOf(base, 'kUnref');
  return ref === undefined || unref === undefined ? null : { ref, unref };
}

function symbolOf(base: NodeHandleClass, name: string): symbol | undefined {
  const symbols = Object.getOwnPropertySymbols(base.prototype);
  return symbols.find(({ description }) => description === name);
}

/** Operations in flight on the ring count as one user, from when it matters. */
function closeWhenIdle(handle: NodeHandle, descriptor: RingDescriptor, counting: Counting): void {
  const { close } = handle;
  const counter = handle as unknown as Record<symbol, () => void>;
  let isCounted = false;
  handle.close = () => {
    if (descriptor.isBusy && !isCounted) {
      isCounted = true;
      counter[counting.ref]?.();
      descriptor.whenIdle(() => counter[counting.unref]?.());
    }
    return close();
  };
}

/** Whether the class takes an object with a descriptor in the place of Node's own. */
function isSuitable(base: NodeHandleClass): boolean {
  let closed = 0;
  const stand = {
    fd: 1_000_000,
    close: () => {
      closed += 1;
      return Promise.resolve();
    },
  };
  try {
    const handle = new base(stand as unknown as RingDescriptor);
    const hasDescriptor = handle.fd === stand.fd;
    void handle.close();
    return hasDescriptor && closed === 1 && handle.fd === -1;
  } catch {
    // It wants Node's own object after all.
    return false;
  }
}

function derive(base: NodeHandleClass, counting: Counting): RingFileHandleClass {
  class FileHandle extends base {
    readonly #on: RingDescriptor;

    constructor(descriptor: RingDescriptor) {
      super(descriptor);
      this.#on = descriptor;
      descriptor.setOwner(this);
      watchHandle(descriptor);
      closeWhenIdle(this, descriptor, counting);
    }

    override read(buffer: unknown, offset: unknown, length: unknown, position: unknown) {
      const begun = beginRead(this.#on, buffer, offset, length, position);
      return begun ?? super.read(buffer, offset, length, position);
    }

    override readv(buffers: unknown, position: unknown) {
      return beginReadv(this.#on, buffers, position) ?? super.readv(buffers, position);
    }

    override write(data: unknown, offset: unknown, length: unknown, position: unknown) {
      const begun = beginWrite(this.#on, data, offset, length, position);
      return begun ?? super.write(data, offset, length, position);
    }

    override writev(buffers: unknown, position: unknown) {
      return beginWritev(this.#on, buffers, position) ?? super.writev(buffers, position);
    }

    override async readFile(options?: unknown) {
      const content = await beginReadFile(this.#on, options);
      return content ?? (await super.readFile(options));
    }

    override async writeFile(data: unknown, options?: unknown) {
      const isDone = await beginWriteFile(this.#on, data, options);
      if (!isDone) await super.writeFile(data, options);
    }

    override async appendFile(data: unknown, options?: unknown) {
      const isDone = await beginWriteFile(this.#on, data, options);
      if (!isDone) await super.appendFile(data, options);
    }

    override stat(options?: unknown) {
      if (!this.#on.isOpen || !isPlainStatOptions(options)) return super.stat(options);
      return this.#on.stat<unknown>(wantsBigint(options) ? bigStatsOf : statsOf);
    }

    override async truncate(length: unknown = 0) {
      if (!(await beginTruncate(this.#on, length))) await super.truncate(length);
    }

    override sync() {
      return this.#on.isOpen ? this.#on.sync('fsync').then(nothing) : super.sync();
    }

    override datasync() {
      return this.#on.isOpen ? this.#on.sync('fdatasync').then(nothing) : super.datasync();
    }

    override readableWebStream(options?: unknown) {
      if (!isStreamOfNode(base, options)) return super.readableWebStream(options);
      return inArrayBuffers(super.readableWebStream({ type: 'bytes' }) as ReadableStream);
    }
  }
  return FileHandle as unknown as RingFileHandleClass;
}

function nothing(): void {}

async function beginReadFile(on: RingDescriptor, options: unknown): Promise<unknown> {
  const plain = on.isOpen ? plainReadOptions(options) : undefined;
  if (plain === undefined) return null;
  return await on.during(() => readDescriptor(on, plain));
}

async function beginWriteFile(on: RingDescriptor, data: unknown, options: unknown) {
  const plain = on.isOpen ? plainWriteOptions(options, '') : undefined;
  const pieces = plain === undefined ? undefined : plainData(data, plain);
  if (plain === undefined || pieces === undefined) return false;
  await on.during(() => writeDescriptor(on, pieces, plain));
  return true;
}

/** A kernel before 6.9 has no such operation, and answers as to a wrong descriptor: ask Node. */
async function beginTruncate(on: RingDescriptor, length: unknown): Promise<boolean> {
  if (!on.isOpen || !Number.isSafeInteger(length)) return false;
  try {
    await on.truncate(Math.max(0, length as number));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).errno !== -EINVAL) throw error;
    return false;
  }
}

/** Node 20 makes the stream that is not of bytes from an object of its own; there is none. */
function isStreamOfNode(base: NodeHandleClass, options: unknown): boolean {
  const { type } = (options ?? {}) as { type?: unknown };
  if (type === 'bytes' || (type !== undefined && typeof type !== 'string')) return false;
  const method = Object.getOwnPropertyDescriptor(base.prototype, 'readableWebStream');
  return String(method?.value).includes('StreamBase');
}

/** The chunks of that stream are whole `ArrayBuffer`s. */
function inArrayBuffers(stream: ReadableStream<Uint8Array>): ReadableStream<ArrayBuffer> {
  return stream.pipeThrough(
    new TransformStream<Uint8Array, ArrayBuffer>({
      transform(chunk, controller) {
        controller.enqueue(chunk.slice().buffer);
      },
    }),
  );
}
