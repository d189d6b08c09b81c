/**
 * Handles that the garbage collector takes: closed, and warned of, as Node does.
 */

import { describe, expect } from 'vitest';
import { importUrl, runScript } from '../../support/child.ts';
import { ringTest } from '../../support/ring-test.ts';

const collecting = `
  import { readdirSync, readlinkSync } from 'node:fs';
  import { setTimeout } from 'node:timers/promises';
  const { open } = (await import(process.argv[2])).default;
  const warnings = [];
  process.on('warning', ({ name, code, message }) => warnings.push([name, code, message]));
  const target = (fd) => {
    try { return readlinkSync('/proc/self/fd/' + fd); } catch { return 'the listing itself'; }
  };
  const open1 = () => readdirSync('/proc/self/fd').map(target);
  const count = () => open1().filter((path) => path === '/dev/null').length;
  // The first stream of libuv opens one for itself.
  process.stderr.write('');
  await (await open('/dev/null')).close();
  const before = count();
  await (async () => { for (let i = 0; i < 3; i += 1) await open('/dev/null'); })();
  if (process.argv[3] === 'later') await setTimeout(300);
  for (let i = 0; i < 500 && warnings.length < 4; i += 1) {
    gc();
    await setTimeout(5);
  }
  for (let i = 0; i < 100 && count() > before; i += 1) await new Promise(setImmediate);
  console.log(JSON.stringify([count() - before, ...warnings])
    .replaceAll(/descriptor \\d+/g, 'descriptor N'));
`;

const ending = `
  const { open } = (await import(process.argv[2])).default;
  process.on('warning', ({ message }) => {
    console.log(message.replace(/descriptor .*/, 'descriptor'));
  });
  await (async () => void (await open('/dev/null')))();
  setImmediate(() => gc());
`;

describe('a handle that nobody closes', () => {
  ringTest('6.1', 'is warned of by a program that ends at once', async () => {
    const args = ['x', importUrl('dist/src/io/fs/promises.js')];
    const { stdout } = await runScript(ending, { nodeArgs: ['--expose-gc'], args });
    expect(stdout).toMatch(/^Closing file descriptor\nClosing a FileHandle object/);
  });

  for (const when of ['soon', 'later']) {
    ringTest('6.1', `is closed with the warnings of Node, ${when}`, async () => {
      const run = async (module: string): Promise<unknown> => {
        const args = ['x', module, when];
        const { stdout } = await runScript(collecting, { nodeArgs: ['--expose-gc'], args });
        return JSON.parse(stdout);
      };
      const ours = (await run(importUrl('dist/src/io/fs/promises.js'))) as string[][];
      const closing = ['Warning', null, 'Closing file descriptor N on garbage collection'];
      const message = expect.stringMatching(/^Closing a FileHandle object on/);
      // Once for each handle, and once for all of them.
      expect(ours).toEqual([
        0,
        closing,
        ['DeprecationWarning', 'DEP0137', message],
        closing,
        closing,
      ]);
    });
  }
});
