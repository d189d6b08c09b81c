/**
 * One operation on a path: encoded into a block, submitted, its result made into what the caller
 * gets. Unlink, rename, mkdir, stat and their like; opening is in `open.ts`.
 *
 * The block holds the path, and the result of `statx`, until the completion. The kernel always
 * hands these opcodes to its workers, of which there are four times as many as processors; the
 * bound of `files/punted.ts` keeps ten thousand calls at once from taking ten thousand blocks.
 */

import type { Sqe } from '../../native/abi.ts';
import { fsError, promiseOf, retrace } from '../../runtime/index.ts';
import type { Block, Operation, Runtime } from '../../runtime/index.ts';
import { punt } from '../files/punted.ts';
import { pathSizeMax, shownPath, writePath } from './plain-path.ts';
import type { PlainPath } from './plain-path.ts';

/** Fills the entry. `first` and `second` are addresses of paths, `block` is where they begin. */
type Prepare = (sqe: Sqe, first: number, second: number, call: PathCall) => void;

/** Makes the value of the promise from the block, before the block is given back. */
type Finish = (block: Block) => unknown;

/** What a kind of call has in common. */
export interface PathCallKind {
  readonly syscall: string;
  readonly prepare: Prepare;
  /** Room for a result at the block's beginning. */
  readonly resultSize: number;
  readonly finish: Finish;
}

/** A call that is being made. */
export class PathCall {
  readonly runtime: Runtime;
  readonly kind: PathCallKind;
  readonly path: PlainPath;
  readonly dest: PlainPath | null;
  /** Mode or flags, as the kind needs. */
  readonly argument: number;
  /** Where the result goes. */
  address = 0;

  constructor(
    runtime: Runtime,
    kind: PathCallKind,
    path: PlainPath,
    dest: PlainPath | null,
    argument: number,
  ) {
    this.runtime = runtime;
    this.kind = kind;
    this.path = path;
    this.dest = dest;
    this.argument = argument;
  }

  /** Makes the call, now or when others are through. */
  run<T>(): Promise<T> {
    return punt(() => this.#submit()).catch(retrace) as Promise<T>;
  }

  async #submit(): Promise<unknown> {
    return await promiseOf(this.#begin());
  }

  #begin(): Operation {
    const { scheduler, pool } = this.runtime.requireEngine();
    const { kind, path, dest } = this;
    const start = kind.resultSize;
    const size = start + pathSizeMax(path) + (dest === null ? 0 : pathSizeMax(dest));
    const block = pool.take(size);
    const end = writePath(block, start, path);
    if (dest !== null) writePath(block, end, dest);
    const operation = scheduler.begin(settlePathCall, kind.syscall);
    operation.keep = block;
    operation.context = this;
    this.address = block.address;
    kind.prepare(scheduler.sqe, block.address + start, block.address + end, this);
    return operation;
  }

  /** The error for a result. */
  errorOf(result: number): Error {
    const dest = this.dest === null ? undefined : shownPath(this.dest);
    return fsError(result, this.kind.syscall, shownPath(this.path), dest);
  }
}

/** For calls that say only that they are done. */
export function finishWithNothing(): void {}

function settlePathCall(result: number, _flags: number, operation: Operation): void {
  const call = operation.context as PathCall;
  const block = operation.keep as Block;
  const value = result < 0 ? undefined : call.kind.finish(block);
  call.runtime.engine?.pool.give(block);
  if (result < 0) operation.reject?.(call.errorOf(result));
  else operation.resolve?.(value as never);
}
