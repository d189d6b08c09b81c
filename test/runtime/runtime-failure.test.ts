/**
 * A runtime whose ring cannot be had, breaks, or is left behind by the process: on the simulated
 * kernel, which takes the place of Linux here.
 */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as c from '../../src/native/constants/io-uring.ts';
import * as errno from '../../src/native/errno.ts';
import type { Host } from '../../src/native/kernel.ts';
import { prepNop } from '../../src/native/prep.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import type { RuntimeOptions } from '../../src/runtime/options.ts';
import { SimKernel } from '../support/sim-kernel.ts';
import { SimLoop } from '../support/sim-loop.ts';
import { uncaughtErrors } from '../support/uncaught-errors.ts';
import { rejectionOf } from '../support/rejections.ts';

const linux = vi.hoisted(() => ({ host: 'not set' as unknown }));

vi.mock('../../src/native/kernel.ts', () => ({ linuxHost: () => linux.host }));

let kernel: SimKernel;
let loop: SimLoop;

beforeEach(() => {
  kernel = new SimKernel();
  loop = new SimLoop(kernel);
  linux.host = { kernel, loop } satisfies Host;
});

/** Opens a runtime that is closed in turns of the loop when the test is over. */
function open(options: RuntimeOptions = {}): Runtime {
  const opened = new Runtime({ entries: 8, completionEntries: 16, ...options });
  onTestFinished(() => close(opened));
  return opened;
}

async function close(opened: Runtime): Promise<void> {
  const closing = Promise.allSettled([opened.close()]);
  while (loop.isStarted) await loop.turn();
  await closing;
}

/** Breaks the ring of a runtime, and returns the error. */
async function breakRing(opened: Runtime): Promise<Error> {
  const failed = new Promise<Error>((resolve) => opened.on('failure', resolve));
  opened.nop(() => {});
  kernel.failEnter(-errno.EFAULT);
  await loop.turn();
  return failed;
}

/** Notes what is published on a topic until the test is over. */
function published(topic: string): unknown[] {
  const messages: unknown[] = [];
  const note = (message: unknown): void => {
    messages.push(message);
  };
  subscribe(topic, note);
  onTestFinished(() => {
    unsubscribe(topic, note);
  });
  return messages;
}

describe('Runtime, a ring that cannot be had', () => {
  it.each([
    ['the platform has none', () => (linux.host = 'the platform is plan9'), 'platform'],
    ['the set-up is refused', () => kernel.failSetup(-errno.EINVAL), 'kernel'],
    ['there is no memory', () => kernel.failSetup(-errno.ENOMEM), 'memlock'],
    ['the first NOP never comes', () => kernel.hold(c.IORING_OP_NOP), 'broken'],
    ['enter fails', () => kernel.faults.add('enter', -errno.EFAULT, Infinity), 'broken'],
  ])('falls back when %s, and works', async (_name, prepare, reason) => {
    prepare();
    const failures = published('onering:failure');
    const opened = open();
    expect([opened.backend, opened.reason?.reason]).toEqual(['libuv', reason]);
    expect(opened.isClosed).toBe(false);
    expect(await opened.nop()).toBe(0);
    expect(failures).toEqual([]);
  });

  it('throws the reason when the ring was insisted on, and leaves the thread free', () => {
    kernel.failSetup(-errno.EINVAL, 2);
    expect(() => new Runtime({ backend: 'uring' })).toThrow(
      expect.objectContaining({ code: 'ERR_URING_UNAVAILABLE', reason: 'kernel' }),
    );
    expect(open().backend).toBe('uring');
  });

  it('does not look for a ring that was switched off', () => {
    expect(open({ backend: 'libuv' }).backend).toBe('libuv');
    expect(kernel.setups).toEqual([]);
  });
});

