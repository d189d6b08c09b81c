/**
 * Addresses of JavaScript buffers: asked for once, right for every kind of view, and refused where
 * memory may move or vanish.
 */

import { describe, expect, it } from 'vitest';
import { linuxHost } from '../../src/native/kernel.ts';
import { loadLibc } from '../../src/native/libc.ts';
import { Addresses, validateBuffer } from '../../src/runtime/addresses.ts';
import { SimKernel } from '../support/sim-kernel.ts';

/** A kernel that counts how often it was asked. */
class CountingKernel extends SimKernel {
  asked = 0;

  override addressOf(memory: ArrayBuffer | ArrayBufferView): number {
    this.asked += 1;
    return super.addressOf(memory);
  }
}

function resizable(): ArrayBuffer {
  const Resizable = ArrayBuffer as unknown as new (
    size: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer;
  return new Resizable(8, { maxByteLength: 16 });
}

function detached(size: number): Uint8Array {
  const view = new Uint8Array(size);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

describe('Addresses', () => {
  it('asks once a buffer for small views, whatever their kind', () => {
    const kernel = new CountingKernel();
    const addresses = new Addresses(kernel);
    const buffer = new ArrayBuffer(64);
    const start = addresses.of(new Uint8Array(buffer));
    expect(addresses.of(new Uint8Array(buffer, 8))).toBe(start + 8);
    expect(addresses.of(new DataView(buffer, 60))).toBe(start + 60);
    expect(addresses.of(new BigInt64Array(buffer, 16, 1))).toBe(start + 16);
    expect(kernel.asked).toBe(1);
    addresses.of(new Uint8Array(1));
    expect(kernel.asked).toBe(2);
  });

  it('asks for each large view, and gives its first byte', () => {
    const kernel = new CountingKernel();
    const addresses = new Addresses(kernel);
    const buffer = new ArrayBuffer(8192);
    const start = addresses.of(new Uint8Array(buffer));
    expect(addresses.of(new Uint8Array(buffer, 64))).toBe(start + 64);
    expect(addresses.of(new DataView(buffer, 4096))).toBe(start + 4096);
    expect(addresses.of(new Float64Array(buffer, 8))).toBe(start + 8);
    expect(kernel.asked).toBe(4);
  });

  it('gives addresses where the bytes really are', () => {
    const [host, libc] = [linuxHost(), loadLibc()];
    if (typeof host === 'string') throw new Error(host);
    if (typeof libc === 'string') throw new Error(libc);
    const addresses = new Addresses(host.kernel);
    const pooled = Buffer.from('pooled');
    const views: Uint8Array[] = [
      // Small enough to live in V8's heap until somebody asks for its buffer.
      Uint8Array.from([1, 2, 3]),
      Buffer.alloc(100_000, 'large'),
      Buffer.alloc(100_000, 'large').subarray(7, 90_001),
      pooled,
      pooled.subarray(2),
      Buffer.allocUnsafeSlow(10).fill('slow'),
    ];
    for (const view of views) {
      const address = addresses.of(view);
      const copy = Uint8Array.from(new Uint8Array(libc.view(address, view.length)));
      expect(copy).toEqual(Uint8Array.from(view));
    }
  });

  it('stays right when garbage is collected and the heap is compacted', () => {
    const [host, libc] = [linuxHost(), loadLibc()];
    if (typeof host === 'string') throw new Error(host);
    if (typeof libc === 'string') throw new Error(libc);
    const addresses = new Addresses(host.kernel);
    const views = Array.from({ length: 500 }, (_, i) => Uint8Array.from([i & 0xff, i >> 8]));
    const known = views.map((view) => addresses.of(view));
    let garbage: unknown[] = [];
    for (let i = 0; i < 300_000; i += 1) {
      garbage.push({ i });
      if (i % 50_000 === 0) garbage = [];
    }
    expect(views.map((view) => addresses.of(view))).toEqual(known);
    for (const [i, address] of known.entries()) {
      expect([...new Uint8Array(libc.view(address, 2))]).toEqual([i & 0xff, i >> 8]);
    }
  });
});

describe('validateBuffer', () => {
  it.each([
    new Uint8Array(4),
    new Uint8Array(0),
    Buffer.alloc(4),
    Buffer.alloc(0),
    new Float32Array(2),
    new DataView(new ArrayBuffer(4)),
    new BigUint64Array(1),
    new Uint8Array(new ArrayBuffer(0)),
  ])('takes %s', (view) => {
    expect(validateBuffer(view, 'buffer')).toBeUndefined();
  });

  it.each([
    [undefined],
    [null],
    ['text'],
    [new ArrayBuffer(8)],
    [new SharedArrayBuffer(8)],
    [[1, 2]],
    [{ buffer: new ArrayBuffer(8), byteOffset: 0, byteLength: 8 }],
  ])('refuses %s, which is no view', (value) => {
    expect(() => validateBuffer(value, 'buffer')).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_TYPE',
        message: expect.stringMatching(
          /^The "buffer" argument must be an instance of Buffer, TypedArray, or DataView\. /,
        ),
      }),
    );
  });

  it.each([
    ['resizable', () => new Uint8Array(resizable())],
    ['resizable', () => new DataView(resizable(), 2)],
    ['on shared memory', () => new Uint8Array(new SharedArrayBuffer(8))],
    ['detached', () => detached(8)],
    ['detached', () => Buffer.from(detached(8).buffer)],
  ])('refuses memory that is %s', (reason, make) => {
    let view: unknown;
    try {
      view = make();
    } catch {
      // Node refuses to make a view of what is detached: so nobody can pass one.
      return;
    }
    expect(() => validateBuffer(view, 'options.buffer')).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_VALUE',
        message: expect.stringContaining(reason),
      }),
    );
  });
});
