/**
 * The polled ring on the simulated kernel, driven by the scheduler: while it has work nothing
 * sleeps, nobody waits in it, and it ends with the thread's own ring.
 */

// oxlint-disable vitest/no-standalone-expect -- each test ends with nothing left.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import { EAGAIN, EBUSY, EINVAL, EIO } from '../../src/native/errno.ts';
import { prepRead } from '../../src/native/prep.ts';
import { promiseOf, settleWithResult } from '../../src/runtime/completion-promise.ts';
import type { PolledRing } from '../../src/runtime/polled-ring.ts';
import { rejectionOf } from '../support/rejections.ts';
import { closeSim, leftOvers, nop, NOTHING_LEFT, openSim } from '../support/sim-engine.ts';
import type { Sim } from '../support/sim-engine.ts';
import type { SimRing } from '../support/sim-ring.ts';

let sim: Sim;
let main: SimRing;
let polled: PolledRing;

beforeEach(() => {
  sim = openSim();
  main = sim.kernel.ring;
  const made = sim.scheduler.polled.of('hybrid');
  if (typeof made === 'number') throw new Error(`No polled ring: ${made}`);
  polled = made;
  sim.kernel.hold(c.IORING_OP_READ);
});

afterEach(async () => {
  await closeSim(sim);
  expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
});

function read(): Promise<number> {
  const operation = sim.scheduler.beginPolled(polled, settleWithResult, 'read');
  prepRead(polled.sqe, 3, 0x1000, 512, 0);
  return promiseOf<number>(operation);
}

/** Calls of `enter` since `from` that could sleep. */
function sleeps(from: number): number {
  return sim.kernel.enters.slice(from).filter(({ minComplete }) => minComplete > 0).length;
}

describe('PolledRing', () => {
  it('is made for polling, beside the ring of the thread', () => {
    const flags = c.IORING_SETUP_IOPOLL | c.IORING_SETUP_HYBRID_IOPOLL;
    expect(sim.kernel.ring.flags & flags).toBe(flags);
    expect(main.flags & flags).toBe(0);
  });

  it('settles what the device completes', async () => {
    const result = read();
    await sim.loop.turn();
    expect(sim.kernel.held(c.IORING_OP_READ)).toHaveLength(1);
    expect(sim.scheduler.inFlight).toBe(1);
    sim.kernel.held(c.IORING_OP_READ)[0]?.complete(512);
    await sim.loop.turn();
    expect(await result).toBe(512);
    expect([sim.scheduler.inFlight, polled.inFlight, polled.isBusy]).toEqual([0, 0, false]);
  });

  it('keeps every wait away while the device works, and no longer', async () => {
    const from = sim.kernel.enters.length;
    const result = read();
    await sim.loop.turn();
    await sim.loop.turn();
    expect(sleeps(from)).toBe(0);
    sim.kernel.held(c.IORING_OP_READ)[0]?.complete(512);
    await sim.loop.turn();
    await result;
    sim.kernel.behave(c.IORING_OP_NOP, (operation) => {
      sim.kernel.at(3, () => operation.complete(0));
    });
    const main2 = nop(sim);
    await sim.loop.turn();
    expect(await main2).toBe(0);
    expect(sleeps(from)).toBeGreaterThan(0);
  });

  it('goes on with the ring of the thread meanwhile', async () => {
    const result = read();
    expect(await Promise.all([nop(sim), nop(sim), sim.loop.turn()])).toEqual([0, 0, undefined]);
    sim.kernel.held(c.IORING_OP_READ)[0]?.complete(-EIO);
    await Promise.all([
      sim.loop.turn(),
      expect(result).rejects.toMatchObject({ code: 'EIO', syscall: 'read' }),
    ]);
  });

  it('takes more than its queue holds', async () => {
    sim.kernel.behave(c.IORING_OP_READ, (operation) => operation.complete(operation.length));
    const results = Promise.all(Array.from({ length: 700 }, read));
    await sim.loop.turnUntilStopped();
    expect(await results).toEqual(Array.from({ length: 700 }, () => 512));
    expect(polled.isBusy).toBe(false);
  });

  it.each([EAGAIN, EBUSY])('tries again when an enter returns -%i', async (errno) => {
    sim.kernel.behave(c.IORING_OP_READ, (operation) => operation.complete(512));
    const result = read();
    sim.kernel.failEnter(-errno);
    await sim.loop.turnUntilStopped();
    expect(await result).toBe(512);
    expect(sim.failures).toEqual([]);
  });
});

describe('PolledRing, at the end', () => {
  it('lets the runtime close when the device has answered', async () => {
    const result = read();
    await sim.loop.turn();
    const [held] = sim.kernel.held(c.IORING_OP_READ);
    sim.kernel.at(0, () => {});
    const closing = sim.engine.close();
    await sim.loop.turn();
    held?.complete(512);
    await Promise.all([closing, sim.loop.turnUntilStopped()]);
    expect(await result).toBe(512);
  });

  it('is waited for at the exit', async () => {
    void rejectionOf(read());
    await sim.loop.turn();
    const [held] = sim.kernel.held(c.IORING_OP_READ);
    sim.kernel.at(1, () => held?.complete(512));
    // The clock moves only when it is asked for.
    const ticking = sim.kernel.nowMs.bind(sim.kernel);
    sim.kernel.nowMs = () => {
      sim.kernel.advance(0.1);
      return ticking();
    };
    sim.engine.discard();
    expect(leftOvers(sim)).toEqual(NOTHING_LEFT);
  });
});

describe('PolledRing that breaks', () => {
  it('fails everything', async () => {
    const result = rejectionOf(read());
    sim.kernel.failEnter(-EINVAL);
    await sim.loop.turn();
    expect(await result).toMatchObject({ code: 'EINVAL' });
    expect(sim.failures).toHaveLength(1);
    // Its memory is leaked on purpose: another simulation is closed instead.
    sim = openSim();
  });
});
