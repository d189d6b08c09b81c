/**
 * A NOP, as a promise and as a callback, with 1 to 512 in flight: what an operation costs when the
 * kernel does nothing for it.
 *
 * At depth 1 every NOP pays for a whole tick; at higher depths a tick is shared. The comparison
 * with C is the scenario `nop` of the harness, which runs each contender in a process of its own.
 */

import { Runtime } from '../../src/runtime/index.ts';
import { measureParts, scaled } from './measurement.ts';
import type { Micro, Part, Row, Size } from './measurement.ts';

const DEPTHS = [1, 8, 64, 512];
const NOPS_PER_SAMPLE = 8192;

export const nop: Micro = {
  name: 'nop',
  summary: 'a promise and a callback per NOP at depths 1, 8, 64 and 512',
  run,
};

async function run(size: Size): Promise<Row[]> {
  const runtime = new Runtime({ backend: 'uring' });
  try {
    return await measureParts(size, [
      ...DEPTHS.map((depth) => promisePart(runtime, depth, size)),
      ...DEPTHS.map((depth) => callbackPart(runtime, depth, size)),
    ]);
  } finally {
    await runtime.close();
  }
}

function promisePart(runtime: Runtime, depth: number, size: Size): Part {
  return {
    name: `promise, depth ${depth}`,
    count: scaled(NOPS_PER_SAMPLE, size),
    async measure(count) {
      let left = count;
      const loop = async (): Promise<void> => {
        while (left > 0) {
          left -= 1;
          checkResult(await runtime.nop());
        }
      };
      const startMs = performance.now();
      await Promise.all(Array.from({ length: depth }, loop));
      return performance.now() - startMs;
    },
  };
}

function callbackPart(runtime: Runtime, depth: number, size: Size): Part {
  return {
    name: `callback, depth ${depth}`,
    count: scaled(NOPS_PER_SAMPLE, size),
    measure: (count) =>
      new Promise((resolve) => {
        let queued = 0;
        let completed = 0;
        const startMs = performance.now();
        const onComplete = (result: number): void => {
          checkResult(result);
          completed += 1;
          if (queued < count) queueOne();
          else if (completed === count) resolve(performance.now() - startMs);
        };
        const queueOne = (): void => {
          queued += 1;
          runtime.nop(onComplete);
        };
        while (queued < Math.min(depth, count)) queueOne();
      }),
  };
}

function checkResult(result: number): void {
  if (result !== 0) throw new Error(`A NOP returned ${result}`);
}
