/**
 * Whether there is a ring, without opening a runtime.
 */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { hasRing } from '../../src/runtime/availability.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import { openDescriptors, ringTest } from '../support/ring-test.ts';

describe('hasRing', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('believes the environment, before any system call', () => {
    vi.stubEnv('ONERING_BACKEND', 'libuv');
    expect(hasRing()).toBe(false);
    vi.stubEnv('ONERING_BACKEND', 'uring');
    expect(hasRing()).toBe(true);
  });

  it('believes the runtime that is open', async () => {
    const runtime = new Runtime({ backend: 'libuv' });
    vi.stubEnv('ONERING_BACKEND', 'uring');
    expect(hasRing()).toBe(false);
    await runtime.close();
  });

  ringTest('6.1', 'tries, leaves nothing behind and opens nothing', async ({ open }) => {
    const before = [...openDescriptors().values()].length;
    expect(hasRing()).toBe(true);
    expect([...openDescriptors().values()].length).toBe(before);
    await open().close();
  });
});
