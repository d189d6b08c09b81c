/**
 * What is left to Node: refusals, files of Unix sockets, modes of descriptors.
 */

import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  isNonBlocking,
  openSocketFile,
  refuseAsNode,
  removeSocketFile,
} from '../../../src/io/net/node-net.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

describe('what is left to Node', () => {
  it('throws what Node throws, and never returns', () => {
    const thrown = new RangeError('no');
    expect(() =>
      refuseAsNode(() => {
        throw thrown;
      }),
    ).toThrow(thrown);
    expect(() => refuseAsNode(() => {})).toThrow('Node accepts');
  });

  it('opens and removes files of sockets', () => {
    const path = join(tempDirectory(), 'socket');
    writeFileSync(path, '', { mode: 0o600 });
    openSocketFile(path, 0o222);
    expect(statSync(path).mode & 0o777).toBe(0o622);
    removeSocketFile(path);
    removeSocketFile(path);
    expect(existsSync(path)).toBe(false);
  });

  it('is careful about descriptors that it cannot look at', () => {
    expect(isNonBlocking(987_654)).toBe(true);
  });
});
