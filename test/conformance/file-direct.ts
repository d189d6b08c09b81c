/**
 * Direct I/O and polling: what options mean, what is refused, and that a file that was to be polled
 * reads and writes the same bytes where its device cannot be. The same cases for every backend.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { File } from '../../src/io/file.ts';
import type { OpenOptions } from '../../src/io/index.ts';
import { runtime } from '../../src/runtime/index.ts';
import { Suite } from '../support/conformance-suite.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { tempDirectory } from '../support/temp-directory.ts';

export const directSuite: Suite = new Suite();

const PAGE = 4096;

function filled(pages: number): Buffer {
  const random = new SeededRandom(1);
  const bytes = Buffer.alloc(pages * PAGE);
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(random.below(2 ** 31), at);
  return bytes;
}

/** Page-aligned memory, whichever backend it is. */
function aligned(size: number): Buffer {
  const { backend } = runtime();
  if (backend === 'uring') return runtime().buffers.allocate(size).bytes;
  return Buffer.alloc(size);
}

directSuite.add('open() with options does what it does with arguments', async () => {
  const path = join(tempDirectory(), 'file');
  const file = await File.open(path, { flags: 'wx', mode: 0o600 });
  await file.write(Buffer.from('content'));
  await file.close();
  expect(readFileSync(path, 'utf8')).toBe('content');
  const again = await File.open(path, {});
  expect(again.polling).toBe(false);
  expect(await again.read(Buffer.alloc(10))).toBe(7);
  await again.close();
});

for (const poll of ['hybrid', 'busy', false] as const) {
  directSuite.add(`a direct file that is to be polled (${poll}) reads what is there`, async () => {
    const path = join(tempDirectory(), 'file');
    const content = filled(16);
    writeFileSync(path, content);
    await using file = await File.open(path, { direct: true, poll });
    const isDirect = runtime().backend === 'uring';
    expect(flagsOf(file.fd) & constants.O_DIRECT).toBe(isDirect ? constants.O_DIRECT : 0);
    const pages = Array.from({ length: 16 }, () => aligned(PAGE));
    const counts = await Promise.all(
      pages.map((page, index) => file.read(page, { position: index * PAGE })),
    );
    expect(counts).toEqual(pages.map(() => PAGE));
    expect(Buffer.concat(pages).equals(content)).toBe(true);
    // Behind the end there is nothing.
    expect(await file.read(aligned(PAGE), { position: 16 * PAGE })).toBe(0);
  });

  directSuite.add(`a direct file that is to be polled (${poll}) is written`, async () => {
    const path = join(tempDirectory(), 'file');
    const content = filled(8);
    await using file = await File.open(path, { flags: 'w+', direct: true, poll });
    await Promise.all(
      Array.from({ length: 8 }, (_, index) => {
        const page = aligned(PAGE);
        content.copy(page, 0, index * PAGE);
        return file.write(page, { position: index * PAGE });
      }),
    );
    await file.sync();
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  directSuite.add(`an aborted transfer of a file to be polled (${poll}) rejects`, async () => {
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, filled(64));
    await using file = await File.open(path, { direct: true, poll });
    const controller = new AbortController();
    const reads = Array.from({ length: 64 }, (_, index) =>
      file.read(aligned(PAGE), { position: index * PAGE, signal: controller.signal }),
    );
    const reason = new Error('enough');
    controller.abort(reason);
    const outcomes = await Promise.allSettled(reads);
    for (const outcome of outcomes) {
      expect(outcome).toEqual({ status: 'rejected', reason });
    }
  });
}

directSuite.add('a transfer that is not aligned is refused, and the file goes on', async () => {
  if (runtime().backend !== 'uring') return;
  const path = join(tempDirectory(), 'file');
  writeFileSync(path, filled(2));
  await using file = await File.open(path, { direct: true });
  const page = aligned(2 * PAGE);
  const refused = { code: 'ERR_INVALID_ARG_VALUE' };
  await expect(file.read(page, { length: 100, position: 0 })).rejects.toMatchObject(refused);
  await expect(file.read(page, { length: 512, position: 7 })).rejects.toMatchObject(refused);
  const within = page.subarray(1);
  await expect(file.read(within, { length: 512, position: 0 })).rejects.toMatchObject(refused);
  expect(await file.read(page, { length: PAGE, position: PAGE })).toBe(PAGE);
});

const badOptions: readonly [options: object, code: string, message: RegExp][] = [
  [{ pol: 'busy' }, 'ERR_INVALID_ARG_VALUE', /did you mean "poll"/],
  [{ flag: 'r' }, 'ERR_INVALID_ARG_VALUE', /did you mean "flags"/],
  [{ direct: true, poll: 'often' }, 'ERR_INVALID_ARG_VALUE', /'hybrid', 'busy' or false/],
  [{ poll: 'busy' }, 'ERR_INVALID_ARG_VALUE', /needs options.direct/],
  [{ direct: 1 }, 'ERR_INVALID_ARG_TYPE', /boolean/],
  [{ flags: 'z' }, 'ERR_INVALID_ARG_VALUE', /options.flags/],
  [{ mode: -1 }, 'ERR_OUT_OF_RANGE', /options.mode/],
];

for (const [options, code, message] of badOptions) {
  directSuite.add(`open() refuses the options ${JSON.stringify(options)}`, async () => {
    const opening = File.open('/dev/null', options as OpenOptions);
    await expect(opening).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
}

function flagsOf(fd: number): number {
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  return Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)?.[1] ?? '', 8);
}
