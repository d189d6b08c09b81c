/**
 * Appending by the thread pool: at the end of the file, whatever it was opened with.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NodeAppendTarget } from '../../../src/io/files/node-append.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

describe('NodeAppendTarget', () => {
  it.each(['a', 'r+'])('appends to a file that was opened with %s', async (flags) => {
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, 'old ');
    await using handle = await open(path, flags);
    const target = new NodeAppendTarget(handle);
    for (const sync of ['data', 'full', false] as const) {
      const outcome = await target.appendBytes(Buffer.from('new '), sync);
      expect(outcome).toEqual({ written: 4, writeError: null, syncError: null });
    }
    expect([await target.size(), readFileSync(path, 'utf8')]).toEqual([16, 'old new new new ']);
    await target.truncate(4);
    expect(readFileSync(path, 'utf8')).toBe('old ');
  });

  it('says what was refused', async () => {
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, 'old');
    await using handle = await open(path, 'r');
    const refused = await new NodeAppendTarget(handle).appendBytes(Buffer.from('x'), 'data');
    expect(refused).toMatchObject({ written: 0, writeError: { code: 'EBADF' }, syncError: null });
    await using device = await open('/dev/null', 'r+');
    const unsynced = await new NodeAppendTarget(device).appendBytes(Buffer.from('x'), 'data');
    expect(unsynced).toMatchObject({ written: 1, writeError: null, syncError: { code: 'EINVAL' } });
  });
});
