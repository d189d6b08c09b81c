/**
 * The size of a path, on a real ring.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { sizeOf } from '../../../src/io/files/size-of.ts';
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
