/**
 * Buffer rings: the bytes that the kernel reads, on a simulated kernel; and on a real one, that it
 * picks buffers in the order in which they were provided.
 */

import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import { EEXIST, EINVAL, ENOBUFS, ENOMEM } from '../../src/native/errno.ts';
import { setSqeBufferGroup, setSqeFlags } from '../../src/native/layout/sqe.ts';
import { prepRead } from '../../src/native/prep.ts';
import { BufferRing } from '../../src/runtime/buffer-ring.ts';
import { Ring } from '../../src/runtime/ring.ts';
import { ringTest } from '../support/ring-test.ts';
import { SimKernel } from '../support/sim-kernel.ts';

const SLOT_SIZE = 16;
const TAIL_OFFSET = 14;

interface Registered {
  readonly address: number;
  readonly entries: number;
  readonly group: number;
}

/** A kernel that notes the buffer rings that were registered. */
class NotingKernel extends SimKernel {
  readonly rings: Registered[] = [];

  override ioUringRegister(fd: number, opcode: number, argument: number, count: number): number {
    const result = super.ioUringRegister(fd, opcode, argument, count);
    const view = this.memory.at(argument, 40);
    if (opcode === c.IORING_REGISTER_PBUF_RING && result === 0 && view !== undefined) {
      this.rings.push({
        address: Number(view.getBigUint64(0, true)),
        entries: view.getUint32(8, true),
        group: view.getUint16(12, true),
      });
    }
    return result;
  }
}

function createRing(kernel: SimKernel): Ring {
  const ring = Ring.create(kernel, { entries: 4, completionEntries: 8, usesOwnMemory: false });
  if (typeof ring === 'number') throw new Error(`set-up failed with ${ring}`);
  ring.enable();
  return ring;
}

interface Slot {
  readonly address: number;
  readonly size: number;
  readonly id: number;
}

/** What the kernel would read: the tail and every slot. */
function slotsOf(kernel: NotingKernel): { tail: number; slots: Slot[] } {
  const [registered] = kernel.rings;
  if (registered === undefined) throw new Error('No buffer ring was registered');
  const view = kernel.memory.at(registered.address, registered.entries * SLOT_SIZE);
  if (view === undefined) throw new Error('The buffer ring is not mapped');
  const slots = Array.from({ length: registered.entries }, (_, i) => ({
    address: Number(view.getBigUint64(i * SLOT_SIZE, true)),
    size: view.getUint32(i * SLOT_SIZE + 8, true),
    id: view.getUint16(i * SLOT_SIZE + 12, true),
  }));
  return { tail: view.getUint16(TAIL_OFFSET, true), slots };
}

