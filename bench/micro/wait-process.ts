/**
 * Waits on a ring by hand, in one of the ways to say how long they may take:
 * WAY SECONDS WARMUP [--counted], where WAY is slot, ext-arg, timeout or none.
 *
 * Each wait is satisfied at once by a NOP of the same `enter`, so the figure is the price of being
 * able to time out. A program of its own, for the scenario `wait`; `micro wait` has the details.
 */

import { prepNop, prepTimeout, PAGE_SIZE } from '../../src/native/index.ts';
import type { Memory } from '../../src/native/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import type { Engine } from '../../src/runtime/index.ts';
import { NopProcess } from '../drivers/nop-process.ts';

const LIMIT_MS = 10_000;
const SPAN = 1024;

const run = new NopProcess();
const way = run.word('way');
const runtime = new Runtime({ backend: 'uring', registeredWaits: way === 'slot' });
const { engine } = runtime;
if (engine === null) throw new Error('Expected a ring');
if (way === 'slot' && !engine.waiter.usesSlots) throw new Error('Needs Linux 6.13 or newer');
const timespec = engine.host.kernel.allocate(PAGE_SIZE);
if (typeof timespec === 'number') throw new Error('No memory for a timespec');
new Int32Array(timespec.buffer)[0] = LIMIT_MS / 1000;
const wait = way === 'timeout' ? waitWithTimeout : waitWithArgument;

run.open();
while (!run.isStopping) {
  for (let left = SPAN; left > 0; left -= 1) {
    wait(engine, timespec);
    run.complete(run.next);
    run.next += 1;
  }
  // The timer that measures its own lateness wants to fire too.
  await new Promise((resolve) => setImmediate(resolve));
}
run.report();

function waitWithArgument({ ring, waiter }: Engine): void {
  prepNop(ring.next());
  if (way === 'none') ring.enter(1, 0, 0, 0);
  else waiter.waitFor(LIMIT_MS, 1, 0);
  takeIn(ring, 1);
}

/** The operation is over after one other completion, so there are two to take in. */
function waitWithTimeout({ ring }: Engine, memory: Memory): void {
  prepTimeout(ring.next(), memory.address, 1, 0);
  prepNop(ring.next());
  ring.enter(2, 0, 0, 0);
  takeIn(ring, 2);
}

/** The scheduler, whose operations these are not, never sees them. */
function takeIn({ completions }: Engine['ring'], expected: number): void {
  completions.collect();
  const { count } = completions;
  completions.count = 0;
  if (count !== expected) throw new Error(`${count} completions instead of ${expected}`);
}
