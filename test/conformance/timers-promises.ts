/**
 * What `node:timers/promises` does, as tests that any implementation can be put through.
 *
 * A factory gives the implementation; the case is wrong if Node itself fails it. Times are lower
 * bounds with Node's own tolerance, and orders; nothing here asserts that something is fast.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import type * as node from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runScript } from '../support/child.ts';
import type { ChildResult } from '../support/child.ts';

type TimersPromises = typeof node;

/** One implementation under test. */
export interface TimersPromisesImplementation {
  readonly module: TimersPromises;
  /** What a program of its own imports. */
  readonly specifier: string;
  /** Environment of such a program. */
  readonly env?: Readonly<Record<string, string>>;
  close?(): Promise<void>;
}

/** libuv's clock counts whole milliseconds, so Node may be early by almost one. */
const EARLY_MS_MAX = 1;

const WRONG_OPTIONS = [1, '', false, Infinity, null, []];
const WRONG_SIGNALS = [1, '', false, Infinity, null, {}];
const WRONG_REFS = [1, '', Infinity, null, {}];
const WRONG_DELAYS = ['1', null, {}, true, 1n];

const PARTS: [title: string, part: () => void][] = [
  ['module', describeModule],
  ['setTimeout', describeSetTimeout],
  ['setTimeout, refusals', describeRefusals],
  ['setTimeout, order', describeOrder],
  ['context', describeContext],
  ['setTimeout, aborted', describeAbortedSetTimeout],
  ['setInterval', describeSetInterval],
  ['setInterval, refusals', describeIntervalRefusals],
  ['setInterval, untaken ticks', describeUntakenTicks],
  ['setInterval, aborted', describeAbortedSetInterval],
  ['setImmediate', describeSetImmediate],
  ['scheduler', describeScheduler],
  ['keeping the process alive', describeReferences],
];

let implementation: TimersPromisesImplementation;

/** Runs the suite against what `make` gives. */
export function describeTimersPromises(
  name: string,
  make: () => TimersPromisesImplementation,
): void {
  describe(`behavior of ${name}`, () => {
    beforeAll(() => {
      implementation = make();
    });
    afterAll(() => implementation.close?.());
    describe.each(PARTS)('%s', (_title, part) => {
      part();
    });
  });
}

function describeModule(): void {
  it('exports what Node exports', () => {
    const { module } = implementation;
    const names = Object.keys(module).filter((name) => name !== 'module.exports');
    expect(names.toSorted()).toEqual([
      'default',
      'scheduler',
      'setImmediate',
      'setInterval',
      'setTimeout',
    ]);
    const { default: all } = module as unknown as { default: TimersPromises };
    expect(all).toEqual({
      setTimeout: module.setTimeout,
      setImmediate: module.setImmediate,
      setInterval: module.setInterval,
      scheduler: module.scheduler,
    });
  });

  it('has functions of the same length', () => {
    const { setTimeout, setImmediate, setInterval } = implementation.module;
    expect([setTimeout.length, setImmediate.length, setInterval.length]).toEqual([2, 1, 2]);
  });
}

function describeSetTimeout(): void {
  it('resolves with its value', async () => {
    const { setTimeout } = implementation.module;
    const value = { a: 1 };
    expect(await setTimeout(1, value)).toBe(value);
    expect(await setTimeout(1)).toBeUndefined();
    expect(await setTimeout()).toBeUndefined();
    expect(await setTimeout(1, null)).toBeNull();
  });

  it('resolves as its value does when that is a promise', async () => {
    const { setTimeout } = implementation.module;
    expect(await setTimeout(1, Promise.resolve('inner'))).toBe('inner');
    const inner = Promise.reject(new Error('inner'));
    const results = await Promise.allSettled([inner, setTimeout(1, inner)]);
    const rejected = { status: 'rejected', reason: new Error('inner') };
    expect(results).toEqual([rejected, rejected]);
  });

  it('takes its time', async () => {
    const { setTimeout } = implementation.module;
    for (const delay of [0, 1, 2, 20]) {
      const startMs = performance.now();
      await setTimeout(delay);
      expect(performance.now() - startMs).toBeGreaterThanOrEqual(delay - EARLY_MS_MAX);
    }
  });

  it('makes 1 of a delay that is no use', async () => {
    const { setTimeout } = implementation.module;
    // The warnings about them are compared in a process of their own.
    const warnings = process.rawListeners('warning') as ((warning: Error) => void)[];
    process.removeAllListeners('warning');
    const odd = [-1, Number.NaN, -0, 2 ** 31, Infinity, -Infinity, Number.MAX_VALUE];
    expect(await Promise.all(odd.map((delay) => setTimeout(delay, delay)))).toEqual(odd);
    for (const listener of warnings) process.on('warning', listener);
  });
}

