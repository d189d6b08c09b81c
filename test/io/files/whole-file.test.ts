/**
 * Whole files on a real ring: pipes, limits, aborts while the kernel waits, many at a time. What
 * every backend does is in `conformance/file-whole.ts`, chains step by step in `*-chain.test.ts`.
 */

import { execFileSync } from 'node:child_process';
import { constants, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { readWholeFile, readWholeText } from '../../../src/io/files/whole-file.ts';
import { writeWholeFile } from '../../../src/io/files/whole-file.ts';
import { runScript, importUrl } from '../../support/child.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

const { O_CREAT, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = constants;
const REASON = new Error('aborted by the test');

function fifo(): string {
  const path = join(tempDirectory(), 'fifo');
  execFileSync('mkfifo', [path]);
  return path;
}

describe('readWholeFile', () => {
  ringTest('6.1', 'reads a pipe until its last writer has gone', async ({ open }) => {
    const runtime = open();
    const path = fifo();
    const reading = readWholeFile(runtime, Buffer.from(path), O_RDONLY);
    await nextTurn();
    const writer = openSync(path, O_WRONLY | O_NONBLOCK);
    const random = new SeededRandom();
    const content: Buffer[] = [];
    for (let i = 0; i < 50; i += 1) {
      const piece = random.bytes(random.between(1, 1000));
      content.push(piece);
      writeSync(writer, piece);
      await nextTurn();
    }
    closeSync(writer);
    expect((await reading).equals(Buffer.concat(content)), random.replay).toBe(true);
    expect(runtime.files.used).toBe(0);
  });

  ringTest('6.1', 'is aborted while a pipe has nothing to read', async ({ open }) => {
    const runtime = open();
    const path = fifo();
    // A writer that says nothing.
    const writer = openSync(path, O_RDWR);
    for (const bytes of [0, 10, 100_000]) {
      for (let turns = 0; turns < 4; turns += 1) {
        const controller = new AbortController();
        const reading = readWholeFile(runtime, Buffer.from(path), O_RDONLY, controller.signal);
        if (bytes > 0) writeSync(writer, Buffer.alloc(Math.min(bytes, 60_000)));
        for (let i = 0; i < turns; i += 1) await nextTurn();
        controller.abort(REASON);
        expect(await rejectionOf(reading)).toBe(REASON);
        expect(runtime.files.used).toBe(0);
      }
    }
    closeSync(writer);
    // The requests to cancel are operations, too.
    await runtime.nop();
  });

  ringTest('6.1', 'gives memory that is the caller’s own', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    for (const size of [1, 5000, 100_000]) {
      writeFileSync(path, Buffer.alloc(size, 1));
      const contents = await Promise.all(
        Array.from({ length: 20 }, () => readWholeFile(runtime, Buffer.from(path), O_RDONLY)),
      );
      expect(new Set(contents.map(({ buffer }) => buffer)).size).toBe(20);
      for (const content of contents) expect(content.buffer.byteLength).toBe(size);
    }
  });

  ringTest('6.1', 'takes thousands at a time', async ({ open }) => {
    const runtime = open();
    const directory = tempDirectory();
    const paths = Array.from({ length: 100 }, (_, i) => join(directory, String(i)));
    paths.forEach((path, i) => writeFileSync(path, String(i)));
    const reads = Array.from({ length: 5000 }, (_, i) =>
      readWholeText(runtime, Buffer.from(paths[i % 100] ?? ''), O_RDONLY, 'utf8'),
    );
    const texts = await Promise.all(reads);
    texts.forEach((text, i) => expect(text).toBe(String(i % 100)));
    expect(runtime.files.used).toBe(0);
  });

  ringTest('6.1', 'ends when the runtime closes, those that wait included', async ({ open }) => {
    const runtime = open();
    const path = fifo();
    const reads = Array.from({ length: 100 }, () =>
      rejectionOf(readWholeFile(runtime, Buffer.from(path), O_RDONLY)),
    );
    await nextTurn();
    await runtime.close();
    const codes = new Set((await Promise.all(reads)).map(({ code }) => code));
    expect(codes).toEqual(new Set(['ECANCELED', 'ERR_RUNTIME_CLOSED']));
  });

  ringTest('6.1', 'names a path that is too long', async ({ open }) => {
    const path = Buffer.alloc(5000, 'x');
    expect(await rejectionOf(readWholeFile(open(), path, O_RDONLY))).toMatchObject({
      code: 'ENAMETOOLONG',
      syscall: 'open',
      path: String(path),
    });
  });

  ringTest('6.1', 'works where the process may have few descriptors', async () => {
    const path = join(tempDirectory(), 'file');
    const script = `
      const { Runtime } = await import('${importUrl('dist/src/runtime/runtime.js')}');
      const whole = await import('${importUrl('dist/src/io/files/whole-file.js')}');
      const runtime = new Runtime({ backend: 'uring' });
      const [path] = process.argv.slice(-1);
      await whole.writeWholeFile(runtime, {
        path: Buffer.from(path), flags: ${O_CREAT | O_WRONLY | O_TRUNC}, mode: 0o600,
        data: Buffer.alloc(100_000, 'x'), flush: true, signal: undefined,
      });
      const reads = Array.from({ length: 50 }, () =>
        whole.readWholeFile(runtime, Buffer.from(path), 0));
      for (const content of await Promise.all(reads)) process.stdout.write(content.length + ' ');
      try { runtime.files; } catch (error) { console.log(error.code); }
      await runtime.close();
    `;
    const limited = await runScript(script, {
      node: 'prlimit',
      nodeArgs: ['--nofile=200:200', process.execPath],
      args: [path],
    });
    expect(limited).toMatchObject({ code: 0, stderr: '' });
    expect(limited.stdout).toBe(`${'100000 '.repeat(50)}EMFILE\n`);
  });
});

describe('writeWholeFile', () => {
  ringTest('6.1', 'is aborted while nobody reads a pipe', async ({ open }) => {
    const runtime = open();
    const path = Buffer.from(fifo());
    const controller = new AbortController();
    const { signal } = controller;
    const request = { path, flags: O_WRONLY, mode: 0, flush: false, signal };
    const writing = writeWholeFile(runtime, { ...request, data: Buffer.from('x') });
    await nextTurn();
    controller.abort(REASON);
    expect(await rejectionOf(writing)).toBe(REASON);
    expect(runtime.files.used).toBe(0);
    // The requests to cancel are operations, too.
    await runtime.nop();
  });

  ringTest('6.1', 'keeps to its directory’s order when many write', async ({ open }) => {
    const runtime = open();
    const directory = tempDirectory();
    mkdirSync(join(directory, 'sub'));
    const writes = Array.from({ length: 1000 }, (_, i) =>
      writeWholeFile(runtime, {
        path: Buffer.from(join(directory, 'sub', String(i))),
        flags: O_CREAT | O_WRONLY,
        mode: 0o640,
        data: Buffer.from(`content ${i}`),
        flush: false,
        signal: undefined,
      }),
    );
    await Promise.all(writes);
    for (let i = 0; i < 1000; i += 1) {
      expect(readFileSync(join(directory, 'sub', String(i)), 'utf8')).toBe(`content ${i}`);
    }
    expect(runtime.files.used).toBe(0);
  });
});
