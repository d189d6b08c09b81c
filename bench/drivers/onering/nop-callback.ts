/**
 * NOPs in the callback style: DEPTH slots, each queues its next NOP from the callback of the
 * last.
 *
 * One closure per slot, made before the run: the style is for programs that allocate nothing
 * per operation.
 */

import { NopProcess } from '../nop-process.ts';
import { prepareRuntime } from './prepare.ts';

const run = new NopProcess();
const runtime = prepareRuntime(run.runtimeOptions);
let inFlight = 0;

run.open();
for (let slot = 0; slot < run.depth; slot += 1) startSlot();

function startSlot(): void {
  let sequence = 0;
  const onComplete = (result: number): void => {
    if (result !== 0) throw new Error(`A NOP returned ${result}`);
    run.complete(sequence);
    if (run.isStopping) {
      inFlight -= 1;
      if (inFlight === 0) run.report();
      return;
    }
    sequence = run.next;
    run.next += 1;
    runtime.nop(onComplete);
  };
  sequence = run.next;
  run.next += 1;
  inFlight += 1;
  runtime.nop(onComplete);
}
