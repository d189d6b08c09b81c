/**
 * An engine on the simulated kernel and loop, with everything that it reported.
 */

import { Engine } from '../../src/runtime/engine.ts';
import { resolveOptions } from '../../src/runtime/options.ts';
import type { RuntimeOptions } from '../../src/runtime/options.ts';
import type { Operation } from '../../src/runtime/operation.ts';
import type { ResizeEvent } from '../../src/runtime/pressure.ts';
import type { Scheduler } from '../../src/runtime/scheduler.ts';
import { promiseOf, settleWithResult } from '../../src/runtime/completion-promise.ts';
import * as c from '../../src/native/constants/io-uring.ts';
import { prepNop } from '../../src/native/prep.ts';
import { SimKernel } from './sim-kernel.ts';
import { SimLoop } from './sim-loop.ts';
import type { SimOperation } from './sim-operation.ts';

/** A small ring: what matters happens sooner. */
const OPTIONS: RuntimeOptions = { entries: 8, completionEntries: 16 };

export interface Sim {
  readonly kernel: SimKernel;
  readonly loop: SimLoop;
  readonly engine: Engine;
  readonly scheduler: Scheduler;
  readonly resizes: ResizeEvent[];
  /** When each of them happened. */
  readonly resizedMs: number[];
  readonly failures: Error[];
}

/** Opens an engine; `prepareKernel` runs before. */
export function openSim(
  options: RuntimeOptions = {},
  prepareKernel: (kernel: SimKernel) => void = () => {},
): Sim {
  const kernel = new SimKernel();
  const loop = new SimLoop(kernel);
  prepareKernel(kernel);
  const resizes: ResizeEvent[] = [];
  const resizedMs: number[] = [];
  const failures: Error[] = [];
  let opened: Engine | null = null;
  const engine = new Engine({ kernel, loop }, resolveOptions({ ...OPTIONS, ...options }), {
    onResize: (event) => {
      resizes.push(event);
      resizedMs.push(kernel.clock.nowMs);
    },
    onFailure: (error) => {
      failures.push(error);
      if (failures.length === 1) opened?.abandon(error);
    },
  });
  opened = engine;
  return { kernel, loop, engine, scheduler: engine.scheduler, resizes, resizedMs, failures };
}

/** Closes the engine in turns of the loop. */
export async function closeSim(sim: Sim): Promise<void> {
  let isClosed = false;
  const closing = sim.engine.close().then(() => (isClosed = true));
  if (!isClosed && sim.loop.isStarted) await sim.loop.turnUntilStopped();
  await closing;
}

/** What a closed engine has left behind: all of it must be 0. */
export function leftOvers(sim: Sim): { mapped: number; rings: number; descriptors: number } {
  return {
    mapped: sim.kernel.memory.mapped,
    rings: sim.kernel.liveRings,
    // The loop's own stays.
    descriptors: sim.kernel.openDescriptors - 1,
  };
}

export const NOTHING_LEFT: ReturnType<typeof leftOvers> = { mapped: 0, rings: 0, descriptors: 0 };

/** Begins a NOP as a promise. */
export function nop(sim: Sim): Promise<number> {
  const operation = sim.scheduler.begin(settleWithResult, 'nop');
  prepNop(sim.scheduler.sqe);
  return promiseOf<number>(operation);
}

/** Begins a NOP whose completion calls `complete`, as user code or not. */
export function nopThen(
  sim: Sim,
  complete: (result: number, flags: number, operation: Operation) => void,
  runsUserCode = false,
): Operation {
  const operation = sim.scheduler.begin(complete, 'nop');
  operation.runsUserCode = runsUserCode;
  prepNop(sim.scheduler.sqe);
  return operation;
}

/** The held operation that belongs to a record. */
export function heldOf(sim: Sim, operation: Operation): SimOperation {
  const held = sim.kernel
    .held()
    .find(({ low, high }) => low === operation.index && high === operation.generation);
  if (held === undefined) throw new Error('The kernel holds no such operation');
  return held;
}

/** Keeps NOPs in flight until the test completes them. */
export function holdNops(sim: Sim): void {
  sim.kernel.hold(c.IORING_OP_NOP);
}
