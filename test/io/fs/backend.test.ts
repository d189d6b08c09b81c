/**
 * Which backend a call goes to: with a ring, without one, while a runtime closes, and under Node's
 * permission model.
 */

import { describe, expect, it } from 'vitest';
import { ringRuntime } from '../../../src/io/fs/backend.ts';
import { Runtime } from '../../../src/runtime/runtime.ts';
import { importUrl, runScript } from '../../support/child.ts';
import { ringTest } from '../../support/ring-test.ts';

describe('ringRuntime', () => {
  it('is nobody on libuv', async () => {
    const runtime = new Runtime({ backend: 'libuv' });
    expect(ringRuntime()).toBeNull();
    await runtime.close();
  });

  ringTest('6.1', 'is the open runtime until it closes', async ({ open }) => {
    const runtime = open();
    expect(ringRuntime()).toBe(runtime);
    const closing = runtime.close();
    expect(ringRuntime()).toBeNull();
    await closing;
  });

  ringTest('6.1', 'is nobody where the permission model guards Node', async () => {
    const script = `
      process.permission = { has: () => false };
      const { default: fs } = await import('${importUrl('dist/src/io/fs/promises.js')}');
      const { default: node } = await import('node:fs/promises');
      const { runtime } = await import('${importUrl('dist/src/io/index.js')}');
      const handle = await fs.open('/dev/null');
      const other = await node.open('/dev/null');
      console.log(Object.getPrototypeOf(handle) === Object.getPrototypeOf(other));
      await handle.close();
      await other.close();
      console.log(runtime().metrics().inFlight);
    `;
    const { stdout, stderr } = await runScript(script);
    expect([stdout, stderr]).toEqual(['true\n0\n', '']);
  });
});
