/**
 * Where a JavaScript buffer is. For small views koffi is asked once per `ArrayBuffer`, which many
 * of them share. A large one mostly has an `ArrayBuffer` of its own and is used once or twice:
 * there koffi is asked each time, because remembering costs the garbage collector more.
 *
 * Only memory that stays put may be shown to the kernel. Small typed arrays live inside V8's heap
 * until `.buffer` is read, which moves them out for good; resizable and growable buffers may move
 * or shrink at any time and are refused, and so are detached ones.
 */

import type { Kernel } from '../native/index.ts';
import { invalidArgType, invalidArgValue } from './errors.ts';

/** Above what `Buffer.allocUnsafe` takes from its pool, as a rule. */
const LARGE_SIZE_MIN = 4096;

export class Addresses {
  readonly #kernel: Kernel;
  readonly #known = new WeakMap<ArrayBuffer, number>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The address of the first byte of a view that `validateBuffer` has let through. */
  of(view: ArrayBufferView): number {
    if (view.byteLength >= LARGE_SIZE_MIN) return this.#kernel.addressOf(view);
    const buffer = view.buffer as ArrayBuffer;
    let address = this.#known.get(buffer);
    if (address === undefined) {
      address = this.#kernel.addressOf(buffer);
      this.#known.set(buffer, address);
    }
    return address + view.byteOffset;
  }
}

interface MaybeResizable {
  readonly resizable?: boolean;
  readonly growable?: boolean;
  readonly detached?: boolean;
}

/**
 * Throws unless the kernel may be shown this buffer: `ERR_INVALID_ARG_TYPE` for anything that is
 * not a view, `ERR_INVALID_ARG_VALUE` for memory that may move, vanish or has vanished.
 */
export function validateBuffer(view: unknown, name: string): asserts view is ArrayBufferView {
  if (!ArrayBuffer.isView(view)) {
    throw invalidArgType(name, 'an instance of Buffer, TypedArray, or DataView', view);
  }
  const buffer = view.buffer as ArrayBufferLike & MaybeResizable;
  if (buffer.resizable === true || buffer.growable === true) {
    throw invalidArgValue(name, view, 'must not be resizable: its memory may move');
  }
  if (!(buffer instanceof ArrayBuffer)) {
    throw invalidArgValue(name, view, 'must not be on shared memory');
  }
  if (buffer.detached === true || isDetached(buffer)) {
    throw invalidArgValue(name, view, 'must not be detached');
  }
}

/** Whether the kernel may be shown this view: its memory neither moves nor is shared. */
export function isStable(view: ArrayBufferView): boolean {
  const buffer = view.buffer as ArrayBufferLike & MaybeResizable;
  return buffer instanceof ArrayBuffer && buffer.resizable !== true;
}

/** Node 20 has no `detached`: a view of a detached buffer cannot be made. */
function isDetached(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    return new Uint8Array(buffer).byteLength !== 0;
  } catch {
    // A view of a detached buffer is a TypeError: this is the answer.
    return true;
  }
}
