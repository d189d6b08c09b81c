/**
 * The size of a path, on a real ring.
 */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { isFifo, sizeOf } from '../../../src/io/files/size-of.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

describe('sizeOf', () => {
  ringTest('6.1', 'says the size, and 0 where it cannot', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, 'content');
    expect(await sizeOf(runtime, Buffer.from(path))).toBe(7);
    expect(await sizeOf(runtime, Buffer.from(`${path}-missing`))).toBe(0);
    expect(await sizeOf(runtime, Buffer.from('/proc/self/maps'))).toBe(0);
    await runtime.close();
    expect(await rejectionOf(sizeOf(runtime, Buffer.from(path)))).toMatchObject({
      code: 'ERR_RUNTIME_CLOSED',
    });
  });
});

describe('isFifo', () => {
  ringTest('6.1', 'tells a FIFO from a file, and from what is not there', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'fifo');
    execFileSync('mkfifo', [path]);
    expect(await isFifo(runtime, Buffer.from(path))).toBe(true);
    expect(await isFifo(runtime, Buffer.from('/dev/null'))).toBe(false);
    expect(await isFifo(runtime, Buffer.from(`${path}-missing`))).toBe(false);
  });
});
