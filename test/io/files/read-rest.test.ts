/**
 * Reading to the end of what is open, on a real ring: whatever the size said, the end is where a
 * read gives nothing.
 */

import { constants, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { readRest } from '../../../src/io/files/read-rest.ts';
import { openRingFile } from '../../../src/io/files/ring-open.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

describe('readRest', () => {
  ringTest('6.1', 'puts what was read before in front', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, 'content');
    const file = await openRingFile(runtime, Buffer.from(path), constants.O_RDONLY, 0);
    const pieces = [Buffer.from('the '), Buffer.from('whole ')];
    const whole = await readRest(file, { path: Buffer.from(path), pieces, signal: undefined });
    expect(String(whole)).toBe('the whole content');
    await file.close();
  });

  ringTest('6.1', 'takes the size of the path as a hint only', async ({ open }) => {
    const runtime = open();
    const directory = tempDirectory();
    const path = join(directory, 'file');
    const content = Buffer.alloc(3_000_000, 'content.');
    writeFileSync(path, content);
    const others = { missing: -1, empty: 0, smaller: 10, larger: 5_000_000, same: content.length };
    for (const [name, size] of Object.entries(others)) {
      const other = Buffer.from(join(directory, name));
      if (size >= 0) writeFileSync(other, '');
      if (size > 0) truncateSync(other, size);
      const file = await openRingFile(runtime, Buffer.from(path), constants.O_RDONLY, 0);
      const whole = await readRest(file, { path: other, pieces: [], signal: undefined });
      expect(whole.equals(content), name).toBe(true);
      expect(whole.buffer.byteLength, name).toBeLessThan(content.length * 2 + 1);
      await file.close();
    }
  });

  ringTest('6.1', 'refuses what no Buffer holds', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 31);
    const file = await openRingFile(runtime, Buffer.from(path), constants.O_RDONLY, 0);
    const reading = readRest(file, { path: Buffer.from(path), pieces: [], signal: undefined });
    expect(await rejectionOf(reading)).toMatchObject({
      code: 'ERR_FS_FILE_TOO_LARGE',
      message: 'File size (2147483648) is greater than 2 GiB',
    });
    await file.close();
  });
});
