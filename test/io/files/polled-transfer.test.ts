/**
 * A polled transfer on the simulated kernel: what is handed to the ordinary ring when a device
 * refuses, and that its promise, its memory and its signal go with it.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as c from '../../../src/native/constants/io-uring.ts';
import { EAGAIN, EIO, EOPNOTSUPP } from '../../../src/native/errno.ts';
import { prepRead } from '../../../src/native/prep.ts';
import { PolledTransfer } from '../../../src/io/files/polled-transfer.ts';
import type { PolledFile } from '../../../src/io/files/polled-transfer.ts';
import { promiseOf, settleWithResult } from '../../../src/runtime/completion-promise.ts';
import type { Operation } from '../../../src/runtime/operation.ts';
import type { PolledRing } from '../../../src/runtime/polled-ring.ts';
import { closeSim, openSim } from '../../support/sim-engine.ts';
import type { Sim } from '../../support/sim-engine.ts';

let sim: Sim;
let polled: PolledRing;
let told: unknown[];
let file: PolledFile;

beforeEach(() => {
  sim = openSim();
  const made = sim.scheduler.polled.of('busy');
  if (typeof made === 'number') throw new Error(`No polled ring: ${made}`);
  polled = made;
  told = [];
  file = {
    settle: (_, result) => told.push(result),
    stopPolling: () => told.push('stop'),
    beginAgain: (transfer: PolledTransfer, refused: Operation) => {
      told.push([transfer.address, transfer.length, transfer.position, refused.keep]);
      settleWithResult(0, 0, refused);
    },
  };
});

afterEach(() => closeSim(sim));

async function resultOf(result: number): Promise<number> {
  sim.kernel.behave(c.IORING_OP_READ, (operation) => {
    expect([operation.fd, operation.address, operation.length]).toEqual([7, 0x2000, 512]);
    operation.complete(result);
  });
  const transfer = new PolledTransfer(file, prepRead, 0x2000, 512, 1024);
  const operation = transfer.begin(sim.scheduler, polled, 7, 'read');
  operation.keep = 'memory';
  const promise = promiseOf<number>(operation);
  await Promise.allSettled([sim.loop.turnUntilStopped(), promise]);
  return await promise;
}

describe('PolledTransfer', () => {
  it('settles what the device completed', async () => {
    expect(await resultOf(512)).toBe(512);
    expect(told).toEqual([512]);
  });

  it('rejects with what went wrong', async () => {
    await expect(resultOf(-EIO)).rejects.toMatchObject({ code: 'EIO', syscall: 'read' });
    expect(told).toEqual([-EIO]);
  });

  it('gives polling up where the device has no poll queues, and begins again', async () => {
    expect(await resultOf(-EOPNOTSUPP)).toBe(0);
    expect(told).toEqual(['stop', [0x2000, 512, 1024, 'memory']]);
  });

  it('begins again, and keeps polling, when a queue was full', async () => {
    expect(await resultOf(-EAGAIN)).toBe(0);
    expect(told).toEqual([[0x2000, 512, 1024, 'memory']]);
  });
});