describe('BufferRing', () => {
  it('registers its ring and provides every buffer', () => {
    const kernel = new NotingKernel();
    const buffers = new BufferRing(createRing(kernel), 7, 4, 512);
    expect(kernel.rings).toMatchObject([{ entries: 4, group: 7 }]);
    const { tail, slots } = slotsOf(kernel);
    expect(tail).toBe(4);
    const [first] = slots;
    expect(slots).toEqual(
      [0, 1, 2, 3].map((id) => ({ address: (first?.address ?? 0) + 512 * id, size: 512, id })),
    );
    // The slab is what the addresses are of.
    buffers.bytes[buffers.offsetOf(2)] = 0x55;
    expect(kernel.memory.at(slots[2]?.address ?? 0, 1)?.getUint8(0)).toBe(0x55);
    expect([buffers.count, buffers.size, buffers.group]).toEqual([4, 512, 7]);
  });

  it('provides behind what was provided, around the end, without touching the tail’s place', () => {
    const kernel = new NotingKernel();
    const buffers = new BufferRing(createRing(kernel), 0, 4, 64);
    for (const id of [2, 0, 3]) buffers.provide(id);
    const { tail, slots } = slotsOf(kernel);
    expect(tail).toBe(7);
    expect(slots.map(({ id }) => id)).toEqual([2, 0, 3, 3]);
    // A slot that wraps to the first place shares its last two bytes with the tail.
    buffers.provide(1);
    buffers.provide(1);
    expect(slotsOf(kernel)).toMatchObject({ tail: 9, slots: [{ id: 1 }, {}, {}, { id: 1 }] });
  });

  it('lets the tail run over 16 bits', () => {
    const kernel = new NotingKernel();
    const buffers = new BufferRing(createRing(kernel), 0, 2, 64);
    for (let i = 2; i < 65_536 + 3; i += 1) buffers.provide(i & 1);
    expect(slotsOf(kernel)).toMatchObject({ tail: 3, slots: [{ id: 0 }, { id: 1 }] });
  });

  it('copies out, so that the buffer may be provided again', () => {
    const kernel = new NotingKernel();
    const buffers = new BufferRing(createRing(kernel), 0, 4, 8);
    buffers.bytes.write('12345678', buffers.offsetOf(3));
    const copy = buffers.copyOut(3, 5);
    buffers.bytes.fill(0);
    expect(String(copy)).toBe('12345');
    expect(buffers.copyOut(0, 0)).toHaveLength(0);
  });

  it('gives its memory back when it cannot be registered', () => {
    const kernel = new NotingKernel();
    const ring = createRing(kernel);
    const before = kernel.memory.mapped;
    kernel.failRegister(c.IORING_REGISTER_PBUF_RING, -EEXIST, 1);
    expect(() => new BufferRing(ring, 0, 4, 64)).toThrow(
      expect.objectContaining({ code: 'EEXIST', syscall: 'io_uring_register' }),
    );
    expect(kernel.memory.mapped).toBe(before);
  });

  it.each([0, 1])('gives its memory back when mapping %i fails', (after) => {
    const kernel = new NotingKernel();
    const ring = createRing(kernel);
    const before = kernel.memory.mapped;
    kernel.failAllocate(-ENOMEM, 1, after);
    expect(() => new BufferRing(ring, 0, 4, 64)).toThrow(
      expect.objectContaining({ code: 'ENOMEM', syscall: 'mmap' }),
    );
    expect(kernel.memory.mapped).toBe(before);
  });

  it('unregisters by its group, and frees', () => {
    const kernel = new NotingKernel();
    const ring = createRing(kernel);
    const before = kernel.memory.mapped;
    const buffers = new BufferRing(ring, 3, 4, 64);
    buffers.unregister();
    expect(kernel.registers.at(-1)).toEqual({ opcode: c.IORING_UNREGISTER_PBUF_RING, result: 0 });
    buffers.free();
    expect(kernel.memory.mapped).toBe(before);
    expect(buffers.bytes).toHaveLength(0);
  });
});

describe('BufferRing on a real ring', () => {
  ringTest('6.1', 'has buffers picked in order, and again once provided', async ({ open }) => {
    const { ring, scheduler } = open().requireEngine();
    const buffers = new BufferRing(ring, 9, 4, 64);
    const fd = openSync('/proc/self/status', 'r');
    const read = (): Promise<{ result: number; flags: number }> =>
      new Promise((resolve) => {
        scheduler.begin((result, flags) => resolve({ result, flags }), 'read');
        prepRead(scheduler.sqe, fd, 0, 10, 0);
        setSqeFlags(scheduler.sqe, c.IOSQE_BUFFER_SELECT);
        setSqeBufferGroup(scheduler.sqe, 9);
      });
    const pick = async (): Promise<number> => {
      const { result, flags } = await read();
      expect([result, flags & c.IORING_CQE_F_BUFFER]).toEqual([10, c.IORING_CQE_F_BUFFER]);
      const id = flags >>> c.IORING_CQE_BUFFER_SHIFT;
      expect(String(buffers.copyOut(id, 5))).toBe('Name:');
      return id;
    };
    expect([await pick(), await pick(), await pick(), await pick()]).toEqual([0, 1, 2, 3]);
    const isCounted = buffers.countReady() !== -EINVAL;
    if (isCounted) expect(buffers.countReady()).toBe(0);
    expect((await read()).result).toBe(-ENOBUFS);
    for (const id of [2, 0]) buffers.provide(id);
    if (isCounted) expect(buffers.countReady()).toBe(2);
    expect([await pick(), await pick()]).toEqual([2, 0]);
    expect((await read()).result).toBe(-ENOBUFS);
    closeSync(fd);
    buffers.unregister();
    buffers.free();
  });
});