function describeRefusals(): void {
  it('rejects wrong arguments', async () => {
    const { setTimeout } = implementation.module;
    const refused = { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' };
    for (const delay of WRONG_DELAYS) {
      await expect(setTimeout(delay as never)).rejects.toMatchObject(refused);
    }
    for (const options of WRONG_OPTIONS) {
      await expect(setTimeout(1, null, options as never)).rejects.toMatchObject(refused);
    }
    for (const signal of WRONG_SIGNALS) {
      const options = { signal } as never;
      await expect(setTimeout(1, null, options)).rejects.toMatchObject(refused);
    }
    for (const ref of WRONG_REFS) {
      await expect(setTimeout(1, null, { ref } as never)).rejects.toMatchObject(refused);
    }
  });

  it('names the first of several wrong arguments', async () => {
    const { setTimeout } = implementation.module;
    const both = { signal: 1, ref: 1 } as never;
    await expect(setTimeout('1' as never, 0, both)).rejects.toThrow(
      'The "delay" argument must be of type number. Received type string (\'1\')',
    );
    await expect(setTimeout(1, 0, 1 as never)).rejects.toThrow(
      'The "options" argument must be of type object. Received type number (1)',
    );
    await expect(setTimeout(1, 0, both)).rejects.toThrow(
      'The "options.signal" property must be an instance of AbortSignal. ' +
        'Received type number (1)',
    );
    const ref = { signal: AbortSignal.abort(), ref: 1 } as never;
    await expect(setTimeout(1, 0, ref)).rejects.toThrow(
      'The "options.ref" property must be of type boolean. Received type number (1)',
    );
  });
}

function describeOrder(): void {
  it('ends equal delays in the order of the calls', async () => {
    const { setTimeout } = implementation.module;
    const order: number[] = [];
    const sleeps = Array.from({ length: 200 }, (_, i) =>
      setTimeout(i % 2, i).then((value) => order.push(value)),
    );
    await Promise.all(sleeps);
    expect(order).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it('ends shorter delays first', async () => {
    const { setTimeout } = implementation.module;
    const order: number[] = [];
    await Promise.all(
      [60, 20, 40, 1, 80].map((delay) =>
        setTimeout(delay, delay).then((value) => order.push(value)),
      ),
    );
    expect(order).toEqual([1, 20, 40, 60, 80]);
  });

  it('runs ticks and microtasks before the next one ends', async () => {
    const { setTimeout } = implementation.module;
    const order: string[] = [];
    const sleep = async (name: string): Promise<void> => {
      await setTimeout(5);
      order.push(name);
      process.nextTick(() => order.push(`${name} tick`));
      queueMicrotask(() => order.push(`${name} microtask`));
    };
    await Promise.all([sleep('a'), sleep('b')]);
    await setTimeout(1);
    expect(order).toEqual(['a', 'a microtask', 'a tick', 'b', 'b microtask', 'b tick']);
  });

  it('ends after callbacks that were set before, for an earlier time or the same', async () => {
    const { setTimeout } = implementation.module;
    for (let round = 0; round < 20; round += 1) {
      const fired: string[] = [];
      const delay = 1 + (round % 4);
      globalThis.setTimeout(() => fired.push('earlier'), delay - 1);
      globalThis.setTimeout(() => fired.push('same'), delay);
      const sleeping = setTimeout(delay);
      // Once idle, once late for all of them.
      const lateMs = round % 2 === 0 ? 0 : delay + 2;
      const untilMs = performance.now() + lateMs;
      while (performance.now() < untilMs) continue;
      await sleeping;
      expect(fired).toHaveLength(2);
    }
  });
}

function describeContext(): void {
  it('is kept for whoever waits', async () => {
    const { setTimeout, setImmediate, setInterval } = implementation.module;
    const storage = new AsyncLocalStorage<number>();
    const visit = async (id: number): Promise<void> => {
      await setTimeout(id % 3);
      expect(storage.getStore()).toBe(id);
      await setTimeout(1).then(() => expect(storage.getStore()).toBe(id));
      await setImmediate();
      expect(storage.getStore()).toBe(id);
      for await (const value of setInterval(1, id)) {
        expect(value).toBe(storage.getStore());
        break;
      }
      expect(storage.getStore()).toBe(id);
    };
    const visits = Array.from({ length: 50 }, (_, id) => storage.run(id, visit, id));
    await Promise.all(visits);
    expect(storage.getStore()).toBeUndefined();
  });
}

const ABORTED = { name: 'AbortError', code: 'ABORT_ERR', message: 'The operation was aborted' };

function describeAbortedSetTimeout(): void {
  it('rejects at once for a signal that is aborted', async () => {
    const { setTimeout } = implementation.module;
    const signal = AbortSignal.abort('reason');
    await expect(setTimeout(60_000, 0, { signal })).rejects.toMatchObject({
      ...ABORTED,
      cause: 'reason',
    });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('rejects when the signal is aborted, with its reason as the cause', async () => {
    const { setTimeout } = implementation.module;
    const controller = new AbortController();
    const { signal } = controller;
    const sleeping = setTimeout(60_000, 0, { signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    controller.abort();
    const error: unknown = await sleeping.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ ...ABORTED, cause: signal.reason as unknown });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('does not hear of an abort after its end', async () => {
    const { setTimeout } = implementation.module;
    const controller = new AbortController();
    const { signal } = controller;
    expect(await setTimeout(1, 'value', { signal })).toBe('value');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    controller.abort();
  });

  it('hears of an abort that another listener wants to keep for itself', async () => {
    const { setTimeout } = implementation.module;
    const controller = new AbortController();
    const { signal } = controller;
    signal.addEventListener('abort', (event) => event.stopImmediatePropagation());
    const sleeping = setTimeout(60_000, 0, { signal });
    controller.abort();
    await expect(sleeping).rejects.toMatchObject(ABORTED);
  });

  it('takes anything that looks like a signal', async () => {
    const { setTimeout } = implementation.module;
    const signal = Object.assign(new EventTarget(), { aborted: false, reason: 'own' });
    const options = { signal: signal as unknown as AbortSignal };
    expect(await setTimeout(1, 'value', options)).toBe('value');
    const sleeping = setTimeout(60_000, 0, options);
    signal.dispatchEvent(new Event('abort'));
    await expect(sleeping).rejects.toMatchObject({ ...ABORTED, cause: 'own' });
  });

  it('ends all that share a signal, and nothing else', async () => {
    const { setTimeout } = implementation.module;
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = Array.from({ length: 10 }, (_, i) => setTimeout(60_000 + i, i, { signal }));
    const other = setTimeout(5, 'other');
    controller.abort();
    const results = await Promise.allSettled(aborted);
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    expect(await other).toBe('other');
  });
}

function describeSetInterval(): void {
  it('yields its value again and again, at its pace', async () => {
    const { setInterval } = implementation.module;
    const startMs = performance.now();
    const values: string[] = [];
    for await (const value of setInterval(5, 'value')) {
      values.push(value);
      if (values.length === 4) break;
    }
    expect(values).toEqual(['value', 'value', 'value', 'value']);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(4 * (5 - EARLY_MS_MAX));
  });

  it('starts with the first next()', async () => {
    const { setInterval } = implementation.module;
    const ticks = setInterval(20);
    const untilMs = performance.now() + 25;
    while (performance.now() < untilMs) continue;
    const startMs = performance.now();
    expect(await ticks.next()).toEqual({ done: false, value: undefined });
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(20 - EARLY_MS_MAX);
    await ticks.return?.();
  });

  it('ends with return(), also before it began', async () => {
    const { setInterval } = implementation.module;
    const ticks = setInterval(1, 'value');
    await ticks.next();
    expect(await ticks.return?.()).toEqual({ done: true, value: undefined });
    expect(await ticks.next()).toEqual({ done: true, value: undefined });
    const unused = setInterval(60_000, 'value');
    expect(await unused.return?.()).toEqual({ done: true, value: undefined });
    expect(await unused.next()).toEqual({ done: true, value: undefined });
  });

  it('answers next() and return() in the order of the calls', async () => {
    const { setInterval } = implementation.module;
    const ticks = setInterval(2, 'value');
    const results = await Promise.all([ticks.next(), ticks.next(), ticks.return?.()]);
    expect(results).toEqual([
      { done: false, value: 'value' },
      { done: false, value: 'value' },
      { done: true, value: undefined },
    ]);
  });

  it('ends with throw()', async () => {
    const { setInterval } = implementation.module;
    const ticks = setInterval(1);
    await ticks.next();
    await expect(ticks.throw?.(new Error('mine'))).rejects.toThrow('mine');
    expect(await ticks.next()).toEqual({ done: true, value: undefined });
  });

  it('is its own iterator', async () => {
    const { setInterval } = implementation.module;
    const ticks = setInterval(1);
    expect(ticks[Symbol.asyncIterator]()).toBe(ticks);
    await ticks.return?.();
  });
}

function describeIntervalRefusals(): void {
  it('rejects wrong arguments from next(), and is over then', async () => {
    const { setInterval } = implementation.module;
    const wrong: unknown[][] = [
      ...WRONG_DELAYS.map((delay) => [delay]),
      ...WRONG_OPTIONS.map((options) => [1, 0, options]),
      ...WRONG_SIGNALS.map((signal) => [1, 0, { signal }]),
      ...WRONG_REFS.map((ref) => [1, 0, { ref }]),
    ];
    for (const args of wrong) {
      const ticks = setInterval(...(args as never[]));
      await expect(ticks.next()).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
      expect(await ticks.next()).toEqual({ done: true, value: undefined });
    }
  });
}

/** Whether a promise is settled before the next immediate runs. */
async function isSettledSoon(promise: Promise<unknown>): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setImmediate(resolve, false));
  return Promise.race([promise.then(() => true), late]);
}

function describeUntakenTicks(): void {
  it('delivers ticks that came while nobody waited', async () => {
    const { setInterval } = implementation.module;
    const [counted, meter] = [setInterval(2, 'counted'), setInterval(2, 'meter')];
    const first = counted.next();
    // Set after it and for the same time: when it has ticked four times, so has the other one.
    for (let ticks = 0; ticks < 4; ticks += 1) await meter.next();
    await first;
    for (let ticks = 1; ticks < 4; ticks += 1) {
      expect(await isSettledSoon(counted.next()), `tick ${ticks}`).toBe(true);
    }
    await Promise.all([counted.return?.(), meter.return?.()]);
  });

  it('makes one tick of the time that the thread was busy', async () => {
    const { setInterval } = implementation.module;
    const ticks = setInterval(100);
    const first = ticks.next();
    const untilMs = performance.now() + 350;
    while (performance.now() < untilMs) continue;
    await first;
    const second = ticks.next();
    expect(await isSettledSoon(second)).toBe(false);
    await second;
    await ticks.return?.();
  });
}

function describeAbortedSetInterval(): void {
  it('rejects the first next() for a signal that is aborted', async () => {
    const { setInterval } = implementation.module;
    const signal = AbortSignal.abort('reason');
    const ticks = setInterval(60_000, 0, { signal });
    await expect(ticks.next()).rejects.toMatchObject({ ...ABORTED, cause: 'reason' });
    expect(await ticks.next()).toEqual({ done: true, value: undefined });
  });

  it('rejects the next() that waits when the signal is aborted', async () => {
    const { setInterval } = implementation.module;
    const controller = new AbortController();
    const { signal } = controller;
    const ticks = setInterval(60_000, 0, { signal });
    const waiting = ticks.next();
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    controller.abort('reason');
    await expect(waiting).rejects.toMatchObject({ ...ABORTED, cause: 'reason' });
    expect(await ticks.next()).toEqual({ done: true, value: undefined });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('delivers the ticks from before the abort', async () => {
    const { setInterval } = implementation.module;
    const controller = new AbortController();
    const { signal } = controller;
    const [counted, meter] = [setInterval(2, 'counted', { signal }), setInterval(2)];
    const first = counted.next();
    for (let ticks = 0; ticks < 3; ticks += 1) await meter.next();
    await first;
    controller.abort();
    expect(await counted.next()).toEqual({ done: false, value: 'counted' });
    expect(await counted.next()).toEqual({ done: false, value: 'counted' });
    let rest = 0;
    const drain = async (): Promise<void> => {
      for await (const _ of counted) rest += 1;
    };
    await expect(drain()).rejects.toMatchObject(ABORTED);
    // At most the one that was made together with the meter's last.
    expect(rest).toBeLessThanOrEqual(1);
    await meter.return?.();
  });

  it('rejects after an abort in the body of the loop', async () => {
    const { setInterval } = implementation.module;
    const controller = new AbortController();
    const { signal } = controller;
    let count = 0;
    const loop = async (): Promise<void> => {
      for await (const _ of setInterval(2, 0, { signal })) {
        count += 1;
        if (count === 3) controller.abort();
      }
    };
    await expect(loop()).rejects.toMatchObject(ABORTED);
    expect(count).toBe(3);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('leaves no listener when the loop is left', async () => {
    const { setInterval } = implementation.module;
    const { signal } = new AbortController();
    for await (const _ of setInterval(1, 0, { signal })) {
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      break;
    }
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
}

function describeSetImmediate(): void {
  it('resolves with its value', async () => {
    const { setImmediate } = implementation.module;
    expect(await setImmediate('value')).toBe('value');
    expect(await setImmediate()).toBeUndefined();
  });

  it('comes after ticks and microtasks, in order with immediates that call back', async () => {
    const { setImmediate } = implementation.module;
    const order: string[] = [];
    globalThis.setImmediate(() => order.push('callback'));
    const promised = setImmediate('promise').then((value) => order.push(value));
    const last = new Promise<void>((resolve) =>
      globalThis.setImmediate(() => {
        order.push('last');
        resolve();
      }),
    );
    process.nextTick(() => order.push('tick'));
    queueMicrotask(() => order.push('microtask'));
    await Promise.all([promised, last]);
    expect(order.slice(0, 2).toSorted()).toEqual(['microtask', 'tick']);
    expect(order.slice(2)).toEqual(['callback', 'promise', 'last']);
  });

  it('rejects when it is aborted, before and while it waits', async () => {
    const { setImmediate } = implementation.module;
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = setImmediate(0, { signal });
    controller.abort('reason');
    await expect(waiting).rejects.toMatchObject({ ...ABORTED, cause: 'reason' });
    await expect(setImmediate(0, { signal })).rejects.toMatchObject(ABORTED);
  });

  it('rejects wrong arguments', async () => {
    const { setImmediate } = implementation.module;
    const refused = { code: 'ERR_INVALID_ARG_TYPE' };
    for (const options of WRONG_OPTIONS) {
      await expect(setImmediate(0, options as never)).rejects.toMatchObject(refused);
    }
    for (const ref of WRONG_REFS) {
      await expect(setImmediate(0, { ref } as never)).rejects.toMatchObject(refused);
    }
  });
}

function describeScheduler(): void {
  it('waits', async () => {
    const { scheduler } = implementation.module;
    const startMs = performance.now();
    expect(await scheduler.wait(10)).toBeUndefined();
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(10 - EARLY_MS_MAX);
  });

  it('stops to wait when it is aborted', async () => {
    const { scheduler } = implementation.module;
    const controller = new AbortController();
    const waiting = scheduler.wait(60_000, { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject(ABORTED);
    await expect(scheduler.wait(1, { signal: controller.signal })).rejects.toMatchObject(ABORTED);
  });

  it('refuses what setTimeout refuses', async () => {
    const { scheduler } = implementation.module;
    const refused = { code: 'ERR_INVALID_ARG_TYPE' };
    await expect(scheduler.wait('1' as never)).rejects.toMatchObject(refused);
    await expect(scheduler.wait(1, null as never)).rejects.toMatchObject(refused);
  });

  it('yields to immediates that are there', async () => {
    const { scheduler } = implementation.module;
    const order: string[] = [];
    setImmediate(() => order.push('immediate'));
    expect(await scheduler.yield()).toBeUndefined();
    expect(order).toEqual(['immediate']);
  });

  it('is the only one of its class', () => {
    const { scheduler } = implementation.module;
    const { constructor } = scheduler as unknown as { constructor: new () => unknown };
    expect(constructor.name).toBe('Scheduler');
    expect(() => new constructor()).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_ILLEGAL_CONSTRUCTOR' }),
    );
    const invalid = expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_THIS' });
    expect(() => scheduler.wait.call({} as never, 1)).toThrow(invalid);
    expect(() => scheduler.yield.call({} as never)).toThrow(invalid);
  });
}

function runProgram(body: string): Promise<ChildResult> {
  const { specifier, env = {} } = implementation;
  return runScript(`import * as timers from '${specifier}';\n${body}`, { env });
}

const CLEAN_EXIT = { code: 0, signal: null, stderr: '' };

function describeReferences(): void {
  it('is up to ref: true, the default', async () => {
    const result = await runProgram(`
      await timers.setTimeout(5);
      void timers.setTimeout(10, 'timeout').then(console.log);
      void timers.setTimeout(20, 'explicit', { ref: true }).then(console.log);
    `);
    expect(result).toMatchObject({ ...CLEAN_EXIT, stdout: 'timeout\nexplicit\n' });
  });

  it('is not up to ref: false', async () => {
    const result = await runProgram(`
      await timers.setTimeout(5);
      const never = () => console.log('never');
      void timers.setTimeout(60_000, 0, { ref: false }).then(never);
      void timers.setInterval(60_000, 0, { ref: false }).next().then(never);
      void timers.setImmediate(0, { ref: false });
      process.on('exit', () => console.log('exit'));
    `);
    expect(result).toMatchObject({ ...CLEAN_EXIT, stdout: 'exit\n' });
  });

  it('ends with an abort', async () => {
    const result = await runProgram(`
      const controller = new AbortController();
      const { signal } = controller;
      const ended = (error) => console.log(error.name);
      void timers.setTimeout(60_000, 0, { signal }).catch(ended);
      void timers.setInterval(60_000, 0, { signal }).next().catch(ended);
      setTimeout(() => controller.abort(), 5);
    `);
    expect(result).toMatchObject({ ...CLEAN_EXIT, stdout: 'AbortError\nAbortError\n' });
  });

  it('begins with a referenced one among unreferenced ones', async () => {
    const result = await runProgram(`
      void timers.setTimeout(60_000, 0, { ref: false });
      setTimeout(() => setImmediate(() => {
        void timers.setTimeout(10, 'referenced').then(console.log);
      }), 10);
    `);
    expect(result).toMatchObject({ ...CLEAN_EXIT, stdout: 'referenced\n' });
  });

  it('lets unreferenced ones end in time while something else does', async () => {
    const result = await runProgram(`
      void timers.setTimeout(5, 'unreferenced', { ref: false }).then(console.log);
      setTimeout(() => console.log('other'), 50);
    `);
    expect(result).toMatchObject({ ...CLEAN_EXIT, stdout: 'unreferenced\nother\n' });
  });

  it('is reported when nobody handles the end', async () => {
    const result = await runProgram(`
      process.on('unhandledRejection', (error) => console.log(error.code));
      const controller = new AbortController();
      void timers.setTimeout(60_000, 0, { signal: controller.signal });
      void timers.setTimeout('1');
      controller.abort();
    `);
    const lines = result.stdout.trim().split('\n').toSorted();
    expect(lines).toEqual(['ABORT_ERR', 'ERR_INVALID_ARG_TYPE']);
    expect(result).toMatchObject(CLEAN_EXIT);
  });
}
