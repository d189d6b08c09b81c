/**
 * libuv's loop as a guest: that the tick is called once a turn, that the loop sleeps or not as it
 * is told, and that stopping leaves it as it was. Each case is a process of its own: a thread has
 * one host loop, and here it would be that of the test runner.
 */

import { describe, expect, it } from 'vitest';
import { hostLoop } from '../../src/native/loop.ts';
import { importUrl, runScript } from '../support/child.ts';

/** Runs a script that has `loop`, and parses the JSON that it prints. */
async function run(source: string): Promise<unknown> {
  const result = await runScript(`
    import { setTimeout as sleep } from 'node:timers/promises';
    import { hostLoop } from '${importUrl('dist/src/native/loop.js')}';
    const loop = hostLoop();
    const say = (value) => process.stdout.write(JSON.stringify(value));
    ${source}
  `);
  expect([result.stderr, result.code]).toEqual(['', 0]);
  return JSON.parse(result.stdout) as unknown;
}

describe('hostLoop', () => {
  it('is the same every time, in this thread too', () => {
    const loop = hostLoop();
    expect(typeof loop).toBe('object');
    expect(hostLoop()).toBe(loop);
  });

  it('keeps no process alive, and lets it exit', async () => {
    expect(await run(`loop.setTick(() => {}); loop.start(); say(true);`)).toBe(true);
  });

  it('calls the tick once a turn between start() and stop()', async () => {
    const answer = await run(`
      let ticks = 0;
      loop.setTick(() => (ticks += 1));
      await new Promise(setImmediate);
      const before = ticks;
      loop.start();
      const during = [];
      for (let turn = 0; turn < 5; turn += 1) {
        await new Promise(setImmediate);
        during.push(ticks);
      }
      loop.stop();
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      const steps = during.map((count, i) => count - (during[i - 1] ?? count));
      say({ before, steps, after: ticks - during.at(-1) });
    `);
    expect(answer).toEqual({ before: 0, steps: [0, 1, 1, 1, 1], after: 0 });
  });

  it('calls the tick before immediates', async () => {
    const answer = await run(`
      const order = [];
      loop.setTick(() => order.push('tick'));
      loop.start();
      await new Promise((resolve) => setImmediate(() => { order.push('immediate'); resolve(); }));
      loop.stop();
      say(order);
    `);
    expect(answer).toEqual(['tick', 'immediate']);
  });

  it('stays alive while it is referenced', async () => {
    const answer = await run(`
      let ticks = 0;
      loop.setTick(() => {
        ticks += 1;
        if (ticks < 100) return;
        loop.setReferenced(false);
      });
      loop.start();
      loop.setReferenced(true);
      process.on('exit', () => say(ticks >= 100));
    `);
    expect(answer).toBe(true);
  });

  it('does not sleep unless it is paused, and says for how long it would', async () => {
    const answer = await run(`
      const seen = [];
      loop.setTick(() => {
        if (seen.length === 3) return;
        const idle = loop.timeoutMs();
        loop.pause();
        const paused = loop.timeoutMs();
        loop.resume();
        seen.push([idle, paused > 100 && paused <= 1000, loop.timeoutMs()]);
      });
      const timer = setTimeout(() => {}, 1000);
      loop.start();
      for (let turn = 0; turn < 10; turn += 1) await sleep(1);
      loop.stop();
      clearTimeout(timer);
      say(seen.filter(([idle, , resumed]) => idle === 0 && resumed === 0).length);
    `);
    expect(answer).toBe(3);
  });

  it('would not sleep when an immediate waits, and for long when nothing does', async () => {
    const answer = await run(`
      setImmediate(() => {});
      const withImmediate = loop.timeoutMs();
      let turns = 0;
      loop.setTick(() => {
        turns += 1;
        if (turns < 5) return;
        loop.pause();
        const alone = loop.timeoutMs();
        loop.setReferenced(false);
        loop.stop();
        say([withImmediate, alone]);
      });
      loop.start();
      loop.setReferenced(true);
    `);
    const [withImmediate, alone] = answer as [number, number];
    expect(withImmediate).toBe(0);
    // V8 itself may look after its heap in half a minute: it does on Node 26.
    expect(alone === -1 || alone > 10_000).toBe(true);
  });

  it('learns that time has passed', async () => {
    const answer = await run(`
      const fired = await new Promise((resolve) => {
        let isFirst = true;
        loop.setTick(() => {
          if (!isFirst) return;
          isFirst = false;
          setTimeout(resolve, 60, 'timer');
          const end = performance.now() + 80;
          while (performance.now() < end);
          loop.pause();
          const before = loop.timeoutMs();
          loop.updateTime();
          const after = loop.timeoutMs();
          loop.resume();
          resolve([before > 0, after]);
        });
        loop.start();
        loop.setReferenced(true);
      });
      loop.setReferenced(false);
      loop.stop();
      say(fired);
    `);
    expect(answer).toEqual([true, 0]);
  });
});
