/**
 * Memory for large files, on the real kernel: the pages that are advised are the buffer's own.
 */

import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { allocateFresh } from '../../../src/io/files/fresh-memory.ts';
import { ringTest } from '../../support/ring-test.ts';

/** The flags that the kernel keeps for the memory at an address; `hg` is MADV_HUGEPAGE. */
function flagsAt(address: number): string[] {
  let isInside = false;
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const range = /^([\da-f]+)-([\da-f]+) /.exec(line);
    if (range !== null) {
      isInside = parseInt(range[1]!, 16) <= address && address < parseInt(range[2]!, 16);
    } else if (isInside && line.startsWith('VmFlags:')) {
      return line.slice('VmFlags:'.length).trim().split(' ');
    }
  }
  throw new Error('Nothing is mapped there');
}

describe('allocateFresh', () => {
  ringTest('6.1', 'asks for huge pages where the buffer is large', async ({ open }) => {
    const engine = open().requireEngine();
    const size = 40 * 1024 * 1024;
    const buffer = allocateFresh(engine, size);
    expect(buffer.length).toBe(size);
    const address = engine.addresses.of(buffer);
    expect(flagsAt(address + size / 2)).toContain('hg');
    // The first page is shared with whatever malloc(3) keeps there.
    expect(flagsAt(address - 1)).not.toContain('hg');
    buffer.fill(1);
    expect(allocateFresh(engine, 10).length).toBe(10);
    expect(allocateFresh(engine, 0).length).toBe(0);
  });
});
