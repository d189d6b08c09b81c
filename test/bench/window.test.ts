/**
 * What a run says of itself.
 */

import { expect, it } from 'vitest';
import { root } from '../support/source-tree.ts';
import { runScript } from '../support/child.ts';

const MIB = 1024 * 1024;

it('the peak of memory is that of the run, not of who started it', async () => {
  const ballast = Buffer.alloc(512 * MIB, 1);
  const { stdout } = await runScript(`
    import { peakBytes } from '${root}/dist/bench/worker/window.js';
    const before = peakBytes();
    globalThis.held = Buffer.alloc(100 * ${MIB}, 1);
    console.log(JSON.stringify({ before, after: peakBytes() }));
  `);
  const { before, after } = JSON.parse(stdout) as { before: number; after: number };
  expect(before).toBeLessThan(ballast.length / 2);
  expect(after - before).toBeGreaterThan(90 * MIB);
});
