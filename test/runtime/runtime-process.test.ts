/**
 * The runtime in a process of its own, where nothing of the test runner's wakes the loop up or
 * keeps it alive: programs that must answer, and programs that must end by themselves.
 *
 * The children run the build, as programs do.
 */

import { describe, expect } from 'vitest';
import { importUrl, runScript } from '../support/child.ts';
import type { ChildResult } from '../support/child.ts';
import { ringTest } from '../support/ring-test.ts';

const PRELUDE = `
  import { prep, Runtime } from '${importUrl('dist/src/io/index.js')}';
  const open = (options) => new Runtime({ backend: 'uring', ...options });
  const forever = (ring) => (sqe) => prep.prepPollAdd(sqe, ring.engine.ring.fd, 0);
`;
/** Enough for a start of Node on a busy machine; what hangs takes for ever. */
const TIMEOUT_MS = 10_000;
/** Shorter than any time that the runtime gives the kernel to let go of something. */
const PROMPT_MS = 1500;

function run(script: string): Promise<ChildResult> {
  return runScript(PRELUDE + script, { timeoutMs: TIMEOUT_MS });
}

/** How long the process went on after it had printed when that was. */
function lingered({ stdout }: ChildResult): number {
  const [ended = NaN, exited = NaN] = stdout.trim().split('\n').map(Number);
  return exited - ended;
}

const REPORT_END = `
  process.on('exit', () => console.log(performance.now()));
  console.log(performance.now());
`;

describe('A program of its own', () => {
  ringTest('6.1', 'gets its answers when it fills the submission queue exactly', async () => {
    const result = await run(`
      const ring = open({ entries: 8 });
      const all = await Promise.all(Array.from({ length: 8 }, () => ring.nop()));
      console.log(all.join());
    `);
    expect(result).toMatchObject({ code: 0, stdout: '0,0,0,0,0,0,0,0\n', stderr: '' });
  });

  ringTest('6.1', 'goes on while a referenced operation is in flight', async () => {
    const result = await run(`
      const ring = open();
      void ring.submit(forever(ring), { ref: false }).catch(() => {});
      const controller = new AbortController();
      setTimeout(() => {
        const { signal } = controller;
        ring.submit(forever(ring), { signal }).catch(() => console.log('aborted'));
        setTimeout(() => controller.abort(), 20).unref();
      }, 20);
    `);
    expect(result).toMatchObject({ code: 0, stdout: 'aborted\n', stderr: '' });
  });

  ringTest('6.1', 'ends when only unreferenced operations are left', async () => {
    const result = await run(`
      const ring = open();
      void ring.submit(forever(ring), { ref: false }).catch(() => {});
      await ring.nop();
      ${REPORT_END}
    `);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(lingered(result)).toBeLessThan(PROMPT_MS);
  });

  ringTest('6.13', 'ends while its completion queue is grown', async () => {
    const result = await run(`
      const ring = open({ entries: 8, completionEntries: 8, resize: { pressedBatches: 1 } });
      await Promise.all(Array.from({ length: 100 }, () => ring.nop()));
      if (ring.metrics().completionEntries === 8) throw new Error('not grown');
      ${REPORT_END}
    `);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(lingered(result)).toBeLessThan(PROMPT_MS);
  });

  ringTest('6.1', 'exits at once in the middle of things', async () => {
    for (const where of ['ring.nop(exit)', 'setTimeout(exit, 5)', 'setImmediate(exit)']) {
      const result = await run(`
        const ring = open();
        void ring.submit(forever(ring)).catch(() => {});
        const exit = () => {
          ${REPORT_END}
          void ring.submit(forever(ring)).catch(() => {});
          process.exit(7);
        };
        ${where};
      `);
      expect(result, where).toMatchObject({ code: 7, stderr: '' });
      expect(lingered(result), where).toBeLessThan(PROMPT_MS);
    }
  });

  ringTest('6.1', 'dies of an error in a tick with its trace, and not of a signal', async () => {
    const result = await run(`
      const ring = open();
      ring.nop(() => process.nextTick(() => { throw new Error('in a tick'); }));
      await ring.nop();
    `);
    expect(result).toMatchObject({ code: 1, signal: null });
    expect(result.stderr).toContain('Error: in a tick');
  });

  ringTest('6.1', 'survives errors in ticks that somebody listens for', async () => {
    const result = await run(`
      const ring = open();
      process.on('uncaughtException', (error) => console.log(error.message));
      for (let i = 0; i < 3; i += 1) {
        ring.nop(() => process.nextTick(() => { throw new Error('tick ' + i); }));
      }
      await ring.nop();
      await ring.nop();
      setTimeout(async () => {
        await ring.close();
        console.log('closed');
      }, 10);
    `);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toBe('tick 0\ntick 1\ntick 2\nclosed\n');
  });
});
