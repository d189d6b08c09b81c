/**
 * The runtime that a program holds: one a thread, on the ring and without it, open and closed. What
 * happens when the ring breaks is in `runtime-failure.test.ts`.
 */

import { closeSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { IORING_NOP_INJECT_RESULT } from '../../src/native/constants/io-uring.ts';
import { AF_UNIX, SOCK_STREAM } from '../../src/native/constants/sockets.ts';
import { prepNop, prepPollAdd, prepSocket } from '../../src/native/prep.ts';
import type { Sqe } from '../../src/native/layout/sqe.ts';
import { Runtime, runtime } from '../../src/runtime/runtime.ts';
import type { ResizeEvent } from '../../src/runtime/pressure.ts';
import { ringTest } from '../support/ring-test.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { uncaughtErrors } from '../support/uncaught-errors.ts';
import { rejectionOf } from '../support/rejections.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Fills in a NOP whose completion carries this result. */
function prepResult(sqe: Sqe, result: number): void {
  prepNop(sqe);
  sqe.words[sqe.base + 6] = result;
  sqe.words[sqe.base + 7] = IORING_NOP_INJECT_RESULT;
}

/** Fills in a poll of the ring's own descriptor for nothing: it never completes by itself. */
function prepForever(target: Runtime): (sqe: Sqe) => void {
  const { fd } = target.requireEngine().ring;
  return (sqe) => prepPollAdd(sqe, fd, 0);
}

describe('Runtime, one a thread', () => {
  ringTest('6.1', 'is what runtime() returns while it is open', async (test) => {
    const mine = test.open();
    expect(runtime()).toBe(mine);
    await mine.close();
    const next = runtime();
    expect(next).not.toBe(mine);
    await next.close();
  });

  ringTest('6.1', 'refuses a second one, and leaves the first alone', async (test) => {
    const first = test.open();
    const refused = expect.objectContaining({ code: 'ERR_RUNTIME_OPEN' });
    expect(() => new Runtime()).toThrow(refused);
    expect(() => new Runtime({ backend: 'libuv' })).toThrow(refused);
    expect(await first.nop()).toBe(0);
  });

  it('checks its options before anything is opened', () => {
    expect(() => new Runtime({ entries: 0 })).toThrow(RangeError);
    expect(() => new Runtime({ entires: 8 } as never)).toThrow(/did you mean "entries"/);
    vi.stubEnv('ONERING_BACKEND', 'epoll');
    expect(() => new Runtime()).toThrow(/ONERING_BACKEND/);
  });

  ringTest('6.1', 'leaves no listener on the process', async (test) => {
    const before = process.listenerCount('exit');
    const opened = test.open();
    expect(process.listenerCount('exit')).toBe(before + 1);
    await opened.close();
    expect(process.listenerCount('exit')).toBe(before);
  });
});

describe('Runtime, on the ring', () => {
  ringTest('6.1', 'says so', (test) => {
    const opened = test.open();
    expect([opened.backend, opened.reason, opened.isClosed]).toEqual(['uring', null, false]);
  });

  ringTest('6.1', 'answers NOPs as promises and as callbacks', async (test) => {
    const opened = test.open();
    expect(await opened.nop()).toBe(0);
    const seen = await new Promise((resolve) => {
      opened.nop((result, flags) => resolve([result, flags]));
    });
    expect(seen).toEqual([0, 0]);
    expect(() => opened.nop(5 as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
    expect(opened.metrics().inFlight).toBe(0);
  });

  ringTest('6.13', 'resolves to the result and rejects with the errno', async (test) => {
    const opened = test.open();
    expect(await opened.submit((sqe) => prepResult(sqe, 1234))).toBe(1234);
    const failing = opened.submit((sqe) => prepResult(sqe, -5), { syscall: 'nop' });
    await expect(failing).rejects.toMatchObject({
      code: 'EIO',
      errno: -5,
      syscall: 'nop',
      message: 'EIO: i/o error, nop',
    });
  });

  ringTest('6.1', 'closes a descriptor that an abort came too late for', async (test) => {
    const opened = test.open();
    const controller = new AbortController();
    const prepare = (sqe: Sqe): void => prepSocket(sqe, AF_UNIX, SOCK_STREAM, 0, 0);
    const { signal } = controller;
    const kept = await opened.submit(prepare, { signal, makesDescriptor: true });
    const opening = opened.submit(prepare, { signal, makesDescriptor: true });
    opened.requireEngine().scheduler.flush();
    const reason = new Error('enough');
    controller.abort(reason);
    // What is open at the end of this test, but for `kept`, fails it.
    expect(await rejectionOf(opening)).toBe(reason);
    closeSync(kept);
  });

  ringTest('6.1', 'rejects what prepare throws, and submits nothing of it', async (test) => {
    const opened = test.open();
    const failure = new Error('prepare');
    const failing = opened.submit((sqe) => {
      prepForever(opened)(sqe);
      throw failure;
    });
    await expect(failing).rejects.toBe(failure);
    await opened.nop();
    expect(opened.metrics().inFlight).toBe(0);
  });

  ringTest('6.1', 'refuses bad arguments with a code before anything is begun', async (test) => {
    const opened = test.open();
    const { operations } = opened.metrics();
    const code = { code: 'ERR_INVALID_ARG_TYPE' };
    await expect(opened.submit(5 as never)).rejects.toMatchObject(code);
    await expect(opened.submit(prepNop, null as never)).rejects.toMatchObject(code);
    await expect(opened.submit(prepNop, { signal: 42 as never })).rejects.toMatchObject(code);
    await expect(opened.submit(prepNop, { signal: {} as never })).rejects.toMatchObject(code);
    expect(() => opened.multishot(5 as never)).toThrow(expect.objectContaining(code));
    expect(() => opened.multishot(prepNop, { signal: 42 as never })).toThrow(
      expect.objectContaining(code),
    );
    expect(opened.metrics().operations).toBe(operations);
  });

  ringTest('6.1', 'does not begin what is aborted already', async (test) => {
    const opened = test.open();
    const reason = new Error('never mind');
    const signal = AbortSignal.abort(reason);
    const { operations } = opened.metrics();
    await expect(opened.submit(prepNop, { signal })).rejects.toBe(reason);
    expect(() => opened.multishot(prepNop, { signal })).toThrow(reason);
    expect(opened.metrics().operations).toBe(operations);
  });

  ringTest('6.1', 'aborts what is in flight', async (test) => {
    const opened = test.open();
    const controller = new AbortController();
    const reason = new Error('enough');
    const pending = opened.submit(prepForever(opened), { signal: controller.signal });
    const outcome = rejectionOf(pending);
    await opened.nop();
    expect(opened.metrics().inFlight).toBe(1);
    controller.abort(reason);
    expect(await outcome).toBe(reason);
  });

  ringTest('6.1', 'settles every one of many random aborts', async (test) => {
    const random = new SeededRandom();
    const opened = test.open({ entries: 64, completionEntries: 128 });
    const reason = new Error('enough');
    const outcomes = new Map<string, number>();
    const all: Promise<void>[] = [];
    const note = (outcome: string): void => {
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    };
    for (let i = 0; i < 5000; i += 1) {
      const controller = new AbortController();
      const isLong = random.chance(0.5);
      const prepare = isLong ? prepForever(opened) : prepNop;
      const done = opened.submit(prepare, { signal: controller.signal });
      all.push(
        done.then(
          (result) => note(`result ${result}`),
          (error: unknown) => note(error === reason ? 'aborted' : String(error)),
        ),
      );
      if (isLong || random.chance(0.3)) {
        if (random.chance(0.5)) controller.abort(reason);
        else queueMicrotask(() => controller.abort(reason));
      }
      if (random.chance(0.02)) await opened.nop();
    }
    await Promise.all(all);
    expect([...outcomes.keys()].toSorted(), random.replay).toEqual(['aborted', 'result 0']);
    expect(opened.metrics(), random.replay).toMatchObject({ inFlight: 0, lateCompletions: 0 });
  });

  ringTest('6.1', 'keeps what the kernel may touch until the end', async (test) => {
    const opened = test.open();
    const controller = new AbortController();
    let kept: object | null = { memory: true };
    const reference = new WeakRef(kept);
    const pending = opened.submit(prepForever(opened), { keep: kept, signal: controller.signal });
    kept = null;
    await opened.nop();
    const records: unknown[] = [];
    opened.requireEngine().scheduler.operations.forEachInFlight(({ keep }) => records.push(keep));
    expect(records).toContain(reference.deref());
    controller.abort();
    await expect(pending).rejects.toThrow('aborted');
    records.length = 0;
    opened.requireEngine().scheduler.operations.forEachInFlight(({ keep }) => records.push(keep));
    expect(records.filter((keep) => keep !== null)).toEqual([]);
  });
});

describe('Runtime, events', () => {
  ringTest('6.13', 'tells listeners of a resize until they are removed', async (test) => {
    const opened = test.open({
      entries: 8,
      completionEntries: 8,
      resize: { pressedBatches: 1, quietMs: 60_000 },
    });
    const seen: ResizeEvent[] = [];
    const listener = (event: ResizeEvent): void => {
      seen.push(event);
    };
    expect(opened.on('resize', listener)).toBe(opened);
    await Promise.all(Array.from({ length: 50 }, () => opened.nop()));
    expect(seen[0]).toEqual({ from: 8, to: 16, reason: 'pressure' });
    expect(opened.off('resize', listener)).toBe(opened);
    const { length } = seen;
    for (let i = 0; i < 10; i += 1) {
      await Promise.all(Array.from({ length: 500 }, () => opened.nop()));
    }
    expect(seen).toHaveLength(length);
  });

  ringTest('6.13', 'goes on when a listener throws, and reports what it threw', async (test) => {
    const opened = test.open({
      entries: 8,
      completionEntries: 8,
      completionEntriesMax: 16,
      resize: { pressedBatches: 1, quietMs: 60_000 },
    });
    opened.on('resize', () => {
      throw new Error('listener');
    });
    const errors = await uncaughtErrors(async () => {
      const all = Array.from({ length: 50 }, () => opened.nop());
      expect(await Promise.all(all)).toEqual(new Array(50).fill(0));
    });
    expect(errors.map(String)).toEqual(['Error: listener']);
    expect([opened.isClosed, opened.metrics().completionEntries]).toEqual([false, 16]);
  });

  ringTest('6.1', 'tells that it is closed, once', async (test) => {
    const opened = test.open();
    let count = 0;
    opened.on('close', () => (count += 1));
    await Promise.all([opened.close(), opened.close()]);
    await opened.close();
    expect(count).toBe(1);
  });
});

describe('Runtime.close', () => {
  ringTest('6.1', 'ends what is in flight and refuses what comes after', async (test) => {
    const opened = test.open();
    const pending = opened.submit(prepForever(opened));
    const outcome = rejectionOf(pending);
    const closing = opened.close();
    expect(opened.isClosed).toBe(true);
    const closed = { code: 'ERR_RUNTIME_CLOSED' };
    await expect(opened.nop()).rejects.toMatchObject(closed);
    expect(() => opened.nop(() => {})).toThrow(expect.objectContaining(closed));
    await expect(opened.submit(prepNop)).rejects.toMatchObject(closed);
    expect(() => opened.multishot(prepNop)).toThrow(expect.objectContaining(closed));
    await closing;
    expect(await outcome).toMatchObject({ code: 'ECANCELED' });
    await expect(opened.nop()).rejects.toMatchObject(closed);
    expect(opened.metrics().inFlight).toBe(0);
  });

  ringTest('6.1', 'happens at the end of `await using`', async (test) => {
    const opened = test.open();
    await opened[Symbol.asyncDispose]();
    expect(opened.isClosed).toBe(true);
  });

  ringTest('6.1', 'opens and closes many times', async (test) => {
    for (let round = 0; round < 50; round += 1) {
      const opened = test.open({ entries: 8 });
      expect(await opened.nop()).toBe(0);
      await opened.close();
    }
  });
});

describe('Runtime, without a ring', () => {
  it.each([
    ['the option', { backend: 'libuv' } as const, undefined],
    ['the environment', {}, 'libuv'],
  ])('is asked for by %s', async (_name, options, variable) => {
    vi.stubEnv('ONERING_BACKEND', variable);
    await using opened = new Runtime(options);
    expect(opened.backend).toBe('libuv');
    expect(opened.reason).toMatchObject({ code: 'ERR_URING_UNAVAILABLE', reason: 'disabled' });
    expect(opened.engine).toBeNull();
  });

  it('still answers NOPs', async () => {
    await using opened = new Runtime({ backend: 'libuv' });
    expect(await opened.nop()).toBe(0);
    expect(await new Promise((resolve) => opened.nop((...seen) => resolve(seen)))).toEqual([0, 0]);
    expect(() => opened.nop(5 as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });

  it('says that low-level operations cannot be had', async () => {
    await using opened = new Runtime({ backend: 'libuv' });
    const code = { code: 'ERR_URING_UNAVAILABLE' };
    await expect(opened.submit(prepNop)).rejects.toMatchObject(code);
    expect(() => opened.multishot(prepNop)).toThrow(expect.objectContaining(code));
    expect(() => opened.files).toThrow(expect.objectContaining(code));
    expect(() => opened.buffers).toThrow(expect.objectContaining(code));
  });

  it('closes like any other', async () => {
    const opened = new Runtime({ backend: 'libuv' });
    let count = 0;
    opened.on('close', () => (count += 1));
    await opened.close();
    expect([count, opened.isClosed]).toEqual([1, true]);
    await expect(opened.nop()).rejects.toMatchObject({ code: 'ERR_RUNTIME_CLOSED' });
    expect(opened.metrics()).toMatchObject({ backend: 'libuv', enters: 0 });
  });
});
