/**
 * statx(2) of a descriptor, on a real ring: what it says, and why it cannot.
 */

import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { statxOpen } from '../../../src/io/files/statx-open.ts';
import { readStatx, STATX_SIZE } from '../../../src/native/abi.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

describe('statxOpen', () => {
  ringTest('6.1', 'reads the struct, and gives its memory back on failure', async ({ open }) => {
    const engine = open().requireEngine();
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, 'content');
    const fd = openSync(path, 'r');
    const sizeOf = (): Promise<number> =>
      statxOpen(engine, fd, STATX_SIZE, (bytes) => readStatx(bytes).size);
    expect(await sizeOf()).toBe(7);
    closeSync(fd);
    expect(await rejectionOf(sizeOf())).toMatchObject({ code: 'EBADF', syscall: 'statx' });
  });
});
