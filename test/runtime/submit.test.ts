/**
 * A low-level submission on the simulated kernel: what the kernel is given, and what becomes of it.
 * How programs see it is in `runtime.test.ts`.
 */

import { describe, expect, it } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import { EIO } from '../../src/native/errno.ts';
import { prepRead } from '../../src/native/prep.ts';
import type { Sqe } from '../../src/native/layout/sqe.ts';
import { submit } from '../../src/runtime/submit.ts';
import { rejectionOf } from '../support/rejections.ts';
import { closeSim, leftOvers, NOTHING_LEFT, openSim } from '../support/sim-engine.ts';

const prepare = (sqe: Sqe): void => prepRead(sqe, 7, 0x1000, 512, 0);

describe('submit', () => {
  it('keeps what it was given until the last completion', async () => {
    const sim = openSim();
    const result = submit(sim.scheduler, prepare, { keep: 'memory' });
    const kept: unknown[] = [];
    sim.kernel.behave(c.IORING_OP_READ, (operation) => {
      sim.scheduler.operations.forEachInFlight(({ keep }) => kept.push(keep));
      operation.complete(512);
    });
    await sim.loop.turnUntilStopped();
    expect(await result).toBe(512);
    expect(kept).toContain('memory');
    await closeSim(sim);
  });

  it('names the call in the error', async () => {
    const sim = openSim();
    sim.kernel.behave(c.IORING_OP_READ, (operation) => operation.complete(-EIO));
    const failed = rejectionOf(submit(sim.scheduler, prepare, { syscall: 'read' }));
    await sim.loop.turnUntilStopped();
    expect(await failed).toMatchObject({ code: 'EIO', syscall: 'read' });
    await closeSim(sim);
  });

  it.each([true, false])('closes a late descriptor, if told (%s) that it is one', async (told) => {
    const sim = openSim();
    const fd = sim.kernel.openDescriptor();
    const controller = new AbortController();
    sim.kernel.behave(c.IORING_OP_READ, (operation) => {
      operation.complete(fd);
      controller.abort();
    });
    const options = { signal: controller.signal, makesDescriptor: told };
    const failed = rejectionOf(submit(sim.scheduler, prepare, options));
    await sim.loop.turnUntilStopped();
    expect((await failed).name).toBe('AbortError');
    expect(sim.kernel.isOpen(fd)).toBe(!told);
    if (!told) sim.kernel.close(fd);
    await closeSim(sim);
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });
});
