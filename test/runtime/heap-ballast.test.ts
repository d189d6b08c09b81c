/**
 * When text is held so that V8 collects less often, and when not; each in a process of its own,
 * whose heap is small.
 */

import { describe, expect, it } from 'vitest';
import { runScript } from '../support/child.ts';
import { root } from '../support/source-tree.ts';

const MIB = 1024 * 1024;

interface Held {
  readonly size: number;
  readonly grown: number;
  /** How often the C library was shown a large block. */
  readonly lessons: number;
}

/** What is held after `count` full collections, each behind so many MiB of chunks. */
async function heldAfter(
  count: number,
  mebibytes: number,
  nodeArgs: readonly string[] = [],
  before = '',
  mebibytesAfter = 16,
): Promise<Held> {
  const { stdout } = await runScript(
    `
    import { HeapBallast } from '${root}/dist/src/runtime/heap-ballast.js';
    import { setImmediate as turn } from 'node:timers/promises';
    ${before}
    let lessons = 0;
    const ballast = new HeapBallast({ mallocAndFree: () => (lessons += 1) });
    gc();
    const { heapUsed } = process.memoryUsage();
    for (let n = 0; n < ${count}; n += 1) {
      for (let i = 0; i < ${mebibytes}; i += 1) ballast.onMemory(${MIB});
      gc();
      // Only then is it said.
      await turn();
    }
    for (let n = 0; n < 2; n += 1) {
      for (let i = 0; i < ${mebibytesAfter}; i += 1) ballast.onMemory(${MIB});
      gc();
      await turn();
    }
    gc();
    const grown = process.memoryUsage().heapUsed - heapUsed;
    console.log(JSON.stringify({ size: ballast.size, grown, lessons }));
    `,
    { nodeArgs: ['--expose-gc', ...nodeArgs] },
  );
  return JSON.parse(stdout) as Held;
}

describe('HeapBallast', () => {
  it('is there after full collections in a row', async () => {
    const { size, grown } = await heldAfter(10, 16);
    expect(size).toBe(32 * MIB);
    expect(grown).toBeGreaterThan(size * 0.95);
  });

  it('comes with a lesson for the C library, once', async () => {
    expect((await heldAfter(10, 16)).lessons).toBe(1);
    expect((await heldAfter(10, 2, [], '', 1)).lessons).toBe(0);
  });

  it('is let go of when chunks are not why any more', async () => {
    const { size, grown } = await heldAfter(12, 16, [], '', 1);
    expect(size).toBe(0);
    expect(grown).toBeLessThan(4 * MIB);
  });

  it.each([
    ['after a few', 1, 16, [], ''],
    ['after such that the program asks for', 20, 2, [], ''],
    ['after such that are far apart', 20, 130, [], ''],
    ['in a heap that may not grow', 20, 16, ['--max-old-space-size=256'], ''],
    [
      'in a large heap',
      20,
      16,
      [],
      'globalThis.state = Array.from({ length: 2e6 }, (_, index) => ({ index, half: index / 2 }));',
    ],
  ] as const)('is not there %s', async (_when, count, mebibytes, nodeArgs, before) => {
    const { size, grown } = await heldAfter(count, mebibytes, nodeArgs, before);
    expect(size).toBe(0);
    expect(grown).toBeLessThan(4 * MIB);
  });
});
