/**
 * The `onread` option: what arrives goes straight into the user's own buffer, and a callback is
 * told how much. The stream itself sees no data.
 */

import { isStable } from '../../runtime/index.ts';
import type { ReceiveTarget } from '../tcp/ring-receiver.ts';
import type { SocketHandle } from './socket-handle.ts';

/** As `net.Socket` takes it. */
export interface OnReadOptions {
  readonly buffer: Uint8Array | (() => Uint8Array);
  readonly callback: (this: unknown, length: number, buffer: Uint8Array) => boolean | void;
}

/** Whether an `onread` option is one that Node would use; others are ignored. */
export function isOnRead(value: unknown): value is OnReadOptions {
  if (typeof value !== 'object' || value === null) return false;
  const { buffer, callback } = value as Partial<OnReadOptions>;
  const hasBuffer = buffer instanceof Uint8Array || typeof buffer === 'function';
  return hasBuffer && typeof callback === 'function';
}

/** Whose events these are. */
interface Owner {
  readonly destroyed: boolean;
  _unrefTimer(): void;
}

export class OnRead implements ReceiveTarget {
  readonly #options: OnReadOptions;
  readonly #owner: Owner;
  readonly #handle: SocketHandle;
  #buffer: Uint8Array;
  /** Stands in for memory that the kernel may not be shown. */
  #substitute: Uint8Array | null = null;

  constructor(options: OnReadOptions, owner: Owner, handle: SocketHandle) {
    this.#options = options;
    this.#owner = owner;
    this.#handle = handle;
    const { buffer } = options;
    this.#buffer = typeof buffer === 'function' ? buffer() : buffer;
  }

  nextBuffer(): Uint8Array {
    if (isStable(this.#buffer)) return this.#buffer;
    if (this.#substitute?.byteLength !== this.#buffer.byteLength) {
      this.#substitute = Buffer.allocUnsafeSlow(this.#buffer.byteLength);
    }
    return this.#substitute;
  }

  onFilled(length: number): void {
    this.#handle.runInAsyncScope(callBack, undefined, this, length);
  }

  /** @internal */
  filled(length: number): void {
    this.#owner._unrefTimer();
    if (this.#owner.destroyed) return;
    const { buffer, callback } = this.#options;
    if (!isStable(this.#buffer) && this.#substitute !== null) {
      this.#buffer.set(this.#substitute.subarray(0, length));
    }
    // As in Node, `this` is the socket.
    const isGoingOn = callback.call(this.#owner, length, this.#buffer) !== false;
    if (typeof buffer === 'function') {
      const next: unknown = buffer();
      if (next instanceof Uint8Array) this.#buffer = next;
    }
    if (!isGoingOn) this.#handle.readStop();
  }
}

function callBack(target: OnRead, length: number): void {
  target.filled(length);
}
