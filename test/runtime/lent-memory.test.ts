/**
 * Registered memory that programs hold: fixed transfers find it, releasing waits for what is in
 * flight, and what is forgotten is given back.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { File } from '../../src/io/file.ts';
import { EINVAL } from '../../src/native/errno.ts';
import * as c from '../../src/native/constants/io-uring.ts';
import { Loan } from '../../src/runtime/lent-memory.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import { ringTest } from '../support/ring-test.ts';
import { closeSim, leftOvers, NOTHING_LEFT } from '../support/sim-engine.ts';
import { SimFiles } from '../support/sim-files.ts';
import { openSimRuntime } from '../support/sim-runtime.ts';
import { RingFile } from '../../src/io/files/ring-file.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { tempDirectory } from '../support/temp-directory.ts';

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

describe('LentMemory', () => {
  ringTest('6.1', 'is read into and written from, whole or in part', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, 'content');
    await using file = await File.open(path, 'r+');
    const buffer = runtime.allocate(8192);
    expect([buffer.length, buffer.every((byte) => byte === 0)]).toEqual([8192, true]);
    expect(runtime.buffers.used).toBe(1);
    expect(await file.read(buffer.subarray(100), { offset: 5, position: 0 })).toBe(7);
    expect(buffer.toString('latin1', 105, 112)).toBe('content');
    buffer.write('NEW', 4000);
    await file.write(buffer, { offset: 4000, length: 3, position: 0 });
    await file.write(new Uint8Array(buffer.buffer, 4000, 1), { position: 7 });
    expect(String(await File.readWhole(path))).toBe('NEWtentN');
    runtime.release(buffer);
    expect(runtime.buffers.used).toBe(0);
    // As ordinary memory.
    expect(await file.read(buffer, { position: 0 })).toBe(8);
    expect(buffer.toString('latin1', 0, 8)).toBe('NEWtentN');
  });

  ringTest('6.1', 'stays readable when the runtime closes', async ({ open }) => {
    const runtime = open();
    const buffer = runtime.allocate(100);
    buffer.fill('x');
    await runtime.close();
    expect(buffer.every((byte) => byte === 0x78)).toBe(true);
    expect(() => runtime.allocate(1)).toThrow(
      expect.objectContaining({ code: 'ERR_RUNTIME_CLOSED' }),
    );
    expect(() => runtime.release(buffer)).not.toThrow();
  });

  ringTest('6.1', 'is given back by whoever forgets it', async ({ open }) => {
    const runtime = open();
    const kept = runtime.allocate(4096);
    for (let i = 0; i < 50; i += 1) runtime.allocate(4096);
    for (let turns = 0; runtime.buffers.used > 1 && turns < 100; turns += 1) {
      collectGarbage();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(runtime.buffers.used).toBe(1);
    runtime.release(kept);
  });

  ringTest('6.1', 'refuses sizes that cannot be, and memory of others', ({ open }) => {
    const runtime = open();
    for (const size of [0, -1, 1.5, 2 ** 31]) {
      expect(() => runtime.allocate(size)).toThrow(
        expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
      );
    }
    const own = { code: 'ERR_INVALID_ARG_VALUE' };
    expect(() => runtime.release(Buffer.alloc(1))).toThrow(expect.objectContaining(own));
    runtime.release(runtime.allocate(1));
    expect(() => runtime.release(Buffer.alloc(1))).toThrow(expect.objectContaining(own));
  });

  it('is an ordinary Buffer without a ring', async () => {
    await using runtime = new Runtime({ backend: 'libuv' });
    const buffer = runtime.allocate(10);
    expect([...buffer]).toEqual(Array.from({ length: 10 }, () => 0));
    runtime.release(buffer);
  });

  it('makes transfers fixed ones until it is released, and that waits for them', async () => {
    const { sim, runtime } = openSimRuntime();
    sim.kernel.failRegister(c.IORING_REGISTER_BUFFERS_UPDATE, 1, 10);
    const files = new SimFiles(sim.kernel, new SeededRandom(1));
    expect(files.openFiles).toBe(0);
    const file = new RingFile(runtime, sim.kernel.openDescriptor());
    const buffer = sim.engine.lend(4096);
    sim.kernel.hold(c.IORING_OP_READ_FIXED);
    const reading = file.read(buffer.subarray(100, 200), { position: 5 });
    sim.scheduler.flush();
    const [held] = sim.kernel.held(c.IORING_OP_READ_FIXED);
    expect([held?.length, held?.offset, (held?.words[10] ?? 0) & 0xffff]).toEqual([100, 5, 0]);
    sim.engine.lent?.release(buffer);
    expect(sim.engine.buffers.used).toBe(1);
    held?.complete(50);
    await sim.loop.turn();
    expect([await reading, sim.engine.buffers.used]).toEqual([50, 0]);
    sim.kernel.hold(c.IORING_OP_READ);
    const plain = file.read(buffer, {});
    sim.scheduler.flush();
    const [read] = sim.kernel.held(c.IORING_OP_READ);
    read?.complete(0);
    await sim.loop.turn();
    expect(await plain).toBe(0);
    await closeSim(sim);
    expect(leftOvers(sim).rings).toBe(NOTHING_LEFT.rings);
  });

  it('makes transfers of a polled file fixed ones too, where its ring has the clone', async () => {
    for (const [cloned, opcode] of [
      [1, c.IORING_OP_READ_FIXED],
      [-EINVAL, c.IORING_OP_READ],
    ] as const) {
      const { sim, runtime } = openSimRuntime();
      sim.kernel.failRegister(c.IORING_REGISTER_BUFFERS_UPDATE, 1, 10);
      sim.kernel.failRegister(c.IORING_REGISTER_CLONE_BUFFERS, cloned, 10);
      sim.kernel.hold(c.IORING_OP_STATX);
      const file = new RingFile(runtime, sim.kernel.openDescriptor());
      const opening = file.useDirect('busy');
      sim.scheduler.flush();
      sim.kernel.held(c.IORING_OP_STATX)[0]?.complete(0);
      await sim.loop.turn();
      await opening;
      expect(file.polling).toBe('busy');
      const buffer = sim.engine.lend(4096);
      sim.kernel.hold(opcode);
      const reading = file.read(buffer, { position: 0 });
      await sim.loop.turn();
      const held = sim.kernel.held(opcode);
      expect(held.map(({ length, offset }) => [length, offset])).toEqual([[4096, 0]]);
      held[0]?.complete(4096);
      await sim.loop.turn();
      expect(await reading).toBe(4096);
      sim.engine.lent?.release(buffer);
      expect(sim.engine.buffers.used).toBe(0);
      await closeSim(sim);
    }
  });
});

describe('Loan', () => {
  it('is unregistered once, by the last of its users', () => {
    const calls: string[] = [];
    const loan = new Loan({
      index: 3,
      address: 4096,
      bytes: Buffer.alloc(0),
      unregister: () => calls.push('unregister'),
      share: () => {
        throw new Error('Not shared');
      },
      release: () => calls.push('release'),
    });
    loan.begin();
    loan.begin();
    expect(loan.index).toBe(3);
    loan.release();
    loan.end();
    expect([loan.index, calls]).toEqual([-1, []]);
    loan.end();
    expect(calls).toEqual(['unregister']);
    loan.free();
    expect(calls).toEqual(['unregister', 'release']);
  });
});
