/**
 * Many timers by `setTimeout`.
 */

import { TimersProcess } from '../timers-process.ts';

const run = new TimersProcess();

for (let number = 0; number < run.count; number += 1) {
  const setMs = performance.now();
  setTimeout(() => run.fire(number, setMs), run.delayOf(number));
}