describe('Runtime, a ring that breaks', () => {
  it('rejects what is in flight, and says so once', async () => {
    const failures = published('onering:failure');
    const opened = open();
    const pending = opened.nop();
    const outcome = rejectionOf(pending);
    const error = await breakRing(opened);
    expect(await outcome).toMatchObject({ code: 'EFAULT' });
    expect(error).toMatchObject({ code: 'EFAULT', syscall: 'io_uring_enter' });
    expect(failures).toEqual([error]);
    expect(opened.isClosed).toBe(true);
    expect([kernel.liveRings, loop.isStarted]).toEqual([0, false]);
  });

  it('tells callbacks', async () => {
    const opened = open();
    const seen: number[] = [];
    opened.nop((result) => seen.push(result));
    await breakRing(opened);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBeLessThan(0);
  });

  it('rejects what is begun afterwards with the same error, and never throws it', async () => {
    const opened = open();
    const error = await breakRing(opened);
    const later = opened.nop();
    await expect(later).rejects.toBe(error);
    await expect(opened.submit(prepNop)).rejects.toBe(error);
    expect(() => opened.multishot(prepNop)).toThrow(error);
    expect(() => opened.nop(() => {})).toThrow(error);
  });

  it('rejects the promise of the NOP in whose making it breaks', async () => {
    const opened = open();
    const queued = Array.from({ length: 8 }, () => opened.nop());
    const settled = Promise.allSettled(queued);
    kernel.faults.add('enter', -errno.EFAULT, Infinity);
    await expect(opened.nop()).rejects.toMatchObject({ code: 'EFAULT' });
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'EFAULT' } });
    }
  });

  it('leaves the thread to a new runtime', async () => {
    const first = open();
    await breakRing(first);
    const second = open();
    expect(second.backend).toBe('uring');
    const done = second.nop();
    await loop.turnUntilStopped();
    expect(await done).toBe(0);
  });

  it('is closed once: each topic is told once', async () => {
    const closes = published('onering:runtime:close');
    const opened = open();
    let count = 0;
    opened.on('close', () => (count += 1));
    await breakRing(opened);
    await opened.close();
    await opened.close();
    expect(closes).toEqual([opened]);
    expect(count).toBe(1);
  });

  it('reports what a listener of the failure throws', async () => {
    const opened = open();
    opened.on('failure', () => {
      throw new Error('listener');
    });
    opened.nop(() => {});
    kernel.failEnter(-errno.EFAULT);
    const errors = await uncaughtErrors(() => loop.turn());
    expect(opened.isClosed).toBe(true);
    expect(errors.map(String)).toEqual(['Error: listener']);
  });

  it('ends what closes it, and everything in flight, when it breaks while closing', async () => {
    const opened = open();
    kernel.hold(c.IORING_OP_NOP);
    const pending = rejectionOf(opened.nop());
    const closing = opened.close().then(
      () => 'closed',
      (error: unknown) => error,
    );
    kernel.failEnter(-errno.EFAULT);
    await loop.turn();
    expect(await pending).toMatchObject({ code: 'EFAULT' });
    const outcome = await closing;
    expect(outcome === 'closed' || (outcome as { code?: string }).code === 'EFAULT').toBe(true);
    expect(kernel.liveRings).toBe(0);
    kernel.behave(c.IORING_OP_NOP, (operation) => operation.complete(0));
    const next = open();
    expect(next.backend).toBe('uring');
  });
});

describe('Runtime, when the process exits', () => {
  /** Calls the listener that a runtime put on the process. */
  function exitListener(make: () => Runtime): [Runtime, () => void] {
    const before = new Set<unknown>(process.listeners('exit'));
    const opened = make();
    const listener = process.listeners('exit').find((each) => !before.has(each));
    if (listener === undefined) throw new Error('The runtime does not listen');
    return [opened, () => listener(0)];
  }

  it('cancels and closes at once', () => {
    const [opened, exit] = exitListener(open);
    kernel.hold(c.IORING_OP_NOP);
    opened.nop(() => {});
    const startMs = kernel.nowMs();
    exit();
    expect([kernel.liveRings, kernel.nowMs() - startMs]).toEqual([0, 0]);
    expect(loop.isStarted).toBe(false);
  });

  it('does so as well when it is closing and has not finished', async () => {
    const [opened, exit] = exitListener(open);
    kernel.hold(c.IORING_OP_NOP);
    opened.nop(() => {});
    const closing = Promise.allSettled([opened.close()]);
    exit();
    expect([kernel.liveRings, kernel.held()]).toEqual([0, []]);
    await closing;
  });

  it('has nothing left to do after it was closed or has failed', async () => {
    const [closed, exitClosed] = exitListener(open);
    await close(closed);
    expect(exitClosed).not.toThrow();
    const [failed, exitFailed] = exitListener(open);
    await breakRing(failed);
    expect(exitFailed).not.toThrow();
    expect(kernel.liveRings).toBe(0);
  });
});
