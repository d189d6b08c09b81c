/**
 * One operation on a path: what becomes of its block, and how many run at once. What each function
 * does is in `conformance/fs-paths.ts`.
 */

import { describe, expect } from 'vitest';
import { finishWithNothing, PathCall } from '../../../src/io/fs/path-operation.ts';
import type { PathCallKind } from '../../../src/io/fs/path-operation.ts';
import { AT_FDCWD } from '../../../src/native/constants/files.ts';
import { prepNop, prepUnlinkat } from '../../../src/native/prep.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';

const nothing: PathCallKind = {
  syscall: 'nop',
  prepare: (sqe) => prepNop(sqe),
  resultSize: 16,
  finish: (block) => block.bytes.toString('latin1', 16, 24),
};

describe('PathCall', () => {
  ringTest('6.1', 'writes both paths behind the room for the result', async ({ open }) => {
    const call = new PathCall(open(), nothing, 'from', 'to', 0);
    expect(await call.run()).toBe('from\0to\0');
  });

  ringTest('6.1', 'gives its block back, whether it succeeds or not', async ({ open }) => {
    const runtime = open();
    const { pool } = runtime.requireEngine();
    const first = pool.take(64);
    pool.give(first);
    await new PathCall(runtime, nothing, 'a', null, 0).run();
    const kind: PathCallKind = {
      syscall: 'unlink',
      prepare: (sqe, path) => prepUnlinkat(sqe, AT_FDCWD, path, 0),
      resultSize: 0,
      finish: finishWithNothing,
    };
    const error = await rejectionOf(new PathCall(runtime, kind, '/missing/x', null, 0).run());
    expect(error).toMatchObject({ code: 'ENOENT', syscall: 'unlink', path: '/missing/x' });
    const again = pool.take(64);
    expect(again).toBe(first);
    pool.give(again);
  });

  ringTest('6.1', 'runs ten thousand at once with few in flight', async ({ open }) => {
    const runtime = open();
    const { scheduler } = runtime.requireEngine();
    let most = 0;
    const counting: PathCallKind = {
      ...nothing,
      finish: () => {
        most = Math.max(most, scheduler.inFlight);
        return 1;
      },
    };
    const calls = Array.from({ length: 10_000 }, () =>
      new PathCall(runtime, counting, 'a', null, 0).run<number>(),
    );
    const results = await Promise.all(calls);
    expect(results.reduce((sum, one) => sum + one, 0)).toBe(10_000);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(80);
  });

  ringTest('6.1', 'rejects when its runtime is closed', async ({ open }) => {
    const runtime = open();
    await runtime.close();
    const error = await rejectionOf(new PathCall(runtime, nothing, 'a', null, 0).run());
    expect(error).toMatchObject({ code: 'ERR_RUNTIME_CLOSED' });
  });
});
