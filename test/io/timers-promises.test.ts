/**
 * What `onering/timers/promises` adds to Node's: fractions, the runtime's life cycle, and errors
 * and warnings that are Node's own. What both do alike: `test/conformance/timers-promises.ts`.
 */

import * as node from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import * as ours from '../../src/io/timers-promises.ts';
import { Runtime, runtime } from '../../src/runtime/runtime.ts';
import { runScript } from '../support/child.ts';
import { ringTest } from '../support/ring-test.ts';
import { SeededRandom } from '../support/seeded-random.ts';

async function elapsedMs(run: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

describe('setTimeout', () => {
  ringTest('6.1', 'honors fractions of a millisecond', async ({ open }) => {
    open();
    for (const delay of [0.05, 0.25, 0.999, 1.5, 2.75]) {
      const times: number[] = [];
      for (let i = 0; i < 21; i += 1) times.push(await elapsedMs(() => ours.setTimeout(delay)));
      const best = Math.min(...times);
      expect(best, 'never early').toBeGreaterThanOrEqual(delay);
      // The best one, since this machine may be busy; whole milliseconds would be further off.
      expect(best, 'on time').toBeLessThan(delay + 0.4);
    }
  });

  ringTest('6.1', 'makes 1 of 0, as Node does', async ({ open }) => {
    open();
    for (const delay of [0, -0, undefined]) {
      expect(await elapsedMs(() => ours.setTimeout(delay))).toBeGreaterThanOrEqual(1);
    }
  });

  ringTest('6.1', 'is no operation of the ring', async ({ open }) => {
    const ring = open();
    const before = ring.metrics();
    const controller = new AbortController();
    const options = { signal: controller.signal, ref: false };
    const sleeps = Array.from({ length: 10 }, () => ours.setTimeout(60_000, 0, options));
    const others = Array.from({ length: 10_000 }, (_, i) => ours.setTimeout(i / 1000, i));
    expect(ring.metrics().inFlight).toBe(0);
    expect(await Promise.all(others)).toHaveLength(10_000);
    controller.abort();
    await Promise.allSettled(sleeps);
    // The polls of the host's loop, one for each wait at most.
    const { completions, waits } = ring.metrics();
    expect(completions - before.completions).toBeLessThanOrEqual(waits - before.waits);
    expect(ring.engine?.scheduler.timers.size).toBe(0);
  });

  ringTest('6.1', 'settles each of many that are aborted at random', async ({ open }) => {
    const ring = open();
    const random = new SeededRandom();
    const sleepOnce = async (id: number): Promise<void> => {
      const controller = new AbortController();
      const { signal } = controller;
      const delay = random.next() * 5;
      const isAborted = random.chance(0.5);
      if (isAborted) setTimeout(() => controller.abort(id), random.below(6));
      const outcome: unknown = await ours
        .setTimeout(delay, id, { signal })
        .catch(({ cause }: Error) => ({ cause }));
      if (!isAborted) expect(outcome, random.replay).toBe(id);
      else if (outcome !== id) expect(outcome, random.replay).toEqual({ cause: id });
    };
    await Promise.all(Array.from({ length: 2000 }, (_, id) => sleepOnce(id)));
    expect(ring.engine?.scheduler.timers.size).toBe(0);
  });
});

describe('setInterval', () => {
  ringTest('6.1', 'honors fractions of a millisecond', async ({ open }) => {
    open();
    const ticks = ours.setInterval(0.5, 'tick');
    const times: number[] = [];
    for (let i = 0; i < 21; i += 1) times.push(await elapsedMs(() => ticks.next()));
    await ticks.return(undefined);
    expect(Math.min(...times)).toBeLessThan(0.9);
    expect(times.reduce((sum, time) => sum + time)).toBeGreaterThanOrEqual(21 * 0.5);
  });

  ringTest('6.1', 'leaves no timer behind when the loop is left', async ({ open }) => {
    const ring = open();
    for await (const _ of ours.setInterval(0.1)) break;
    expect(ring.engine?.scheduler.timers.size).toBe(0);
  });
});

describe('a runtime that is closed', () => {
  ringTest('6.1', 'leaves sleeps to Node, for the time that is left', async ({ open }) => {
    const ring = open();
    const sleeping = elapsedMs(() => ours.setTimeout(20));
    const short = ours.setTimeout(0.5, 'short');
    await ring.close();
    expect(await short).toBe('short');
    expect(await sleeping).toBeGreaterThanOrEqual(20 - 1);
  });

  ringTest('6.1', 'lets sleeps be aborted afterwards', async ({ open }) => {
    const ring = open();
    const controller = new AbortController();
    const { signal } = controller;
    const sleeping = ours.setTimeout(60_000, 0, { signal, ref: false });
    await ring.close();
    controller.abort('late');
    await expect(sleeping).rejects.toMatchObject({ code: 'ABORT_ERR', cause: 'late' });
  });

  ringTest('6.1', 'lets intervals go on and end', async ({ open }) => {
    const ring = open();
    const ticks = ours.setInterval(1, 'tick');
    await ticks.next();
    await ring.close();
    for (let i = 0; i < 3; i += 1) {
      expect(await ticks.next()).toEqual({ done: false, value: 'tick' });
    }
    expect(await ticks.return(undefined)).toEqual({ done: true, value: undefined });
  });

  ringTest('6.1', 'does not keep a sleep from starting', async ({ open }) => {
    const ring = open();
    const closing = ring.close();
    expect(await ours.setTimeout(1, 'while closing')).toBe('while closing');
    await closing;
    expect(await ours.setTimeout(1, 'after')).toBe('after');
    // The one that was opened for it.
    expect(runtime()).not.toBe(ring);
    await runtime().close();
  });
});

describe('without a ring', () => {
  it('everything is left to Node', async () => {
    const libuv = new Runtime({ backend: 'libuv' });
    expect(await ours.setTimeout(1.5, 'value')).toBe('value');
    expect(await ours.scheduler.wait(1)).toBeUndefined();
    let count = 0;
    for await (const value of ours.setInterval(1, 'tick')) {
      expect(value).toBe('tick');
      count += 1;
      if (count === 2) break;
    }
    await libuv.close();
  });
});

describe('the module', () => {
  it('fits where that of Node is expected', () => {
    const fits: typeof node = ours;
    expect(Object.keys(fits).toSorted()).toEqual(Object.keys(node).toSorted());
    const all: Omit<typeof node, 'default'> = ours.default;
    expect(Object.keys(all)).toEqual(['setTimeout', 'setImmediate', 'setInterval', 'scheduler']);
  });

  it('has the immediates of Node', () => {
    expect(ours.setImmediate).toBe(node.setImmediate);
  });
});

describe('errors', () => {
  const odd: unknown[] = [1, 'x', null, {}, [], true, 1n, Symbol('s'), () => {}, new Date(0)];
  const wrong: unknown[][] = odd.flatMap((value) => [
    [value, 0, value],
    [1, 0, value],
    [1, 0, { signal: value, ref: value }],
    [1, 0, { ref: value }],
    [1, 0, { signal: AbortSignal.abort(value), ref: value }],
  ]);

  async function failureOf(run: () => Promise<unknown>): Promise<unknown> {
    const error: unknown = await run().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof Error)) return error;
    const { name, message, cause } = error;
    return { name, message, cause, code: 'code' in error ? error.code : undefined };
  }

  it('of setTimeout are those of Node', async () => {
    for (const args of wrong as [][]) {
      const expected = await failureOf(() => node.setTimeout(...args));
      expect(await failureOf(() => ours.setTimeout(...args))).toEqual(expected);
    }
    await runtime().close();
  });

  it('of setInterval are those of Node', async () => {
    const first = async (ticks: AsyncIterator<unknown>): Promise<void> => {
      await ticks.next();
      await ticks.return?.();
    };
    for (const args of wrong as [][]) {
      const expected = await failureOf(() => first(node.setInterval(...args)));
      expect(await failureOf(() => first(ours.setInterval(...args)))).toEqual(expected);
    }
    await runtime().close();
  });

  it('of an abort are those of Node', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const failures = Promise.all(
      [node, ours].map((module) => failureOf(() => module.setTimeout(60_000, 0, { signal }))),
    );
    controller.abort();
    const [expected, actual] = await failures;
    expect(actual).toEqual(expected);
    await runtime().close();
  });
});

describe('warnings', () => {
  it('are those of Node, for the same delays and as often', async () => {
    const warningsOf = async (specifier: string): Promise<string> => {
      const { stderr, code } = await runScript(`
        import { setInterval, setTimeout } from '${specifier}';
        for (const delay of [0, -0, 0.5, 1, -5, -1, NaN, NaN, 2 ** 31, 2 ** 31 - 0.5, Infinity]) {
          if (delay < 2 ** 31 - 1 || delay >= 2 ** 31) await setTimeout(delay);
        }
        for await (const _ of setInterval(2 ** 40)) break;
      `);
      expect(code).toBe(0);
      return stderr.replaceAll(/\(node:\d+\)/g, '(node)');
    };
    const expected = await warningsOf('node:timers/promises');
    expect(expected).toContain('TimeoutOverflowWarning: 1099511627776 does not fit');
    expect(await warningsOf('onering/timers/promises')).toBe(expected);
  });
});
