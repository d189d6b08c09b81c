/**
 * Writing all of it to what is open, on a real ring.
 */

import { constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { openRingFile } from '../../../src/io/files/ring-open.ts';
import { WRITE_PIECE_SIZE, writeRest } from '../../../src/io/files/write-rest.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

const { O_CREAT, O_WRONLY } = constants;

describe('writeRest', () => {
  ringTest('6.1', 'writes what has not been written, in pieces', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    const data = Buffer.alloc(WRITE_PIECE_SIZE * 2 + 7, 'content.');
    const file = await openRingFile(runtime, Buffer.from(path), O_CREAT | O_WRONLY, 0o600);
    await writeRest(file, { data, written: 5, signal: undefined });
    await writeRest(file, { data, written: data.length, signal: undefined });
    // What was written before is not touched: here it was nothing.
    expect(readFileSync(path).subarray(5).equals(data.subarray(5))).toBe(true);
    expect(readFileSync(path).subarray(0, 5)).toEqual(Buffer.alloc(5));
    await file.close();
  });

  ringTest('6.1', 'begins nothing for a signal that is aborted', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    const file = await openRingFile(runtime, Buffer.from(path), O_CREAT | O_WRONLY, 0o600);
    const signal = AbortSignal.abort(new Error('aborted by the test'));
    const writing = writeRest(file, { data: Buffer.from('x'), written: 0, signal });
    expect((await rejectionOf(writing)).message).toBe('aborted by the test');
    expect(readFileSync(path)).toHaveLength(0);
    await file.close();
  });
});
