/**
 * The size of an open file, changed on a real ring.
 */

import { constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { openRingFile } from '../../../src/io/files/ring-open.ts';
import { truncateOpen } from '../../../src/io/files/truncate-open.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

const { O_RDONLY, O_RDWR } = constants;

describe('truncateOpen', () => {
  ringTest('6.1', 'cuts and extends, on kernels without the opcode as well', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, 'content');
    const file = await openRingFile(runtime, Buffer.from(path), O_RDWR, 0);
    await truncateOpen(runtime, file.fd, 3);
    expect(readFileSync(path, 'latin1')).toBe('con');
    await truncateOpen(runtime, file.fd, 5);
    expect(readFileSync(path, 'latin1')).toBe('con\0\0');
    await file.close();
    const readable = await openRingFile(runtime, Buffer.from(path), O_RDONLY, 0);
    // EINVAL is what a kernel without it would say: here it comes from Node.
    const error = await rejectionOf(truncateOpen(runtime, readable.fd, 1));
    expect(error).toMatchObject({ code: 'EINVAL', syscall: 'ftruncate' });
    expect(error.message).toBe('EINVAL: invalid argument, ftruncate');
    await readable.close();
  });
});
