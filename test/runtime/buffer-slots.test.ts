/**
 * The ring of buffers, word by word as the kernel reads it: addresses of more than 32 bits, and the
 * tail that lives in slot 0. What is built on it is tested in `buffer-ring.test.ts`.
 */

import { expect, it } from 'vitest';
import {
  IORING_REGISTER_PBUF_RING,
  IORING_UNREGISTER_PBUF_RING,
} from '../../src/native/constants/io-uring.ts';
import { BufferSlots } from '../../src/runtime/buffer-slots.ts';
import { Ring } from '../../src/runtime/ring.ts';
import { SimKernel } from '../support/sim-kernel.ts';

it('writes slots and tail, registers and unregisters', () => {
  const kernel = new SimKernel();
  const ring = Ring.create(kernel, { entries: 4, completionEntries: 8, usesOwnMemory: false });
  if (typeof ring === 'number') throw new Error(`set-up failed with ${ring}`);
  ring.enable();
  const before = kernel.memory.mapped;
  const slots = new BufferSlots(ring, 3, 2);
  const address = Number(kernel.memory.at(ring.scratch.address, 8)?.getBigUint64(0, true));
  expect(kernel.registers.at(-1)).toEqual({ opcode: IORING_REGISTER_PBUF_RING, result: 0 });
  const at = (): DataView => {
    const view = kernel.memory.at(address, 32);
    if (view === undefined) throw new Error('The slots are not mapped');
    return view;
  };
  expect(at().getUint16(14, true)).toBe(0);
  slots.provide(9, 0x7fed_8765_4321, 77);
  slots.provide(10, 0x10, 5);
  expect(at().getBigUint64(0, true)).toBe(0x7fed_8765_4321n);
  expect([at().getUint32(8, true), at().getUint16(12, true), at().getUint16(14, true)]).toEqual([
    77, 9, 2,
  ]);
  expect(at().getBigUint64(16, true)).toBe(0x10n);
  expect([at().getUint32(24, true), at().getUint16(28, true)]).toEqual([5, 10]);
  slots.unregister();
  expect(kernel.registers.at(-1)).toEqual({ opcode: IORING_UNREGISTER_PBUF_RING, result: 0 });
  slots.free();
  expect(kernel.memory.mapped).toBe(before);
});
