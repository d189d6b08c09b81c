/**
 * The bound on punted operations: no more than 80 at once, all of them in the end.
 */

import { describe, expect, it } from 'vitest';
import { punt } from '../../../src/io/files/punted.ts';

describe('punt', () => {
  it('runs 64 at once, and some of those that wait, and all of them in the end', async () => {
    let running = 0;
    let most = 0;
    const results = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        punt(async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise(setImmediate);
          running -= 1;
          return index;
        }),
      ),
    );
    expect(most).toBe(80);
    expect(results).toEqual(Array.from({ length: 300 }, (_, index) => index));
  });

  it('passes a failure on, and goes on', async () => {
    const failure = new Error('failed');
    await expect(punt(() => Promise.reject(failure))).rejects.toBe(failure);
    expect(await punt(() => Promise.resolve(1))).toBe(1);
  });
});
