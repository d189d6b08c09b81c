/**
 * Archives for the kernel, read back field by field, as the kernel's documentation has them.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDirectory } from '../support/temp-directory.ts';
import { CpioWriter } from './cpio.ts';

interface Entry {
  readonly name: string;
  readonly mode: string;
  readonly device: readonly number[];
  readonly content: string;
}

const HEADER_SIZE = 110;

function readEntries(archive: Buffer): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at < archive.length;) {
    expect(archive.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number): number =>
      Number.parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    const nameEnd = at + HEADER_SIZE + field(11);
    const contentAt = roundUp(nameEnd);
    entries.push({
      name: archive.toString('utf8', at + HEADER_SIZE, nameEnd - 1),
      mode: field(1).toString(8),
      device: [field(9), field(10)],
      content: archive.toString('utf8', contentAt, contentAt + field(6)),
    });
    at = roundUp(contentAt + field(6));
  }
  return entries;
}

function roundUp(value: number): number {
  return Math.ceil(value / 4) * 4;
}

describe('CpioWriter', () => {
  it('writes what the kernel unpacks, parents first', () => {
    const folder = tempDirectory();
    const path = join(folder, 'archive.cpio');
    writeFileSync(join(folder, 'source'), 'copied');
    const archive = new CpioWriter(path);
    archive.characterDevice('/dev/console', 5, 1);
    archive.file('/init', '#!', true);
    archive.file('/a/b/c.txt', 'text');
    archive.copy('/a/b/d', join(folder, 'source'));
    archive.link('/a/e', 'b/d');
    archive.directory('/a/b');
    archive.end();
    const device = [0, 0];
    expect(readEntries(readFileSync(path))).toEqual([
      { name: 'dev', mode: '40755', device, content: '' },
      { name: 'dev/console', mode: '20600', device: [5, 1], content: '' },
      { name: 'init', mode: '100755', device, content: '#!' },
      { name: 'a', mode: '40755', device, content: '' },
      { name: 'a/b', mode: '40755', device, content: '' },
      { name: 'a/b/c.txt', mode: '100644', device, content: 'text' },
      { name: 'a/b/d', mode: '100755', device, content: 'copied' },
      { name: 'a/e', mode: '120777', device, content: 'b/d' },
      { name: 'TRAILER!!!', mode: '0', device, content: '' },
    ]);
  });
});
