/**
 * What a wait costs, by the way in which it says how long it may take.
 *
 * Each is made on a ring by hand, without ticks around it. First as a wait that a NOP of the same
 * `enter` satisfies at once: the price of being able to time out. Then as one of 50 µs in which
 * nothing happens: how long it takes, timer slack and wake-up included, and how much CPU time.
 *
 *   registered slot   the argument lies in memory that the kernel knows (Linux 6.13+)
 *   EXT_ARG           the kernel copies it at every enter (5.11+)
 *   TIMEOUT           an operation of its own, as before EXT_ARG: one more entry and completion
 *   plain             no limit at all
 */

import { ETIME, PAGE_SIZE, prepNop, prepTimeout } from '../../src/native/index.ts';
import type { Memory } from '../../src/native/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import type { Engine } from '../../src/runtime/index.ts';
import { cpuTimeOf, elapsedOf, measureParts, scaled } from './measurement.ts';
import type { Micro, Part, Row, Size } from './measurement.ts';

const SATISFIED_WAITS = 4096;
const TIMED_WAITS = 128;
const TIMED_MS = 0.05;
/** Long enough never to expire in a wait that is satisfied at once. */
const LIMIT_MS = 10_000;
/** The size in words of a completion in a batch, and where its result is. */
const CQE_WORDS = 4;
const CQE_RESULT = 2;

export const wait: Micro = {
  name: 'wait',
  summary: 'a wait: registered slot, EXT_ARG, TIMEOUT operation, plain',
  async run(size) {
    return [
      ...(await runOn({ registeredWaits: true }, size)),
      ...(await runOn({ registeredWaits: false }, size)),
    ];
  },
};

async function runOn(options: { registeredWaits: boolean }, size: Size): Promise<Row[]> {
  const runtime = new Runtime({ backend: 'uring', ...options });
  const { engine } = runtime;
  if (engine === null) throw new Error('Expected a ring');
  const timespec = engine.host.kernel.allocate(PAGE_SIZE);
  if (typeof timespec === 'number') throw new Error('No memory for a timespec');
  try {
    if (!options.registeredWaits) return await measureParts(size, limitParts(engine, size));
    const parts = [
      ...(engine.waiter.usesSlots ? limitParts(engine, size) : []),
      ...timeoutParts(engine, timespec, size),
      satisfiedPart('plain', size, (count) => {
        for (let left = count; left > 0; left -= 1) {
          prepNop(engine.ring.next());
          engine.ring.enter(1, 0, 0, 0);
          expectResults(engine, 0);
        }
      }),
    ];
    return await measureParts(size, parts);
  } finally {
    await runtime.close();
    timespec.free();
  }
}

/** Waits whose limit is an argument of `enter`, in whichever way this engine gives it. */
function limitParts(engine: Engine, size: Size): Part[] {
  const { ring, waiter } = engine;
  const way = waiter.usesSlots ? 'registered slot' : 'EXT_ARG';
  const expire = (count: number): void => {
    for (let left = count; left > 0; left -= 1) {
      expectExpiry(waiter.waitFor(TIMED_MS, 1, 0));
    }
  };
  return [
    satisfiedPart(way, size, (count) => {
      for (let left = count; left > 0; left -= 1) {
        prepNop(ring.next());
        waiter.waitFor(LIMIT_MS, 1, 0);
        expectResults(engine, 0);
      }
    }),
    ...timedParts(way, size, expire),
  ];
}

function timeoutParts(engine: Engine, timespec: Memory, size: Size): Part[] {
  const { ring } = engine;
  const words = new Int32Array(timespec.buffer);
  const setMs = (ms: number): void => {
    words[0] = Math.floor(ms / 1000);
    words[2] = (ms % 1000) * 1e6;
  };
  return [
    satisfiedPart('TIMEOUT', size, (count) => {
      setMs(LIMIT_MS);
      for (let left = count; left > 0; left -= 1) {
        // It is over after one other completion, so there are two to take in.
        prepTimeout(ring.next(), timespec.address, 1, 0);
        prepNop(ring.next());
        ring.enter(2, 0, 0, 0);
        expectResults(engine, 0, 0);
      }
    }),
    ...timedParts('TIMEOUT', size, (count) => {
      setMs(TIMED_MS);
      for (let left = count; left > 0; left -= 1) {
        prepTimeout(ring.next(), timespec.address, 0, 0);
        ring.enter(1, 0, 0, 0);
        expectResults(engine, -ETIME);
      }
    }),
  ];
}

function satisfiedPart(way: string, size: Size, work: (count: number) => void): Part {
  const count = scaled(SATISFIED_WAITS, size);
  return { name: `${way}, satisfied at once`, count, measure: elapsedOf(work) };
}

function timedParts(way: string, size: Size, work: (count: number) => void): Part[] {
  const count = scaled(TIMED_WAITS, size);
  return [
    { name: `${way}, 50 µs, elapsed`, count, measure: elapsedOf(work) },
    { name: `${way}, 50 µs, CPU time`, count, measure: cpuTimeOf(work) },
  ];
}

/** Takes in what is complete; the scheduler, whose operations these are not, never sees it. */
function expectResults({ ring }: Engine, ...expected: readonly number[]): void {
  const { completions } = ring;
  completions.collect();
  const { batch, count } = completions;
  completions.count = 0;
  if (count !== expected.length) {
    throw new Error(`${count} completions instead of ${expected.length}`);
  }
  for (const [index, result] of expected.entries()) {
    const actual = batch[index * CQE_WORDS + CQE_RESULT];
    if (actual !== result) throw new Error(`A completion has ${actual} instead of ${result}`);
  }
}

function expectExpiry(result: number): void {
  if (result !== -ETIME) throw new Error(`A wait returned ${result} instead of ${-ETIME}`);
}
