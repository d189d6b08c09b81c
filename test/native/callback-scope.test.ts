/**
 * The scope around a tick: seen by what Node does inside of it. That ticks really run in one is
 * tested where it matters, in `loop/nested-callbacks.test.ts`.
 */

import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { callbackScope } from '../../src/native/callback-scope.ts';

describe('callbackScope', () => {
  it('runs each function once, at once', () => {
    const runInScope = callbackScope();
    const seen: number[] = [];
    for (let i = 0; i < 1000; i += 1) {
      runInScope(() => seen.push(i));
      expect(seen).toHaveLength(i + 1);
    }
  });

  it('leaves ticks and microtasks to whoever is outside', async () => {
    const runInScope = callbackScope();
    const seen: string[] = [];
    const handle = await open('/dev/null');
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        runInScope(() => {
          process.nextTick(() => seen.push('tick'));
          // Fails on the spot, and calls back from inside.
          handle.readv([]).catch(() => seen.push('rejection'));
          seen.push('end');
        });
        seen.push('outside');
        setImmediate(resolve);
      });
    });
    await handle.close();
    expect(seen).toEqual(['end', 'outside', 'tick', 'rejection']);
  });
});
