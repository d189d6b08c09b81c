/**
 * FIFOs on the ring: each end waits for the other, more of them than there are workers, and a
 * writer that has come and gone is not waited for again.
 */

import { execFileSync } from 'node:child_process';
import { constants, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { openOrWait, withWriter } from '../../../src/io/files/fifo-open.ts';
import { openRingFile } from '../../../src/io/files/ring-open.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

function makeFifos(count: number): Buffer[] {
  const folder = tempDirectory();
  const paths = Array.from({ length: count }, (_, index) => join(folder, `${index}`));
  execFileSync('mkfifo', paths);
  return paths.map((path) => Buffer.from(path));
}

describe('openOrWait', () => {
  ringTest('6.1', 'waits for the other end, at either end', async ({ open }) => {
    const runtime = open();
    for (const [mine, others] of [
      [O_RDONLY, O_WRONLY],
      [O_WRONLY, O_RDONLY],
    ] as const) {
      const [path] = makeFifos(1) as [Buffer];
      let isOpen = false;
      const opening = openOrWait(runtime, path, mine, 0).finally(() => (isOpen = true));
      for (let turns = 0; turns < 50; turns += 1) await nextTurn();
      expect(isOpen).toBe(false);
      const other = await openOrWait(runtime, path, others, 0);
      await (await opening).close();
      await other.close();
    }
  });

  ringTest('6.1', 'opens more than there are workers', async ({ open }) => {
    const runtime = open();
    const paths = makeFifos(40);
    const readers = paths.map((path) => openOrWait(runtime, path, O_RDONLY, 0));
    for (let turns = 0; turns < 5; turns += 1) await nextTurn();
    const writers = paths.map((path) => openOrWait(runtime, path, O_WRONLY, 0));
    const all = await Promise.all([...readers, ...writers]);
    await Promise.all(all.map((file) => file.close()));
  });

  ringTest('6.1', 'reads what a writer has left', async ({ open }) => {
    const runtime = open();
    for (let round = 0; round < 20; round += 1) {
      const [path] = makeFifos(1) as [Buffer];
      const opening = openOrWait(runtime, path, O_RDONLY, 0);
      for (let turns = round % 4; turns > 0; turns -= 1) await nextTurn();
      const writer = await openOrWait(runtime, path, O_WRONLY, 0);
      await writer.write(Buffer.from('left'), {});
      await writer.close();
      const reader = await opening;
      const bytes = Buffer.alloc(10);
      expect(await reader.read(bytes, {})).toBe(4);
      expect(await reader.read(bytes, {})).toBe(0);
      await reader.close();
    }
  });

  ringTest('6.1', 'waits on when it cannot be opened a second time', async ({ open }) => {
    const runtime = open();
    const [path] = makeFifos(1) as [Buffer];
    // Both ends, so that a writer can come when the path has gone.
    const both = await openOrWait(runtime, path, O_RDWR | O_NONBLOCK, 0);
    const first = await openRingFile(runtime, path, O_RDONLY, 0);
    unlinkSync(path);
    let isOpen = false;
    const waiting = withWriter(runtime, first, path, O_RDONLY).finally(() => (isOpen = true));
    for (let turns = 0; turns < 50; turns += 1) await nextTurn();
    expect(isOpen).toBe(false);
    await both.write(Buffer.from('late'), {});
    const reader = await waiting;
    expect(await reader.read(Buffer.alloc(10), {})).toBe(4);
    await both.close();
    await reader.close();
  });

  ringTest('6.1', 'does not wait where nobody asked for it', async ({ open }) => {
    const runtime = open();
    const [path] = makeFifos(1) as [Buffer];
    await (await openOrWait(runtime, path, O_RDONLY | O_NONBLOCK, 0)).close();
    await (await openOrWait(runtime, path, O_RDWR, 0)).close();
    const error = await rejectionOf(openOrWait(runtime, path, O_WRONLY | O_NONBLOCK, 0));
    expect(error).toMatchObject({ code: 'ENXIO', syscall: 'open' });
  });

  ringTest('6.1', 'ends when the runtime closes', async ({ open }) => {
    const runtime = open();
    const [first, second] = makeFifos(2) as [Buffer, Buffer];
    const waiting = [
      rejectionOf(openOrWait(runtime, first, O_RDONLY, 0)),
      rejectionOf(openOrWait(runtime, second, O_WRONLY, 0)),
    ];
    for (let turns = 0; turns < 10; turns += 1) await nextTurn();
    await runtime.close();
    for (const error of await Promise.all(waiting)) expect(error).toBeInstanceOf(Error);
  });
});
