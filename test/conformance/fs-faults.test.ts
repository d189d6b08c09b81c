/**
 * `fs/promises` on the ring where things go wrong: disks that are full or read-only, no descriptors
 * left, aborts at every step, workers that end. Nothing may leak, and nothing partial may pass as
 * whole. What Node would say is known; it is not asked here.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import * as fs from '../../src/io/fs/promises.ts';
import { importUrl, runScript } from '../support/child.ts';
import { rejectionOf } from '../support/rejections.ts';
import { openDescriptors, ringTest } from '../support/ring-test.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { smallDisk } from '../support/small-disk.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const DISK_SIZE = 1024 * 1024;

describe('a disk', () => {
  ringTest('6.1', 'that is full says so', async ({ open, skip }) => {
    const folder = smallDisk(`size=${DISK_SIZE}`, skip);
    open();
    const path = join(folder, 'file');
    const large = Buffer.alloc(2 * DISK_SIZE, 1);
    const calls = [
      () => fs.writeFile(path, large),
      () => fs.writeFile(path, [large.subarray(0, DISK_SIZE), large]),
      () => fs.appendFile(path, large),
      async () => {
        const handle = await fs.open(path, 'w');
        try {
          await handle.writeFile(large);
        } finally {
          await handle.close();
        }
      },
    ];
    for (const call of calls) {
      expect(await rejectionOf(call())).toMatchObject({
        code: 'ENOSPC',
        syscall: 'write',
      });
      expect((await fs.stat(path)).size).toBeLessThanOrEqual(DISK_SIZE);
      await fs.unlink(path);
    }
    // A single write tells how much there was room for.
    const handle = await fs.open(path, 'w');
    const { bytesWritten } = await handle.write(large);
    expect(bytesWritten).toBeGreaterThan(0);
    expect(bytesWritten).toBeLessThanOrEqual(DISK_SIZE);
    await handle.close();
  });

  ringTest('6.1', 'that is read-only says so', async ({ open, skip }) => {
    const folder = smallDisk('ro', skip);
    open();
    const path = join(folder, 'x');
    const calls = [fs.writeFile(path, 'x'), fs.mkdir(path), fs.unlink(path), fs.open(path, 'w')];
    const errors = await Promise.all(calls.map((call) => rejectionOf(call as Promise<unknown>)));
    const codes = errors.map((error) => (error as NodeJS.ErrnoException).code);
    expect(codes).toEqual(['EROFS', 'EROFS', expect.stringMatching(/EROFS|ENOENT/), 'EROFS']);
  });
});

describe('aborts', () => {
  ringTest('6.1', 'at any moment leave nothing open and nothing partial', async ({ open }) => {
    const runtime = open();
    const folder = tempDirectory();
    const source = join(folder, 'source');
    const content = Buffer.alloc(3_000_000, 'content ');
    writeFileSync(source, content);
    await (await fs.open(source)).close();
    const before = openDescriptors().size;
    const { random, replay } = seeded();
    for (let round = 0; round < 60; round += 1) {
      const controller = new AbortController();
      const { signal } = controller;
      const target = join(folder, `target-${round % 4}`);
      const calls: Promise<unknown>[] = [
        fs.readFile(source, { signal }),
        fs.readFile(source, { signal, encoding: 'latin1' }),
        fs.writeFile(target, content, { signal }),
        fs.writeFile(target, [content, content], { signal, flush: true }),
      ];
      const settled = Promise.allSettled(calls);
      for (let turns = random(5); turns > 0; turns -= 1) await new Promise(setImmediate);
      controller.abort();
      for (const outcome of await settled) {
        if (outcome.status === 'rejected') {
          expect(outcome.reason, replay).toMatchObject({ code: 'ABORT_ERR' });
        } else if (outcome.value !== undefined) {
          expect((outcome.value as Buffer | string).length, replay).toBe(content.length);
        }
      }
    }
    expect(openDescriptors().size, replay).toBe(before);
    expect(runtime.metrics().inFlight).toBe(0);
  });
});

function seeded(): { random: (below: number) => number; replay: string } {
  const source = new SeededRandom();
  return { random: (below) => source.below(below), replay: source.replay };
}

describe('a process without descriptors', () => {
  ringTest('6.1', 'gets EMFILE from each function, and goes on', async () => {
    const script = `
      const fs = (await import('${importUrl('dist/src/io/fs/promises.js')}')).default;
      const { openSync, closeSync } = await import('node:fs');
      await (await fs.open('/dev/null')).close();
      const taken = [];
      try { for (;;) taken.push(openSync('/dev/null')); } catch { /* All are taken. */ }
      const outcome = (call) => call.then(() => 'done', ({ code }) => code);
      const codes = [];
      codes.push(await outcome(fs.open('/dev/null')));
      codes.push(await outcome(fs.truncate('/tmp')));
      codes.push(await outcome(fs.stat('/dev/null')));
      for (const fd of taken) closeSync(fd);
      codes.push(await outcome(fs.readFile('/dev/null')));
      console.log(codes.join());
    `;
    const { stdout, stderr } = await runScript(script);
    expect([stdout, stderr]).toEqual(['EMFILE,EMFILE,done,done\n', '']);
  });
});

describe('a worker', () => {
  ringTest('6.1', 'reads and writes as the main thread does, and may be terminated', async () => {
    const folder = tempDirectory();
    const script = `
      import { Worker } from 'node:worker_threads';
      const body = \`
        import { workerData, parentPort } from 'node:worker_threads';
        const fs = (await import('${importUrl('dist/src/io/fs/promises.js')}')).default;
        const path = workerData + '/file';
        await fs.writeFile(path, 'whole');
        const handle = await fs.open(path, 'r+');
        await handle.write('WH', 0);
        await handle.write(Buffer.from('..le..'), 2, 2, 3);
        await handle.writev([Buffer.from(' and'), Buffer.from(' more')], 5);
        const parts = [Buffer.alloc(3), Buffer.alloc(20)];
        const { bytesRead } = await handle.readv(parts, 0);
        const target = Buffer.alloc(6, '-');
        await handle.read(target, 1, 4, 1);
        parentPort.postMessage([bytesRead, ...parts.map(String), String(target),
          await handle.readFile('utf8'), (await fs.stat(path)).size].join('|'));
        const large = Buffer.alloc(4_000_000);
        for (;;) {
          await Promise.all([handle.write(large, 0, large.length, 0),
            handle.read(Buffer.alloc(4_000_000), 0, 4_000_000, 0)]);
        }
      \`;
      const url = new URL('data:text/javascript,' + encodeURIComponent(body));
      for (let round = 0; round < 3; round += 1) {
        const worker = new Worker(url, { workerData: process.argv[2] });
        worker.on('error', (error) => console.log(error));
        console.log(await new Promise((resolve) => worker.once('message', resolve)));
        await new Promise((resolve) => setTimeout(resolve, 10));
        await worker.terminate();
      }
    `;
    const { stdout, stderr, code } = await runScript(script, { args: ['x', folder] });
    const line = '14|WHo|le and more\0\0\0\0\0\0\0\0\0|-Hole-|WHole and more|14'.replace(
      '-Hole-',
      '-Hole-',
    );
    expect([stderr, code]).toEqual(['', 0]);
    expect(stdout.split('\n').slice(0, 3)).toEqual([line, line, line]);
    expect(readFileSync(join(folder, 'file')).length).toBeGreaterThan(0);
  });
});
