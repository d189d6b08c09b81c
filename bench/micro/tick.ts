/**
 * A tick with nothing to do: what a turn of Node's loop costs more because a ring lives under it.
 *
 * The loop is one `setImmediate` after the other. Without a runtime, and with one that has nothing
 * in flight, it is libuv's alone; with an operation or a timer that somebody waits for, each turn
 * stops and starts the loop's handles, asks it for its timeout, and runs one tick that finds
 * nothing.
 */

import { prepTimeout } from '../../src/native/index.ts';
import { Runtime, Timer } from '../../src/runtime/index.ts';
import type { Engine } from '../../src/runtime/index.ts';
import { measureParts, scaled } from './measurement.ts';
import type { Micro, Part, Row, Size } from './measurement.ts';

const TURNS_PER_SAMPLE = 4096;
const FAR_AWAY_SECONDS = 86_400;

export const tick: Micro = {
  name: 'tick',
  summary: 'a turn of the host with nothing to do, with a ring and without',
  run,
};

async function run(size: Size): Promise<Row[]> {
  const rows = await measureParts(size, [turnPart('no runtime', size)]);
  const runtime = new Runtime({ backend: 'uring' });
  const { engine } = runtime;
  if (engine === null) throw new Error('Expected a ring');
  try {
    rows.push(
      ...(await measureParts(size, [turnPart('nothing in flight', size)])),
      ...(await withTimer(engine, size)),
      ...(await withOperation(runtime, engine, size)),
    );
  } finally {
    await runtime.close();
  }
  return rows;
}

async function withTimer({ scheduler }: Engine, size: Size): Promise<Row[]> {
  const timer = new Timer(scheduler.nowMs() + FAR_AWAY_SECONDS * 1000, () => {}, null);
  timer.isReferenced = false;
  scheduler.addTimer(timer);
  try {
    return await measureParts(size, [turnPart('an unreferenced timer', size)]);
  } finally {
    scheduler.removeTimer(timer);
  }
}

/** Leaves its operation in flight: closing the runtime cancels it. */
async function withOperation(runtime: Runtime, engine: Engine, size: Size): Promise<Row[]> {
  const timespec = engine.pool.take(16);
  timespec.words.set([FAR_AWAY_SECONDS, 0, 0, 0]);
  const operation = runtime.submit((sqe) => prepTimeout(sqe, timespec.address, 0, 0), {
    ref: false,
    keep: timespec,
  });
  let hasEnded = false;
  operation.catch(() => {
    hasEnded = true;
  });
  const rows = await measureParts(size, [turnPart('an unreferenced operation', size)]);
  if (hasEnded) throw new Error('The operation has ended before the measurement');
  return rows;
}

function turnPart(name: string, size: Size): Part {
  return {
    name,
    count: scaled(TURNS_PER_SAMPLE, size),
    measure: (count) =>
      new Promise((resolve) => {
        let left = count;
        const startMs = performance.now();
        const turn = (): void => {
          left -= 1;
          if (left === 0) resolve(performance.now() - startMs);
          else setImmediate(turn);
        };
        setImmediate(turn);
      }),
  };
}
