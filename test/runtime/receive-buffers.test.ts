/**
 * Receive buffers that are handed over: what the kernel is shown, on a simulated one, and whose
 * memory a chunk is.
 */

import { describe, expect, it } from 'vitest';
import { IORING_REGISTER_PBUF_RING } from '../../src/native/constants/io-uring.ts';
import { EEXIST } from '../../src/native/errno.ts';
import { Addresses } from '../../src/runtime/addresses.ts';
import { HeapBallast } from '../../src/runtime/heap-ballast.ts';
import { ReceiveBuffers } from '../../src/runtime/receive-buffers.ts';
import type { ReceiveBufferPlan } from '../../src/runtime/receive-buffers.ts';
import { Ring } from '../../src/runtime/ring.ts';
import { SimKernel } from '../support/sim-kernel.ts';

const SLOT_SIZE = 16;
const SIZE = 16_384;

/** A kernel that picks what was provided, in order, as a receive does. */
class PickingKernel extends SimKernel {
  #ringAddress = 0;
  #entries = 0;
  #head = 0;

  override ioUringRegister(fd: number, opcode: number, argument: number, count: number): number {
    const result = super.ioUringRegister(fd, opcode, argument, count);
    const view = this.memory.at(argument, 40);
    if (opcode === IORING_REGISTER_PBUF_RING && result === 0 && view !== undefined) {
      this.#ringAddress = Number(view.getBigUint64(0, true));
      this.#entries = view.getUint32(8, true);
    }
    return result;
  }

  /** How many are the kernel's. */
  get provided(): number {
    return (this.#slots().getUint16(14, true) - this.#head) & 0xffff;
  }

  /** Writes into the next one, and returns its id. */
  receive(byte: number, length: number): number {
    if (this.provided === 0) throw new Error('Nothing is provided');
    const view = this.#slots();
    const at = (this.#head & (this.#entries - 1)) * SLOT_SIZE;
    this.#head = (this.#head + 1) & 0xffff;
    const address = Number(view.getBigUint64(at, true));
    const isLarge = view.getUint32(at + 8, true) >= length;
    const memory = this.memory.at(address, length);
    if (memory === undefined || !isLarge) throw new Error('What was provided is nowhere');
    new Uint8Array(memory.buffer, memory.byteOffset, length).fill(byte);
    return view.getUint16(at + 12, true);
  }

  #slots(): DataView {
    const view = this.memory.at(this.#ringAddress, this.#entries * SLOT_SIZE);
    if (view === undefined) throw new Error('No ring is registered');
    return view;
  }
}

interface Made {
  readonly kernel: PickingKernel;
  readonly buffers: ReceiveBuffers;
}

function made(count: number, size = SIZE): Made {
  const kernel = new PickingKernel();
  const ring = ringOf(kernel);
  return {
    kernel,
    buffers: new ReceiveBuffers(ring, new Addresses(kernel), planOf(count, size)),
  };
}

function planOf(count: number, size: number): ReceiveBufferPlan {
  return { group: 5, count, size, ballast: new HeapBallast(new SimKernel()) };
}

function ringOf(kernel: SimKernel): Ring {
  const ring = Ring.create(kernel, { entries: 4, completionEntries: 8, usesOwnMemory: false });
  if (typeof ring === 'number') throw new Error(`set-up failed with ${ring}`);
  ring.enable();
  return ring;
}

describe('ReceiveBuffers', () => {
  it('hands a full buffer over, and provides another', () => {
    const { kernel, buffers } = made(2);
    const first = buffers.take(kernel.receive(1, SIZE), SIZE);
    const second = buffers.take(kernel.receive(2, SIZE), SIZE);
    const third = buffers.take(kernel.receive(3, SIZE), SIZE);
    expect([first, second, third].map((chunk) => chunk.every((byte) => byte === chunk[0]))).toEqual(
      [true, true, true],
    );
    expect([first[0], second[0], third[0]]).toEqual([1, 2, 3]);
    expect(new Set([first.buffer, second.buffer, third.buffer]).size).toBe(3);
    expect([first.byteOffset, first.buffer.byteLength]).toEqual([0, SIZE]);
    expect(kernel.provided).toBe(2);
  });

  it.each([
    [SIZE / 2, true],
    [SIZE / 2 - 1, false],
    [1, false],
  ])('of %i bytes: handed over: %s', (length, isHandedOver) => {
    const { kernel, buffers } = made(1);
    const chunk = buffers.take(kernel.receive(7, length), length);
    expect(chunk).toHaveLength(length);
    // The kernel writes into the next one while the program holds the chunk.
    buffers.take(kernel.receive(8, SIZE), SIZE);
    expect(chunk.every((byte) => byte === 7)).toBe(true);
    expect(chunk.buffer.byteLength === SIZE).toBe(isHandedOver);
  });

  it('copies every small length out of a buffer that is used again', () => {
    const { kernel, buffers } = made(1);
    const chunks = Array.from({ length: 300 }, (_, at) =>
      buffers.take(kernel.receive(at & 0xff, at + 1), at + 1),
    );
    for (const [at, chunk] of chunks.entries()) {
      expect(chunk).toHaveLength(at + 1);
      expect(chunk.every((byte) => byte === (at & 0xff))).toBe(true);
    }
    // Another in its place: what is small comes from there from now on.
    buffers.take(kernel.receive(1, SIZE), SIZE);
    expect(buffers.take(kernel.receive(9, 6), 6).toString('hex')).toBe('090909090909');
  });

  it('copies small chunks whatever the size of the buffers', () => {
    const { kernel, buffers } = made(1, 1024);
    const chunk = buffers.take(kernel.receive(7, 1024), 1024);
    buffers.take(kernel.receive(8, 1024), 1024);
    expect(chunk.every((byte) => byte === 7)).toBe(true);
  });

  it('does not mind that a chunk is transferred', () => {
    const { kernel, buffers } = made(1);
    const chunk = buffers.take(kernel.receive(1, SIZE), SIZE);
    structuredClone(chunk.buffer, { transfer: [chunk.buffer as ArrayBuffer] });
    expect(chunk).toHaveLength(0);
    expect(buffers.take(kernel.receive(2, SIZE), SIZE)[SIZE - 1]).toBe(2);
  });

  it('makes few at first, and more for want of them, up to the count', () => {
    const { kernel, buffers } = made(128, 64);
    expect(kernel.provided).toBe(32);
    expect([buffers.grow(), kernel.provided]).toEqual([true, 64]);
    expect([buffers.grow(), kernel.provided]).toEqual([true, 128]);
    expect([buffers.grow(), kernel.provided]).toEqual([false, 128]);
    const ids = Array.from({ length: 128 }, () => kernel.receive(0, 1));
    expect(new Set(ids).size).toBe(128);
    for (const id of ids) buffers.take(id, 1);
    expect(kernel.provided).toBe(128);
  });

  it('gives everything back when it cannot be registered, and at the end', () => {
    const kernel = new PickingKernel();
    const ring = ringOf(kernel);
    const before = kernel.memory.mapped;
    const plan = planOf(4, 64);
    kernel.failRegister(IORING_REGISTER_PBUF_RING, -EEXIST, 1);
    expect(() => new ReceiveBuffers(ring, new Addresses(kernel), plan)).toThrow(
      expect.objectContaining({ code: 'EEXIST' }),
    );
    expect(kernel.memory.mapped).toBe(before);
    const buffers = new ReceiveBuffers(ring, new Addresses(kernel), plan);
    expect(kernel.memory.mapped).toBe(before + 1);
    buffers.free();
    expect(kernel.memory.mapped).toBe(before);
  });
});
