/**
 * Files where the world does not hold still: disks that are full or read-only, a limit on the size
 * of files, files cut off while they are read, twenty thousand descriptors. The same cases for
 * every backend, for `File` and for the drop-in.
 *
 * A quota's EDQUOT needs what few kernels are built with: the program `quota` of the kernel lab
 * looks at it. The limit of a process on the size of its files (EFBIG) takes the same way through a
 * write: some bytes, then an error.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { File } from '../../src/io/file.ts';
import * as fs from '../../src/io/fs/promises.ts';
import { importUrl, runFile } from '../support/child.ts';
import { Suite } from '../support/conformance-suite.ts';
import { rejectionOf } from '../support/rejections.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { smallDisk } from '../support/small-disk.ts';
import { tempDirectory } from '../support/temp-directory.ts';

export const faultSuite: Suite = new Suite();

const DISK_SIZE = 1024 * 1024;
/** As many files at once, or as many as the process may have, but not fewer than half. */
const DESCRIPTORS = 20_000;
/** What the process has besides. */
const DESCRIPTORS_ELSE = 200;

/** A shell that lowers or raises a limit and becomes the script. */
async function underLimit(limit: string, script: string, backend: string, ...args: string[]) {
  const path = join(tempDirectory(), 'script.mjs');
  writeFileSync(path, script);
  const shell = join(tempDirectory(), 'limited.sh');
  writeFileSync(shell, `ulimit ${limit} && exec "$@"`);
  return await runFile(shell, {
    node: '/bin/sh',
    args: [process.execPath, path, ...args],
    env: { ONERING_BACKEND: backend },
    timeoutMs: 60_000,
  });
}

faultSuite.add('a disk that is full takes what it has room for, then says so', async ({ skip }) => {
  const path = join(smallDisk(`size=${DISK_SIZE}`, skip), 'file');
  const large = Buffer.alloc(2 * DISK_SIZE, 'large.');
  await using file = await File.open(path, 'w+');
  const count = await file.write(large, { position: 0 });
  expect(count).toBeGreaterThan(0);
  expect(count).toBeLessThanOrEqual(DISK_SIZE);
  expect(readFileSync(path).equals(large.subarray(0, count))).toBe(true);
  const error = await rejectionOf(file.write(large, { position: count }));
  expect(error).toMatchObject({ code: 'ENOSPC', syscall: 'write' });
  await file.truncate(0);
  expect(await rejectionOf(File.writeWhole(path, large))).toMatchObject({ code: 'ENOSPC' });
  expect(await rejectionOf(fs.writeFile(path, large))).toMatchObject({ code: 'ENOSPC' });
  await File.writeWhole(path, 'fits');
  expect(readFileSync(path, 'utf8')).toBe('fits');
});

faultSuite.add('a disk that is read-only says so', async ({ skip }) => {
  const path = join(smallDisk('ro', skip), 'file');
  const calls = [
    () => File.open(path, 'w'),
    () => File.writeWhole(path, 'x'),
    () => fs.open(path, 'a'),
    () => fs.writeFile(path, 'x'),
    () => fs.mkdir(path),
  ];
  for (const call of calls) {
    expect(await rejectionOf(call())).toMatchObject({ code: 'EROFS' });
  }
  expect(await rejectionOf(File.open(path))).toMatchObject({ code: 'ENOENT' });
});

faultSuite.add('a limit on the size of files is reached, and reported', async ({ backend }) => {
  const script = `
    const { File } = await import('${importUrl('dist/src/io/index.js')}');
    const fs = await import('${importUrl('dist/src/io/fs/promises.js')}');
    const path = process.argv[2];
    const large = Buffer.alloc(100_000, 'x');
    const { readFileSync } = await import('node:fs');
    const outcome = (call) =>
      call.then((value) => value ?? 'done', ({ code, syscall }) => code + ' ' + syscall);
    const file = await File.open(path, 'w');
    console.log(await outcome(file.write(large, { position: 0 })));
    console.log(await outcome(file.write(large, { position: 65536 })));
    console.log(await outcome(file.append(large, { sync: 'data' })));
    await file.close();
    console.log(await outcome(File.writeWhole(path, large)), (await fs.stat(path)).size);
    console.log(await outcome(fs.writeFile(path, large)), (await fs.stat(path)).size);
    console.log(await outcome(fs.appendFile(path, 'x')));
    // At the current position: what follows a short write goes behind it.
    const numbers = Buffer.from(Uint32Array.from({ length: 20_000 }, (_, index) => index).buffer);
    const isPrefix = () => readFileSync(path).equals(numbers.subarray(0, 65536));
    const plain = await File.open(path, 'w+');
    console.log(await plain.write(numbers), await outcome(plain.write(numbers)), isPrefix());
    await plain.close();
    const handle = await fs.open(path, 'w+');
    const { bytesWritten } = await handle.write(numbers);
    console.log(bytesWritten, await outcome(handle.write(numbers)), isPrefix());
    await handle.close();
    const vector = await fs.open(path, 'w+');
    const parts = [numbers.subarray(0, 40_000), numbers.subarray(40_000)];
    const written = await vector.writev(parts);
    console.log(written.bytesWritten, await outcome(vector.writev(parts)), isPrefix());
    await vector.close();
    const whole = await fs.open(path, 'w+');
    console.log(await outcome(whole.writeFile(numbers)), isPrefix());
    await whole.close();
  `;
  const path = join(tempDirectory(), 'file');
  // In blocks of 512 bytes.
  const { stdout, stderr, code, signal } = await underLimit('-f 128', script, backend, path);
  expect([stderr, code, signal]).toEqual(['', 0, null]);
  expect(stdout.split('\n')).toEqual([
    '65536',
    'EFBIG write',
    'EFBIG write',
    'EFBIG write 65536',
    'EFBIG write 65536',
    'EFBIG write',
    '65536 EFBIG write true',
    '65536 EFBIG write true',
    '65536 EFBIG write true',
    'EFBIG write true',
    '',
  ]);
});

