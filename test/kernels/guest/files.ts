/**
 * Files on this kernel, in memory and on ext4: data, metadata, ends of files, aborts, many at once.
 * Runs on both backends, and means the same on both.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { File, prep, runtime } from 'onering';
import { readFile, writeFile } from 'onering/fs/promises';
import { runChecks, skip } from './checks.ts';

const READS = 600;
const LARGE_SIZE = 3 * 1024 * 1024 + 17;

const folders = {
  'in memory': '/tmp/files',
  'on ext4': `${process.env['ONERING_EXT4']}/files`,
};

function digest(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

async function writeAndRead(folder: string): Promise<void> {
  const path = join(folder, 'small');
  const file = await File.open(path, 'w+', 0o640);
  assert.equal(await file.write(Buffer.from('one ring')), 8);
  assert.equal(await file.write(Buffer.from('ONE'), { position: 0 }), 3);
  await file.datasync();
  await file.sync();
  const stats = await file.stat();
  assert.deepEqual([stats.size, stats.mode & 0o777, stats.isFile()], [8, 0o640, true]);
  const buffer = Buffer.alloc(16);
  assert.equal(await file.read(buffer, { position: 0 }), 8);
  assert.equal(buffer.toString('utf8', 0, 8), 'ONE ring');
  assert.equal(await file.read(buffer, { position: 8 }), 0);
  await file.close();
  assert.equal(readFileSync(path, 'utf8'), 'ONE ring');
  assert.equal(statSync(path).size, 8);
}

/** Larger than what is copied on the thread itself: kernel workers do it. */
async function large(folder: string): Promise<void> {
  const path = join(folder, 'large');
  const data = randomBytes(LARGE_SIZE);
  await using file = await File.open(path, 'w+');
  let written = 0;
  while (written < data.length) {
    written += await file.write(data.subarray(written), { position: written });
  }
  assert.equal(digest(readFileSync(path)), digest(data));
  const back = Buffer.alloc(LARGE_SIZE);
  let read = 0;
  while (read < back.length) read += await file.read(back.subarray(read), { position: read });
  assert.equal(digest(back), digest(data));
}

async function manyAtOnce(folder: string): Promise<void> {
  const COUNT = 200;
  await Promise.all(
    Array.from({ length: COUNT }, async (_, i) => {
      const file = await File.open(join(folder, `many-${i}`), 'w+');
      await file.write(Buffer.from(`file ${i}`), { position: 0 });
      const buffer = Buffer.alloc(32);
      const count = await file.read(buffer, { position: 0 });
      assert.equal(buffer.toString('utf8', 0, count), `file ${i}`);
      assert.equal((await file.stat()).size, count);
      await file.close();
    }),
  );
  assert.equal(runtime().metrics().inFlight, 0);
}

async function failures(folder: string): Promise<void> {
  const missing = join(folder, 'missing');
  await assert.rejects(File.open(missing), {
    code: 'ENOENT',
    syscall: 'open',
    message: `ENOENT: no such file or directory, open '${missing}'`,
  });
  const directory = await File.open(folder);
  await assert.rejects(directory.read(Buffer.alloc(1)), { code: 'EISDIR' });
  writeFileSync(join(folder, 'target'), 'inside');
  symlinkSync('/etc/passwd', join(folder, 'outside'));
  const inside = await File.openBeneath(directory, 'target');
  await inside.close();
  await assert.rejects(File.openBeneath(directory, 'outside'), { code: 'EXDEV' });
  await assert.rejects(File.openBeneath(directory, '../x'), { code: 'EXDEV' });
  await directory.close();
  await assert.rejects(directory.stat(), { code: 'ERR_FILE_CLOSED' });
}

/** While a file is open for writing nobody can run it (`ETXTBSY`): it is closed when we say so. */
async function executable(folder: string): Promise<void> {
  const path = join(folder, 'program');
  for (let round = 0; round < 5; round += 1) {
    await writeFile(path, `#!/bin/sh\necho ${round}\n`, { mode: 0o755 });
    const { stdout, error } = spawnSync(path, { encoding: 'utf8' });
    assert.deepEqual([stdout, error], [`${round}\n`, undefined]);
  }
}

/** Files that are read are let go of, also while a request that names a slot never ends. */
async function closes(): Promise<void> {
  const ring = runtime();
  if (ring.backend !== 'uring') skip('there are no slots');
  const fifo = await File.open(makeFifo('/tmp/files/waits'), 'r+');
  const slot = ring.files.register(fifo.fd);
  const memory = ring.buffers.allocate(1);
  const reading = ring.submit((sqe) => {
    prep.prepRead(sqe, slot, memory.address, 1, -1);
    prep.setSqeFlags(sqe, prep.IOSQE_FIXED_FILE);
  });
  await ring.nop();
  const before = openFiles();
  writeFileSync('/tmp/files/read', 'content');
  for (let n = 0; n < READS; n += 1) {
    assert.equal(await readFile('/tmp/files/read', 'utf8'), 'content');
  }
  await executable('/tmp/files');
  const more = openFiles() - before;
  await fifo.write(Buffer.from('x'));
  assert.equal(await reading, 1);
  assert.ok(more < READS / 2, `${more} files more are open after ${READS} were read`);
  ring.files.unregister(slot);
  memory.release();
  await fifo.close();
}

/** Of the whole system, as the kernel counts them: roughly. */
function openFiles(): number {
  return Number.parseInt(readFileSync('/proc/sys/fs/file-nr', 'utf8'), 10);
}

function makeFifo(path: string): string {
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  return path;
}

/** Aborts the read of an empty pipe, which would never end. */
async function abort(): Promise<void> {
  if (runtime().backend !== 'uring') skip('a read of libuv cannot be aborted once it runs');
  const fifo = makeFifo('/tmp/files/fifo');
  const file = await File.open(fifo, 'r+');
  const controller = new AbortController();
  const reading = file.read(Buffer.alloc(16), { signal: controller.signal });
  await runtime().nop();
  controller.abort();
  await assert.rejects(reading, { name: 'AbortError' });
  // The pipe is as good as before.
  const buffer = Buffer.alloc(16);
  const again = file.read(buffer);
  await file.write(Buffer.from('late'));
  assert.equal(await again, 4);
  await file.close();
}

const bodies = {
  'writes and reads': writeAndRead,
  large,
  'many at once': manyAtOnce,
  failures,
  'runs what was written': executable,
};
const perFolder = Object.entries(folders).flatMap(([where, folder]) =>
  Object.entries(bodies).map(([name, body]): [string, () => Promise<void>] => [
    `${name} ${where}`,
    () => body(folder),
  ]),
);

for (const folder of Object.values(folders)) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}
await runChecks({
  ...Object.fromEntries(perFolder),
  'aborts a read of a pipe': abort,
  'closes what it read': closes,
});
await runtime().close();
