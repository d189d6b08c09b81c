/**
 * The size of an open file, changed by Node's thread pool.
 */

import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { truncateOnNode } from '../../../src/io/files/node-truncate.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

it('cuts, extends, and says why not', async () => {
  const path = join(tempDirectory(), 'file');
  writeFileSync(path, 'content');
  const fd = openSync(path, 'r+');
  await truncateOnNode(fd, 3);
  await truncateOnNode(fd, 4);
  expect(readFileSync(path, 'latin1')).toBe('con\0');
  closeSync(fd);
  expect(await rejectionOf(truncateOnNode(fd, 0))).toMatchObject({ code: 'EBADF' });
});
