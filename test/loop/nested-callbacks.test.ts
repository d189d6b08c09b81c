/**
 * Node's callbacks inside of ours: whatever calls back on the spot leaves ticks, microtasks and the
 * judgment about rejections to the end of the outer callback, as under Node alone.
 */

import { expect, it } from 'vitest';
import { hosts, runProgram } from './host.ts';

interface NestedReport {
  readonly afterAwait: readonly string[];
  readonly afterTimer: readonly string[];
  readonly inListener: readonly string[];
  readonly unhandled: readonly string[];
}

const nested = new URL('programs/nested.mjs', import.meta.url);

it.each(hosts)('ticks wait for the outermost callback on $label', async (host) => {
  const report = await runProgram<NestedReport>(host, nested, []);
  expect(report).toMatchObject({
    afterAwait: ['end', 'rejection', 'tick'],
    afterTimer: ['end', 'rejection', 'tick'],
    inListener: ['end', 'listener', 'tick', 'rejection'],
    unhandled: [],
  });
});