faultSuite.add('a file that is cut off while it is read ends there', async () => {
  const random = new SeededRandom();
  const path = join(tempDirectory(), 'file');
  const size = 6 * 1024 * 1024 + 13;
  const content = Buffer.alloc(size, 'no byte of it is zero ');
  for (let round = 0; round < 24; round += 1) {
    writeFileSync(path, content);
    const left = random.pick([0, 1, 4096, random.below(size)]);
    await using file = await File.open(path);
    await using handle = await fs.open(path);
    const buffers = [Buffer.alloc(size), Buffer.alloc(size)];
    const reads = [
      file.read(buffers[0] as Buffer, { position: 0 }),
      handle.read(buffers[1] as Buffer, 0, size, 0).then(({ bytesRead }) => bytesRead),
    ];
    const wholes = [File.readWhole(path), fs.readFile(path), handle.readFile()];
    for (let turns = random.below(4); turns > 0; turns -= 1) await new Promise(setImmediate);
    truncateSync(path, left);
    const counts = await Promise.all(reads);
    const seen = [
      ...counts.map((count, index) => (buffers[index] as Buffer).subarray(0, count)),
      ...(await Promise.all(wholes)),
    ];
    for (const bytes of seen) {
      expect(bytes.length, random.replay).toBeLessThanOrEqual(size);
      expect(bytes.length, random.replay).toBeGreaterThanOrEqual(Math.min(left, size));
      expect(bytes.subarray(0, left).equals(content.subarray(0, left)), random.replay).toBe(true);
    }
    expect(statSync(path).size).toBe(left);
    expect((await File.readWhole(path)).length).toBe(left);
  }
});

faultSuite.add(
  'twenty thousand files are open at once, if so many may be',
  async ({ backend, skip }) => {
    const script = `
      import { readdirSync } from 'node:fs';
      const { File, runtime } = await import('${importUrl('dist/src/io/index.js')}');
      const fs = await import('${importUrl('dist/src/io/fs/promises.js')}');
      const path = process.argv[2];
      const open = () => readdirSync('/proc/self/fd').length;
      await (await fs.open(path)).close();
      await (await File.open(path)).close();
      console.log('begins');
      const before = open();
      const count = Number(process.argv[3]) / 2;
      const all = await Promise.all(Array.from({ length: 2 * count },
        (_, index) => (index < count ? File.open(path) : fs.open(path))));
      console.log(open() - before);
      const reads = await Promise.all(all.map(async (file, index) => {
        const buffer = Buffer.alloc(7);
        if (index < count) await file.read(buffer, { position: 0 });
        else await file.read(buffer, 0, 7, 0);
        return String(buffer);
      }));
      console.log(reads.filter((text) => text === 'content').length);
      await Promise.all(all.map((file) => file.close()));
      console.log(open() - before, runtime().metrics().inFlight);
    `;
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, 'content');
    const allowed = Number(execFileSync('/bin/sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }));
    const most = Number.isNaN(allowed) ? DESCRIPTORS : allowed - DESCRIPTORS_ELSE;
    const count = Math.min(DESCRIPTORS, most - (most % 2));
    if (count < DESCRIPTORS / 2) skip(`may have ${allowed} descriptors and no more`);
    const limit = `-n ${count + DESCRIPTORS_ELSE}`;
    const { stdout, stderr, code } = await underLimit(limit, script, backend, path, String(count));
    expect([stderr, code]).toEqual(['', 0]);
    expect(stdout).toBe(`begins\n${count}\n${count}\n0 0\n`);
  },
  { timeoutMs: 90_000 },
);
