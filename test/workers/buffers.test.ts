/**
 * Registered buffers that are shared between threads.
 */

import { describe, expect, it } from 'vitest';
import { ringHosts, runProgram } from '../loop/host.ts';

interface Resources {
  readonly descriptors: number;
  readonly segments: number;
}

interface BuffersReport {
  readonly problems: readonly string[];
  readonly used: number;
  readonly before: Resources;
  readonly after: Resources;
}

const buffers = new URL('programs/buffers.mjs', import.meta.url);

describe.each(['close', 'terminate'])('shared buffers of workers that end by %s', (mode) => {
  it.each(ringHosts)('live as long as anybody has them on $label', async (host) => {
    const report = await runProgram<BuffersReport>(host, buffers, [mode]);
    expect(report).toMatchObject({ problems: [], used: 0, after: report.before });
  });
});
