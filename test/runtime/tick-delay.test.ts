/**
 * Tick delay: what is submitted along with something that was added has completed when it is heard
 * of, and nothing stays in flight.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import { prepNop } from '../../src/native/prep.ts';
import type { Delayed } from '../../src/runtime/tick-delay.ts';
import { ringTest } from '../support/ring-test.ts';

ringTest('6.1', 'waits for what was submitted before and behind', async ({ open }) => {
  const { scheduler, delay } = open().requireEngine();
  const said: string[] = [];
  const nop = (name: string): void => {
    scheduler.begin(() => void said.push(name), 'nop');
    prepNop(scheduler.sqe);
  };
  nop('before');
  delay.add({ onLater: () => void said.push('later') });
  nop('behind');
  nop('last');
  while (!said.includes('later')) await nextTurn();
  expect(said).toEqual(['before', 'behind', 'last', 'later']);
  for (let turns = 0; turns < 5; turns += 1) await nextTurn();
  expect(scheduler.inFlight).toBe(0);
});

ringTest('6.1', 'tells each once, also those that are added meanwhile', async ({ open }) => {
  const { scheduler, delay } = open().requireEngine();
  const told: number[] = [];
  const add = (id: number): void => {
    const delayed: Delayed = {
      onLater: () => {
        told.push(id);
        if (id < 30) add(id + 10);
      },
    };
    delay.add(delayed);
  };
  for (let id = 0; id < 10; id += 1) add(id);
  const { begun } = scheduler;
  while (told.length < 40) await nextTurn();
  for (let turns = 0; turns < 5; turns += 1) await nextTurn();
  expect(told).toEqual(Array.from({ length: 40 }, (_, id) => id));
  // Two for those that came together, and no more for ten than for one.
  expect(scheduler.begun - begun).toBeLessThanOrEqual(8);
});

ringTest('6.1', 'tells nobody once the runtime is closed', async ({ open }) => {
  const runtime = open();
  let told = 0;
  runtime.requireEngine().delay.add({ onLater: () => (told += 1) });
  await runtime.close();
  for (let turns = 0; turns < 5; turns += 1) await nextTurn();
  expect(told).toBeLessThanOrEqual(1);
});
