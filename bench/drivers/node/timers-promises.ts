/**
 * Many timers by `node:timers/promises`.
 */

import { setTimeout } from 'node:timers/promises';
import { TimersProcess } from '../timers-process.ts';

const run = new TimersProcess();

for (let number = 0; number < run.count; number += 1) void wait(number);

async function wait(number: number): Promise<void> {
  const setMs = performance.now();
  await setTimeout(run.delayOf(number));
  run.fire(number, setMs);
}
