/**
 * Errors of reads, held against those of the Node that runs.
 */

import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readErrorOf } from '../../../src/io/files/read-error.ts';
import { EISDIR } from '../../../src/native/errno.ts';
import { systemError } from '../../../src/runtime/index.ts';

describe('readErrorOf', () => {
  it("names the path where Node's own does", async () => {
    const own: unknown = await readFile('/').catch((error: unknown) => error);
    const ours = await readErrorOf(systemError(-EISDIR, 'read'), Buffer.from('/'));
    expect({ ...(ours as Error) }).toEqual({ ...(own as Error) });
    expect((ours as Error).message).toBe((own as Error).message);
  });

  it('leaves every other error alone', async () => {
    const opening = systemError(-EISDIR, 'open', { path: '/x' });
    expect(await readErrorOf(opening, Buffer.from('/y'))).toBe(opening);
    const reason = new TypeError('aborted');
    expect(await readErrorOf(reason, Buffer.from('/y'))).toBe(reason);
  });
});
