/**
 * Conformance: one list of cases that every backend must pass, on the ring and on libuv.
 *
 * A case gets an open runtime of its backend. After it nothing may be left: no operation in flight,
 * no descriptor more than before, no socket of libuv's. A case that a backend cannot pass says so
 * where it is listed, with the reason, and is reported as skipped.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { RuntimeOptions } from '../../src/runtime/options.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import { openDescriptors, ringTest } from './ring-test.ts';
import type { RingTest, Skip } from './ring-test.ts';

export type Backend = 'uring' | 'libuv';

/** Every backend; suites are defined once for each. */
export const backends: readonly Backend[] = ['uring', 'libuv'];

/** What a case is given. */
interface Given {
  readonly backend: Backend;
  readonly runtime: Runtime;
  /** Ends the case as one that was skipped, and says why. */
  readonly skip: Skip;
}

/** How a case differs from the others. */
export interface CaseOptions {
  /** Of the runtime that the case is given. */
  readonly runtime?: RuntimeOptions;
  /** The backend that cannot pass it, and why. */
  readonly skip?: readonly [backend: Backend, reason: string];
  readonly timeoutMs?: number;
}

type Run = (given: Given) => Promise<void> | void;

interface Case {
  readonly name: string;
  readonly run: Run;
  readonly options: CaseOptions;
}

const TURNS_MAX = 200;

/** A list of cases. */
export class Suite {
  readonly #cases: Case[] = [];

  /** Adds a case. */
  add(name: string, run: Run, options: CaseOptions = {}): void {
    this.#cases.push({ name, run, options });
  }

  /** Defines every case as a test on `backend`; call it inside `describe`. */
  define(backend: Backend): void {
    for (const { name, run, options } of this.#cases) backendTest(backend, name, run, options);
  }
}

/** One test on a runtime of `backend`. */
function backendTest(backend: Backend, name: string, run: Run, options: CaseOptions = {}): void {
  const [skipped] = options.skip ?? [];
  definitions[skipped === backend ? 'skipped' : backend](name, run, options);
}

type Define = (name: string, run: Run, options: CaseOptions) => void;

const definitions: Readonly<Record<Backend | 'skipped', Define>> = {
  skipped: (name, _run, options) => test(name, ({ skip }) => skip(options.skip?.[1])),
  libuv: (name, run, options) =>
    test(name, ({ skip }) => runOnLibuv(run, options, skip), options.timeoutMs),
  uring: (name, run, options) => {
    const runOnRing = async ({ open, skip }: RingTest): Promise<void> => {
      const runtime = open(options.runtime);
      await run({ backend: 'uring', runtime, skip });
      await settled(() => runtime.isClosed || runtime.metrics().inFlight === 0);
    };
    ringTest('6.1', name, runOnRing, options.timeoutMs);
  },
};

async function runOnLibuv(run: Run, options: CaseOptions, skip: Skip): Promise<void> {
  const before = openDescriptors();
  const socketsBefore = sockets();
  const runtime = new Runtime({ ...options.runtime, backend: 'libuv' });
  onTestFinished(() => runtime.close());
  await run({ backend: 'libuv', runtime, skip });
  await runtime.close();
  await settled(() => leaked(before).length === 0 && sockets() <= socketsBefore);
  expect(leaked(before), 'descriptors left open').toEqual([]);
  expect(sockets(), 'sockets of libuv left').toBeLessThanOrEqual(socketsBefore);
}

/** What closes a turn late is given some turns. */
async function settled(isSettled: () => boolean): Promise<void> {
  for (let turns = 0; turns < TURNS_MAX && !isSettled(); turns += 1) await nextTurn();
}

function leaked(before: ReadonlyMap<string, string>): string[] {
  return [...openDescriptors()]
    .filter(([fd, target]) => before.get(fd) !== target)
    .map(([fd, target]) => `${fd} -> ${target}`);
}

function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
}
