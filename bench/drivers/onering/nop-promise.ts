/**
 * NOPs in the promise style: DEPTH async loops, each awaits one NOP after the other.
 */

import { NopProcess } from '../nop-process.ts';
import { prepareRuntime } from './prepare.ts';

const run = new NopProcess();
const runtime = prepareRuntime(run.runtimeOptions);

run.open();
await Promise.all(Array.from({ length: run.depth }, loop));
run.report();

async function loop(): Promise<void> {
  while (!run.isStopping) {
    const sequence = run.next;
    run.next += 1;
    await runtime.nop();
    run.complete(sequence);
  }
}
