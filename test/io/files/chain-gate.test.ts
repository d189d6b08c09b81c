/**
 * The gate: how many chains run at a time, in which order the others follow, and that one which
 * is over at once, or thousands of them, make room for the next.
 */

import { describe, expect, it } from 'vitest';
import { ChainGate } from '../../../src/io/files/chain-gate.ts';
import type { Chain } from '../../../src/io/files/chain-gate.ts';
import * as c from '../../../src/native/constants/io-uring.ts';
import { EINVAL, EMFILE } from '../../../src/native/errno.ts';
import { openSimRuntime } from '../../support/sim-runtime.ts';

const CHAINS_MAX = 64;

function chains(count: number, started: number[], isRunning: (i: number) => boolean): Chain[] {
  return Array.from({ length: count }, (_, i) => ({
    nextWaiting: null,
    start() {
      started.push(i);
      return isRunning(i);
    },
  }));
}

describe('ChainGate', () => {
  it('is one for each runtime', () => {
    const [first, second] = [openSimRuntime(), openSimRuntime()];
    expect(ChainGate.of(first.runtime)).toBe(ChainGate.of(first.runtime));
    expect(ChainGate.of(second.runtime)).not.toBe(ChainGate.of(first.runtime));
  });

  it('starts so many at once, and the others in the order in which they came', () => {
    const gate = ChainGate.of(openSimRuntime().runtime);
    const started: number[] = [];
    for (const chain of chains(CHAINS_MAX + 10, started, () => true)) gate.enter(chain);
    expect(started).toHaveLength(CHAINS_MAX);
    for (let i = 0; i < 10; i += 1) gate.leave();
    expect(started).toEqual(Array.from({ length: CHAINS_MAX + 10 }, (_, i) => i));
    expect(gate.running).toBe(CHAINS_MAX);
    for (let i = 0; i < CHAINS_MAX; i += 1) gate.leave();
    expect(gate.running).toBe(0);
  });

  it('passes over thousands that are over at once, without a deep stack', () => {
    const gate = ChainGate.of(openSimRuntime().runtime);
    const started: number[] = [];
    for (const chain of chains(CHAINS_MAX, started, () => true)) gate.enter(chain);
    for (const chain of chains(100_000, started, () => false)) gate.enter(chain);
    gate.leave();
    expect(started).toHaveLength(100_000 + CHAINS_MAX);
    expect(gate.running).toBe(CHAINS_MAX - 1);
  });

  it('does without slots where the process may not have so many', () => {
    const { sim, runtime } = openSimRuntime();
    sim.kernel.failRegister(c.IORING_REGISTER_FILES2, -EMFILE, 1);
    expect(ChainGate.of(runtime).slots).toBeNull();
    // Asked once: the limit is not looked at for each file.
    expect(ChainGate.of(runtime).slots).toBeNull();
  });

  it('does without slots where the kernel closes what is in them late', () => {
    const { sim, runtime } = openSimRuntime();
    sim.kernel.failRegister(c.IORING_REGISTER_MEM_REGION, -EINVAL, 1);
    expect(ChainGate.of(runtime).slots).toBeNull();
    expect(ChainGate.of(openSimRuntime().runtime).slots).not.toBeNull();
  });
});
