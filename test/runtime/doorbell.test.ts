/**
 * The doorbell on a real ring, rung from the ring itself: a ring may message any ring.
 */

import { describe, expect } from 'vitest';
import { EBADF, EBADFD } from '../../src/native/constants/errno.ts';
import { prepMsgRing } from '../../src/native/prep.ts';
import { MESSAGE_INDEX } from '../../src/runtime/operation-table.ts';
import { ringTest } from '../support/ring-test.ts';

const silent = { onRing: () => {}, onSilence: () => {} };

describe('Doorbell', () => {
  ringTest('6.1', 'rings the bell that is meant, and no other', async ({ open }) => {
    const runtime = open();
    const { doorbell, ring } = runtime.requireEngine();
    const heard: string[] = [];
    const first = doorbell.hang({ ...silent, onRing: () => heard.push('first') });
    const second = doorbell.hang({ ...silent, onRing: () => heard.push('second') });
    const rang = await new Promise((resolve) => {
      doorbell.ring(ring.fd, second, { onRang: resolve });
    });
    await runtime.nop();
    expect([rang, heard, doorbell.size]).toEqual([0, ['second'], 2]);
    expect(runtime.metrics()).toMatchObject({ messages: 1, lateCompletions: 0 });
    doorbell.takeDown(first);
    doorbell.takeDown(second);
    doorbell.takeDown(second);
    expect(doorbell.size).toBe(0);
    await runtime.nop();
  });

  ringTest('6.1', 'takes no late ring for a completion', async ({ open }) => {
    const runtime = open();
    const { doorbell, ring } = runtime.requireEngine();
    const gone = doorbell.hang(silent);
    doorbell.takeDown(gone);
    // Every id there is in the table, and one that is not.
    for (const id of [0, 1, gone, -1]) {
      await runtime.submit((sqe) => prepMsgRing(sqe, ring.fd, -1, MESSAGE_INDEX, id, 0));
    }
    await runtime.nop();
    expect(runtime.metrics()).toMatchObject({ messages: 4, lateCompletions: 0 });
  });

  ringTest('6.1', 'says when nobody can have heard it', async ({ open }) => {
    const { doorbell, host } = open().requireEngine();
    const ring = (fd: number): Promise<number> =>
      new Promise((resolve) => doorbell.ring(fd, 1, { onRang: resolve }));
    expect(await ring(host.loop.backendFd)).toBe(-EBADFD);
    expect(await ring(1_000_000)).toBe(-EBADF);
  });

  ringTest('6.1', 'holds the thread only for bells that are referenced', async ({ open }) => {
    const runtime = open();
    const { doorbell, scheduler } = runtime.requireEngine();
    const before = scheduler.operations.referenced;
    const bell = doorbell.hang(silent);
    const held = (): number => scheduler.operations.referenced - before;
    const seen = [held()];
    doorbell.setReferenced(bell, true);
    doorbell.setReferenced(bell, true);
    seen.push(held());
    doorbell.setReferenced(bell, false);
    seen.push(held());
    doorbell.setReferenced(bell, true);
    doorbell.takeDown(bell);
    seen.push(held());
    expect(seen).toEqual([0, 1, 0, 0]);
    // Hung again before the last hold is over: it is held anew.
    const other = doorbell.hang(silent);
    await runtime.nop();
    await runtime.nop();
    expect(runtime.metrics().inFlight).toBe(1);
    doorbell.takeDown(other);
    await runtime.nop();
  });

  ringTest('6.1', 'hears of a ring that breaks', async ({ open }) => {
    const runtime = open();
    const { doorbell, scheduler } = runtime.requireEngine();
    const silenced = new Promise<void>((resolve) => {
      doorbell.hang({ onRing: () => {}, onSilence: resolve });
    });
    // No ring can be entered through this descriptor.
    Object.defineProperty(scheduler.ring, 'enter', { value: () => -EBADF });
    runtime.on('failure', () => {});
    runtime.nop(() => {});
    await silenced;
  });
});
