/**
 * Promises of operations: what settles them with what, and that nothing is shared by mistake.
 */

import { describe, expect, it } from 'vitest';
import { IORING_CQE_F_MORE, IORING_CQE_F_NOTIF } from '../../src/native/constants/io-uring.ts';
import { ENOENT } from '../../src/native/errno.ts';
import { promiseOf, settleWithResult } from '../../src/runtime/completion-promise.ts';
import { SystemError } from '../../src/runtime/errors.ts';
import { Operation } from '../../src/runtime/operation.ts';
import { macrotask } from '../support/sim-loop.ts';
import { heldOf, holdNops, nop, nopThen, openSim } from '../support/sim-engine.ts';
import { rejectionOf } from '../support/rejections.ts';

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let isDone = false;
  const note = (): void => {
    isDone = true;
  };
  promise.then(note, note);
  await macrotask(() => {});
  return isDone;
}

describe('promiseOf', () => {
  it('parks the functions of each promise in its own record', async () => {
    const operations = [new Operation(0), new Operation(1), new Operation(2)];
    const promises = operations.map((operation) => promiseOf<number>(operation));
    operations[2]?.resolve?.(2 as never);
    operations[0]?.reject?.(new Error('zero'));
    operations[1]?.resolve?.(1 as never);
    expect(await Promise.allSettled(promises)).toMatchObject([
      { status: 'rejected', reason: { message: 'zero' } },
      { status: 'fulfilled', value: 1 },
      { status: 'fulfilled', value: 2 },
    ]);
  });
});

describe('settleWithResult', () => {
  it.each([0, 1, 0x7fffffff])('resolves to %d', async (result) => {
    const operation = new Operation(0);
    const promise = promiseOf<number>(operation);
    settleWithResult(result, 0, operation);
    expect(await promise).toBe(result);
  });

  it('rejects with the error that Node would make, path included', async () => {
    const operation = new Operation(0);
    operation.syscall = 'open';
    operation.path = '/nowhere';
    const promise = promiseOf<number>(operation);
    settleWithResult(-ENOENT, 0, operation);
    const error = await promise.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SystemError);
    expect(error).toMatchObject({
      message: "ENOENT: no such file or directory, open '/nowhere'",
      code: 'ENOENT',
      errno: -2,
      syscall: 'open',
      path: '/nowhere',
    });
  });

  it('does nothing for an operation that nobody waits for', () => {
    expect(() => settleWithResult(-ENOENT, 0, new Operation(0))).not.toThrow();
  });

  it('settles when the kernel has let go of the memory: at the last completion', async () => {
    // A zero-copy send: the result first, then the word that the buffer is free again.
    const sim = openSim();
    holdNops(sim);
    const promise = nop(sim);
    sim.scheduler.flush();
    const [held] = sim.kernel.held(0);
    if (held === undefined) throw new Error('nothing is held');
    sim.kernel.at(1, () => held.complete(5, IORING_CQE_F_MORE));
    sim.kernel.at(2, () => sim.loop.setReady(true));
    await sim.loop.turn();
    expect(await isSettled(promise)).toBe(false);
    sim.kernel.at(3, () => held.complete(0, IORING_CQE_F_NOTIF));
    await sim.loop.turnUntilStopped();
    expect(await promise).toBe(5);
  });

  it('rejects at the last completion when the first had failed', async () => {
    const sim = openSim();
    holdNops(sim);
    const promise = nop(sim);
    const outcome = rejectionOf(promise);
    sim.scheduler.flush();
    const [held] = sim.kernel.held(0);
    sim.kernel.at(1, () => held?.complete(-ENOENT, IORING_CQE_F_MORE));
    sim.kernel.at(2, () => held?.complete(0, IORING_CQE_F_NOTIF));
    await sim.loop.turnUntilStopped();
    expect(await outcome).toMatchObject({ code: 'ENOENT' });
  });

  it('settles each of many in the order of completion', async () => {
    const sim = openSim();
    holdNops(sim);
    const order: number[] = [];
    const operations = [0, 1, 2, 3].map((name) => {
      const operation = nopThen(sim, settleWithResult);
      void promiseOf<number>(operation).then(() => order.push(name));
      return operation;
    });
    sim.kernel.at(1, () => {
      for (const name of [2, 0, 3, 1]) {
        const operation = operations[name];
        if (operation !== undefined) heldOf(sim, operation).complete(0);
      }
    });
    await sim.loop.turnUntilStopped();
    expect(order).toEqual([2, 0, 3, 1]);
  });
});
