/**
 * Whole files: content of every size, text, flags, and what goes wrong, held against
 * `node:fs/promises`. The same cases for every backend.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { File } from '../../src/io/file.ts';
import { Suite } from '../support/conformance-suite.ts';
import { expectSameRejection, rejectionOf } from '../support/rejections.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { tempDirectory } from '../support/temp-directory.ts';

export const wholeSuite: Suite = new Suite();

const REASON = new Error('aborted by the test');
const SIZES = [0, 1, 4096, 57_343, 57_344, 57_345, 61_439, 61_440, 61_441, 65_536, 262_144];
const LARGE_SIZES = [1_048_575, 1_048_576, 1_048_577, 5_000_000];

function newPath(): string {
  return join(tempDirectory(), 'file');
}

wholeSuite.add('what is written is what is read, of any size', async () => {
  const random = new SeededRandom();
  const path = newPath();
  for (const size of [...SIZES, ...LARGE_SIZES]) {
    const content = Buffer.concat([random.bytes(size % 1000), Buffer.alloc(size - (size % 1000))]);
    await File.writeWhole(path, content);
    expect(readFileSync(path).equals(content), `${size}, ${random.replay}`).toBe(true);
    const read = await File.readWhole(path);
    expect(read.equals(content), `${size}, ${random.replay}`).toBe(true);
    expect(Buffer.isBuffer(read)).toBe(true);
  }
});

wholeSuite.add('text is decoded and encoded as Node does it', async () => {
  const path = newPath();
  const text = `\uFEFFäöü € 𝄞 ${'x'.repeat(70_000)}`;
  await File.writeWhole(path, text);
  expect(await readFile(path, 'utf8')).toBe(text);
  for (const encoding of ['utf8', 'latin1', 'base64', 'hex', 'utf16le', 'ascii'] as const) {
    for (const size of [0, 11, 70_000]) {
      writeFileSync(path, Buffer.from(text).subarray(0, size));
      expect(await File.readWhole(path, { encoding })).toBe(await readFile(path, encoding));
    }
  }
});

wholeSuite.add('paths are strings, Buffers and URLs', async () => {
  const path = newPath();
  await File.writeWhole(Buffer.from(path), 'content');
  expect(String(await File.readWhole(pathToFileURL(path)))).toBe('content');
});

wholeSuite.add('every kind of view is written, and only what it shows', async () => {
  const path = newPath();
  const { buffer } = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
  for (const view of [new Uint8Array(buffer, 2, 4), new DataView(buffer, 2, 4)]) {
    await File.writeWhole(path, view);
    expect([...readFileSync(path)]).toEqual([3, 4, 5, 6]);
  }
});

wholeSuite.add('flags and modes are those of open()', async () => {
  const path = newPath();
  await File.writeWhole(path, 'one', { mode: 0o600 });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await File.writeWhole(path, 'two', { flags: 'a' });
  expect(readFileSync(path, 'utf8')).toBe('onetwo');
  await File.writeWhole(path, 'ONE', { flags: 'r+', flush: true });
  expect(readFileSync(path, 'utf8')).toBe('ONEtwo');
  await expectSameRejection(
    File.writeWhole(path, 'x', { flags: 'wx' }),
    writeFile(path, 'x', { flag: 'wx' }),
  );
  await expectSameRejection(
    File.writeWhole(path, 'x', { flags: 'r' }),
    writeFile(path, 'x', { flag: 'r' }),
  );
  await expectSameRejection(File.readWhole(path, { flags: 'ax' }), readFile(path, { flag: 'ax' }));
});

wholeSuite.add('files without a size are read to their end', async () => {
  for (const path of ['/proc/version', '/proc/filesystems', '/proc/kallsyms', '/dev/null']) {
    const content = await File.readWhole(path);
    expect(content.equals(await readFile(path)), path).toBe(true);
  }
});

wholeSuite.add('errors are those of Node', async () => {
  const directory = tempDirectory();
  mkdirSync(join(directory, 'sub'));
  writeFileSync(join(directory, 'file'), 'content');
  for (const name of ['missing', 'missing/file', 'file/below', 'sub', 'x'.repeat(300)]) {
    const path = join(directory, name);
    await expectSameRejection(File.readWhole(path), readFile(path));
    if (name === 'missing') continue;
    await expectSameRejection(File.writeWhole(path, 'x'), writeFile(path, 'x'));
  }
  await expectSameRejection(File.writeWhole('/dev/full', 'x'), writeFile('/dev/full', 'x'));
});

wholeSuite.add('arguments are checked, and options that are misspelled named', async () => {
  const path = newPath();
  const wrong = [
    [File.readWhole('a\0b'), 'ERR_INVALID_ARG_VALUE'],
    [File.readWhole(1 as unknown as string), 'ERR_INVALID_ARG_TYPE'],
    [File.readWhole(path, { encoding: 'utf9' as 'utf8' }), 'ERR_INVALID_ARG_VALUE'],
    [File.readWhole(path, { flags: 'q' }), 'ERR_INVALID_ARG_VALUE'],
    [File.readWhole(path, { signal: {} as AbortSignal }), 'ERR_INVALID_ARG_TYPE'],
    [File.readWhole(path, null as unknown as object), 'ERR_INVALID_ARG_TYPE'],
    [File.writeWhole(path, 1 as unknown as string), 'ERR_INVALID_ARG_TYPE'],
    [File.writeWhole(path, 'x', { mode: -1 }), 'ERR_OUT_OF_RANGE'],
    [File.writeWhole(path, 'x', { flush: 1 as unknown as boolean }), 'ERR_INVALID_ARG_TYPE'],
  ] as const;
  for (const [promise, code] of wrong) expect((await rejectionOf(promise)).code).toBe(code);
  const misspelled = File.readWhole(path, { encodign: 'utf8' } as object);
  expect((await rejectionOf(misspelled)).message).toContain('did you mean "encoding"');
  const unknown = File.writeWhole(path, 'x', { flsuh: true } as object);
  expect((await rejectionOf(unknown)).message).toContain('did you mean "flush"');
});

wholeSuite.add('a signal that is aborted begins nothing', async () => {
  const path = newPath();
  const signal = AbortSignal.abort(REASON);
  expect(await rejectionOf(File.writeWhole(path, 'x', { signal }))).toBe(REASON);
  expect(await rejectionOf(File.readWhole(path, { signal }))).toBe(REASON);
});

wholeSuite.add('an abort leaves the whole or the reason', async () => {
  const random = new SeededRandom();
  const path = newPath();
  writeFileSync(path, Buffer.alloc(300_000, 'x'));
  for (let round = 0; round < 40; round += 1) {
    const controller = new AbortController();
    const { signal } = controller;
    const reading = File.readWhole(path, { signal }).catch((error: unknown) => error);
    for (let turns = random.below(4); turns > 0; turns -= 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    controller.abort(REASON);
    const outcome = await reading;
    const isWhole = Buffer.isBuffer(outcome) && outcome.length === 300_000;
    expect(isWhole || outcome === REASON, random.replay).toBe(true);
  }
});

wholeSuite.add('nothing is read or written once the runtime is closed', async ({ runtime }) => {
  const path = newPath();
  const pending = Promise.allSettled([File.writeWhole(path, 'x'), File.readWhole(path)]);
  await runtime.close();
  await pending;
  // What comes next opens a runtime of its own.
  expect(runtime.isClosed).toBe(true);
});
