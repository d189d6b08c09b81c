/**
 * A runtime on the simulated kernel, as far as files need one.
 */

import type { Resource, Runtime } from '../../src/runtime/runtime.ts';
import { closedError } from '../../src/runtime/errors.ts';
import { openSim } from './sim-engine.ts';
import type { Sim } from './sim-engine.ts';

export interface SimRuntime {
  readonly sim: Sim;
  readonly runtime: Runtime;
  /** From here on the runtime says that it is closed. */
  close(): void;
}

/** Opens an engine and dresses it up as a runtime. */
export function openSimRuntime(): SimRuntime {
  const sim = openSim({ entries: 256, completionEntries: 512 });
  let isClosed = false;
  const runtime = {
    resources: new Set<Resource>(),
    get isClosed() {
      return isClosed;
    },
    get files() {
      return sim.engine.files;
    },
    requireEngine() {
      if (isClosed) throw closedError('runtime');
      return sim.engine;
    },
  };
  return {
    sim,
    runtime: runtime as unknown as Runtime,
    close() {
      isClosed = true;
      for (const resource of runtime.resources) resource.destroy();
    },
  };
}
