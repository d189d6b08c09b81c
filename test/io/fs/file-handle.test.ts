/**
 * The class of handles: derived from Node's own, or not at all; what it refuses. What handles do is
 * in `conformance/fs-handles.ts` and `fs-streams.ts`.
 */

import { readdirSync } from 'node:fs';
import * as node from 'node:fs/promises';
import { describe, expect } from 'vitest';
import { fileHandleClass, findFileHandleClass } from '../../../src/io/fs/file-handle.ts';
import { open as openHandle } from '../../../src/io/fs/open-functions.ts';
import { importUrl, runScript } from '../../support/child.ts';
import { ringTest } from '../../support/ring-test.ts';

describe('the class of handles', () => {
  ringTest('6.1', 'is found once, and derives from that of Node', async ({ open }) => {
    open();
    const [first, second] = await Promise.all([findFileHandleClass(), findFileHandleClass()]);
    expect(first).toBe(second);
    expect(fileHandleClass()).toBe(first);
    const sample = await node.open('/dev/null');
    expect(Object.getPrototypeOf(first)).toBe(sample.constructor);
    await sample.close();
  });

  ringTest('6.1', 'does not hide that there are no descriptors left', async () => {
    const script = `
      const { open } = (await import('${importUrl('dist/src/io/fs/promises.js')}')).default;
      const { openSync, closeSync } = await import('node:fs');
      const { runtime } = await import('${importUrl('dist/src/io/index.js')}');
      runtime();
      const open1 = [];
      try { for (;;) open1.push(openSync('/dev/null')); } catch { /* All are taken. */ }
      const codes = [];
      for (let i = 0; i < 3; i += 1) {
        await open('/etc/hostname').catch((error) => codes.push(error.message));
      }
      for (const fd of open1) closeSync(fd);
      const handle = await open('/dev/null');
      codes.push(Object.getPrototypeOf(Object.getPrototypeOf(handle)).constructor.name);
      await handle.close();
      console.log(codes.join());
    `;
    const { stdout, stderr } = await runScript(script);
    const message = "EMFILE: too many open files, open '/etc/hostname'";
    expect([stdout, stderr]).toEqual([`${message},${message},${message},FileHandle\n`, '']);
  });
});

describe('a handle', () => {
  ringTest('6.1', 'closes when its runtime does', async ({ open }) => {
    const runtime = open();
    const handle = await openHandle('/dev/null');
    const { fd } = handle;
    let events = 0;
    (handle as unknown as NodeJS.EventEmitter).on('close', () => {
      events += 1;
    });
    await runtime.close();
    expect([handle.fd, events]).toEqual([-1, 1]);
    expect(readdirSync('/proc/self/fd')).not.toContain(String(fd));
    await expect(handle.read(Buffer.alloc(1))).rejects.toMatchObject({ code: 'EBADF' });
  });
});
