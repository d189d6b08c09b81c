/**
 * Tests on a real io_uring: `ringTest(since, name, fn)` is the only place that skips, and says why.
 *
 * After each test it checks that the runtime was left as it was found: nothing in flight, closed,
 * and no descriptor more than before. `since` is the first kernel that has what the test needs.
 */

import { readdirSync, readlinkSync } from 'node:fs';
import { release } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Runtime } from '../../src/runtime/runtime.ts';
import type { RuntimeOptions } from '../../src/runtime/options.ts';

/** What a test on a real ring is given. */
export interface RingTest {
  /** Opens the thread's runtime with options; closed after the test if it was not before. */
  open(options?: RuntimeOptions): Runtime;
  /** Ends the test as one that was skipped, and says why. */
  readonly skip: Skip;
}

/** What a test that finds out on its way that it cannot run calls. */
export type Skip = (reason: string) => never;

let unavailable: string | undefined | null = null;

/** Turns that what is in flight for a tick or two has to come back. */
const SETTLING_TURNS = 5;

/** Runs `fn` on a real ring, or skips and says why. `since` is written as `'6.1'`. */
export function ringTest(
  since: string,
  name: string,
  fn: (ring: RingTest) => Promise<void> | void,
  timeoutMs?: number,
): void {
  test(
    name,
    async ({ skip }) => {
      const reason = await whyNot(since);
      if (reason !== undefined) skip(reason);
      await runOnRing(fn, skip);
    },
    timeoutMs,
  );
}

async function runOnRing(fn: (ring: RingTest) => Promise<void> | void, skip: Skip): Promise<void> {
  const before = openDescriptors();
  const opened: Runtime[] = [];
  let inFlight = 0;
  const closeAll = async (): Promise<void> => {
    for (const runtime of opened.splice(0)) {
      if (!runtime.isClosed) inFlight += await settledInFlight(runtime);
      await runtime.close();
    }
  };
  // A test that throws must not leave a runtime to the next one.
  onTestFinished(closeAll);
  await fn({
    skip,
    open(options) {
      const runtime = new Runtime({ backend: 'uring', ...options });
      opened.push(runtime);
      return runtime;
    },
  });
  await closeAll();
  expect(inFlight, 'operations in flight after the test').toBe(0);
  await expectNoNewDescriptors(before);
}

/** What is in flight when what only takes a tick or two has come back, such as a delay's NOP. */
async function settledInFlight(runtime: Runtime): Promise<number> {
  for (let turns = 0; turns < SETTLING_TURNS && runtime.metrics().inFlight > 0; turns += 1) {
    await new Promise(setImmediate);
  }
  return runtime.metrics().inFlight;
}

async function whyNot(since: string): Promise<string | undefined> {
  if (!isAtLeast(release(), since)) return `needs Linux ${since}, this is ${release()}`;
  if (unavailable === null) unavailable = await probe();
  return unavailable;
}

async function probe(): Promise<string | undefined> {
  let runtime: Runtime;
  try {
    runtime = new Runtime({ backend: 'uring' });
  } catch (error) {
    return `no io_uring: ${error instanceof Error ? error.message : String(error)}`;
  }
  await runtime.close();
  return undefined;
}

function isAtLeast(version: string, since: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const [majorMin = 0, minorMin = 0] = since.split('.').map(Number);
  return major > majorMin || (major === majorMin && minor >= minorMin);
}

/** Descriptors of this process and what they are, for comparison and for the message. */
export function openDescriptors(): Map<string, string> {
  const open = new Map<string, string>();
  for (const fd of readdirSync('/proc/self/fd')) {
    const target = targetOf(fd);
    if (target !== undefined) open.set(fd, target);
  }
  return open;
}

function targetOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // The descriptor that read the directory is gone by now.
    return undefined;
  }
}

/** Node closes some of its own a turn late; whatever stays open is a leak. */
async function expectNoNewDescriptors(before: ReadonlyMap<string, string>): Promise<void> {
  const TURNS_MAX = 100;
  let leaked: string[] = [];
  for (let turns = 0; turns < TURNS_MAX; turns += 1) {
    leaked = [...openDescriptors()]
      .filter(([fd, target]) => before.get(fd) !== target)
      .map(([fd, target]) => `${fd} -> ${target}`);
    if (leaked.length === 0) return;
    await nextTurn();
  }
  expect(leaked, 'descriptors left open').toEqual([]);
}
