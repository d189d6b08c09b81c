/**
 * Group commit, on a file that does as it is told: what is written together, in which order, who is
 * acknowledged, and what a failure does to whom.
 */

import { describe, expect, it } from 'vitest';
import { AppendLog } from '../../../src/io/files/append-log.ts';
import type { Appended, AppendSync, AppendTarget } from '../../../src/io/files/append-log.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { rejectionOf } from '../../support/rejections.ts';

const DISK_FULL = Object.assign(new Error('full'), { code: 'ENOSPC' });
const LOST = Object.assign(new Error('lost'), { code: 'EIO' });

/** A file in memory, with a disk behind it that has what was synced. */
class MemoryFile implements AppendTarget {
  content = '';
  disk = '';
  sizeMax = Infinity;
  /** What each write was, and whether it was synced. */
  readonly calls: [text: string, sync: AppendSync][] = [];
  readonly syncErrors: (Error | null)[] = [];
  #isBusy = false;

  async size(): Promise<number> {
    return this.content.length;
  }

  async truncate(size: number): Promise<void> {
    this.content = this.content.slice(0, size);
  }

  async appendBytes(bytes: Uint8Array, sync: AppendSync): Promise<Appended> {
    if (this.#isBusy) throw new Error('Two writes at a time');
    this.#isBusy = true;
    await new Promise((resolve) => setImmediate(resolve));
    this.#isBusy = false;
    const text = Buffer.from(bytes).toString();
    this.calls.push([text, sync]);
    const fitting = text.slice(0, Math.max(0, this.sizeMax - this.content.length));
    this.content += fitting;
    if (fitting.length < text.length) {
      return { written: fitting.length, writeError: DISK_FULL, syncError: null };
    }
    const syncError = sync === false ? null : (this.syncErrors.shift() ?? null);
    if (sync !== false && syncError === null) this.disk = this.content;
    return { written: text.length, writeError: null, syncError };
  }
}

function append(log: AppendLog, text: string, sync: AppendSync = 'data'): Promise<number> {
  return log.append(Buffer.from(text), sync);
}

describe('AppendLog', () => {
  it('writes what comes together together, in order', async () => {
    const file = new MemoryFile();
    file.content = 'old ';
    const log = new AppendLog(file);
    const positions = await Promise.all([append(log, 'a'), append(log, 'bb'), append(log, 'c')]);
    expect(positions).toEqual([4, 5, 7]);
    expect(file.calls).toEqual([['abbc', 'data']]);
  });

  it('has those who come meanwhile share the next one', async () => {
    const file = new MemoryFile();
    const log = new AppendLog(file);
    const writer = async (name: string): Promise<void> => {
      for (let i = 0; i < 3; i += 1) await append(log, `${name}${i} `);
    };
    await Promise.all([writer('a'), writer('b'), writer('c')]);
    expect(file.calls.map(([text]) => text)).toEqual(['a0 b0 c0 ', 'a1 b1 c1 ', 'a2 b2 c2 ']);
  });

  it('syncs as much as the strictest of a group asks for', async () => {
    const file = new MemoryFile();
    const log = new AppendLog(file);
    await Promise.all([append(log, 'a', false), append(log, 'b', 'data')]);
    await Promise.all([append(log, 'c', 'full'), append(log, 'd', 'data')]);
    await append(log, 'e', false);
    expect(file.calls.map(([, sync]) => sync)).toEqual(['data', 'full', false]);
  });

  it('bounds a group, but not what one caller brings', async () => {
    const file = new MemoryFile();
    const log = new AppendLog(file);
    const sizes = [600_000, 500_000, 3_000_000, 10, 10];
    await Promise.all(sizes.map((size) => append(log, 'x'.repeat(size))));
    expect(file.calls.map(([text]) => text.length)).toEqual([600_000, 500_000, 3_000_000, 20]);
  });

  it('fails everybody whom a failed sync covered, and whoever comes later', async () => {
    const file = new MemoryFile();
    const log = new AppendLog(file);
    await append(log, 'a');
    file.syncErrors.push(LOST);
    const covered = [append(log, 'b'), append(log, 'c', false)].map(rejectionOf);
    await new Promise((resolve) => setImmediate(resolve));
    const waiting = rejectionOf(append(log, 'd'));
    expect(await Promise.all(covered)).toEqual([LOST, LOST]);
    expect(await waiting).toMatchObject({ code: 'ERR_APPEND_UNSAFE', cause: LOST });
    expect(await rejectionOf(append(log, 'e'))).toMatchObject({ code: 'ERR_APPEND_UNSAFE' });
    expect([file.content, file.disk]).toEqual(['abc', 'a']);
  });

  it('acknowledges what was whole on a full disk, and cuts the rest away', async () => {
    const file = new MemoryFile();
    const log = new AppendLog(file);
    await append(log, 'old ');
    file.sizeMax = 9;
    const outcomes = ['new ', 'torn', 'none'].map((text) => append(log, text));
    expect(await outcomes[0]).toBe(4);
    expect(file.disk, 'on the disk when it is acknowledged').toBe('old new ');
    expect(await rejectionOf(outcomes[1] as Promise<number>)).toBe(DISK_FULL);
    expect(await rejectionOf(outcomes[2] as Promise<number>)).toBe(DISK_FULL);
    expect(file.content).toBe('old new ');
    // There is room again.
    file.sizeMax = Infinity;
    expect(await append(log, 'more')).toBe(8);
    expect(file.disk).toBe('old new more');
  });

  it('is over where what was torn off cannot be cut away', async () => {
    const file = new MemoryFile();
    const log = new AppendLog(file);
    file.sizeMax = 3;
    file.size = async () => 100;
    const first = rejectionOf(append(log, 'torn'));
    expect(await first).toMatchObject({ message: 'The file has other writers' });
    expect(await rejectionOf(append(log, 'x'))).toMatchObject({ code: 'ERR_APPEND_UNSAFE' });
    expect(file.content).toBe('tor');
  });

  it('acknowledges nothing that is not on the disk, whatever goes wrong', async () => {
    const random = new SeededRandom();
    for (let round = 0; round < 100; round += 1) {
      const file = new MemoryFile();
      const log = new AppendLog(file);
      file.sizeMax = random.between(100, 2000);
      for (let i = 0; i < 40; i += 1) file.syncErrors.push(random.chance(0.01) ? LOST : null);
      const acknowledged: [position: number, text: string][] = [];
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (let i = 0; i < 10; i += 1) {
          const text = `${writer}-${i}-${'x'.repeat(random.below(40))};`;
          const position = await append(log, text).catch(() => -1);
          if (position < 0) continue;
          acknowledged.push([position, text]);
          const found = file.disk.slice(position, position + text.length);
          expect(found, random.replay).toBe(text);
          if (random.chance(0.1)) file.sizeMax += 200;
        }
      });
      await Promise.all(writers);
      for (const [position, text] of acknowledged) {
        expect(file.disk.slice(position, position + text.length), random.replay).toBe(text);
      }
    }
  });
});
