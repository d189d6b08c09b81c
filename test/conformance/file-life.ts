/**
 * What happens to a file over time: stat, closing, aborting, a runtime that closes, opening below
 * a directory. The same cases for every backend.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { execFileSync } from 'node:child_process';
import { constants, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import { File } from '../../src/io/file.ts';
import { Suite } from '../support/conformance-suite.ts';
import { fieldsOf, rejectionOf } from '../support/rejections.ts';
import { tempDirectory } from '../support/temp-directory.ts';

export const lifeSuite: Suite = new Suite();

function fileWith(content: string): string {
  const path = join(tempDirectory(), 'file');
  writeFileSync(path, content);
  return path;
}

/** A named pipe, opened for both directions so that neither end waits for the other. */
async function openFifo(): Promise<File> {
  const path = join(tempDirectory(), 'fifo');
  execFileSync('mkfifo', [path]);
  return await File.open(path, constants.O_RDWR);
}

/** Everything that can be asked of a file. */
function attemptsOn(file: File): (() => Promise<unknown>)[] {
  return [
    () => file.read(Buffer.alloc(1)),
    () => file.write(Buffer.alloc(1)),
    () => file.sync(),
    () => file.datasync(),
    () => file.stat(),
    () => File.openBeneath(file, 'x'),
  ];
}

const STAT_FIELDS =
  'dev ino mode nlink uid gid rdev size blksize blocks atimeMs mtimeMs ctimeMs birthtimeMs ' +
  'atime mtime ctime birthtime';
const STAT_METHODS = [
  ...(['isFile', 'isDirectory', 'isSymbolicLink', 'isFIFO', 'isSocket'] as const),
  ...(['isBlockDevice', 'isCharacterDevice'] as const),
];

lifeSuite.add('stat() answers as node:fs does', async () => {
  const directory = tempDirectory();
  writeFileSync(join(directory, 'file'), 'content');
  execFileSync('mkfifo', [join(directory, 'fifo')]);
  const paths = [directory, join(directory, 'file'), '/dev/null', '/proc/self/status'];
  for (const path of paths) {
    await using file = await File.open(path);
    const [ours, nodes] = [await file.stat(), await stat(path)];
    for (const field of STAT_FIELDS.split(' ')) {
      const [mine, reference] = [ours[field as 'size'], nodes[field as 'size']];
      expect([path, field, mine]).toEqual([path, field, reference]);
    }
    for (const method of STAT_METHODS) {
      expect([path, method, ours[method]()]).toEqual([path, method, nodes[method]()]);
    }
  }
});

lifeSuite.add('stat() follows what happens to the file', async () => {
  await using file = await File.open(fileWith('abc'), 'r+');
  expect((await file.stat()).size).toBe(3);
  await file.write(Buffer.from('defg'), { position: 3 });
  expect((await file.stat()).size).toBe(7);
});

lifeSuite.add('close() gives the descriptor back, and twice is once', async () => {
  const file = await File.open(fileWith('abc'));
  expect(existsSync(`/proc/self/fd/${file.fd}`)).toBe(true);
  const { fd } = file;
  const closing = file.close();
  expect(file.close()).toBe(closing);
  await closing;
  expect(file.fd).toBe(-1);
  expect(existsSync(`/proc/self/fd/${fd}`)).toBe(false);
  await file.close();
});

lifeSuite.add('a closed file refuses everything', async () => {
  const file = await File.open(fileWith('abc'), 'r+');
  await file.close();
  for (const attempt of attemptsOn(file)) {
    const error = await rejectionOf(attempt());
    expect([error.code, error.message]).toEqual(['ERR_FILE_CLOSED', 'The file is closed']);
  }
});

lifeSuite.add('a file that is closing refuses what comes after', async () => {
  const file = await File.open(fileWith('abc'), 'r+');
  const read = file.read(Buffer.alloc(3));
  const closing = file.close();
  for (const attempt of attemptsOn(file)) {
    expect((await rejectionOf(attempt())).code).toBe('ERR_FILE_CLOSED');
  }
  expect(await read).toBe(3);
  await closing;
});

lifeSuite.add('close() waits for what is in flight', async () => {
  const path = fileWith('');
  const file = await File.open(path, 'r+');
  const order: string[] = [];
  const piece = Buffer.alloc(512 * 1024, 'x');
  const writes = Array.from({ length: 8 }, (_, i) =>
    file.write(piece, { position: i * piece.length }).then(() => order.push('write')),
  );
  writes.push(file.sync().then(() => order.push('sync')));
  writes.push(file.stat().then(() => order.push('stat')));
  await file.close().then(() => order.push('close'));
  await Promise.all(writes);
  expect(order.at(-1)).toBe('close');
  expect(order).toHaveLength(11);
  expect(statSync(path).size).toBe(8 * piece.length);
});

lifeSuite.add('many stat() calls at a time are all answered before close()', async () => {
  const file = await File.open(fileWith('abc'));
  let answered = 0;
  const answers = Array.from({ length: 300 }, async () => {
    const { size } = await file.stat();
    answered += 1;
    return size;
  });
  const all = Promise.allSettled(answers);
  await file.close();
  expect(answered).toBe(300);
  expect((await all).every((answer) => answer.status === 'fulfilled')).toBe(true);
});

lifeSuite.add(
  'a runtime that closes ends stat() calls that have not begun',
  async ({ runtime }) => {
    const file = await File.open(fileWith('abc'));
    const answers = Array.from({ length: 300 }, () => file.stat());
    const closing = runtime.close();
    for (const outcome of await Promise.allSettled(answers)) {
      if (outcome.status === 'fulfilled') expect(outcome.value.size).toBe(3);
      else
        expect(outcome.reason).toMatchObject({ code: expect.stringMatching(/^E(CANCELED|RR_)/) });
    }
    await closing;
    await file.close();
  },
);

lifeSuite.add('open() of a pipe for writing waits for a reader', async () => {
  const path = join(tempDirectory(), 'fifo');
  execFileSync('mkfifo', [path]);
  const opening = File.open(path, 'w');
  for (let turns = 0; turns < 5; turns += 1) await nextTurn();
  const [writer, reader] = await Promise.all([opening, open(path, constants.O_RDWR)]);
  await writer.write(Buffer.from('through'));
  const buffer = Buffer.alloc(16);
  const { bytesRead } = await reader.read(buffer);
  expect(buffer.toString('latin1', 0, bytesRead)).toBe('through');
  await Promise.all([writer.close(), reader.close()]);
});

lifeSuite.add('close() waits for files that are being opened beneath', async () => {
  const directory = tempDirectory();
  for (let round = 0; round < 20; round += 1) {
    writeFileSync(join(directory, `file-${round}`), '');
    const root = await File.open(directory);
    // What may block is opened by a kernel worker, which looks the directory up again.
    const opening = File.openBeneath(root, `file-${round}`, constants.O_RDWR | constants.O_TRUNC);
    const closing = root.close();
    const file = await opening;
    await closing;
    await file.close();
  }
});

lifeSuite.add('a file disposes of itself', async () => {
  let outer: File;
  {
    await using file = await File.open(fileWith('abc'));
    outer = file;
    expect(await file.read(Buffer.alloc(3))).toBe(3);
  }
  expect(outer.fd).toBe(-1);
});

lifeSuite.add('a signal that was aborted before refuses the transfer', async () => {
  const path = fileWith('abc');
  await using file = await File.open(path, 'r+');
  const reason = new Error('not today');
  const signal = AbortSignal.abort(reason);
  expect(await rejectionOf(file.read(Buffer.alloc(3), { signal }))).toBe(reason);
  expect(await rejectionOf(file.write(Buffer.from('xyz'), { signal }))).toBe(reason);
  expect(readFileSync(path, 'utf8')).toBe('abc');
});

lifeSuite.add('a signal that is not aborted changes nothing, and is let go of', async () => {
  const controller = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = controller.signal;
  Object.assign(controller.signal, {
    addEventListener(...args: Parameters<typeof addEventListener>) {
      listeners += 1;
      addEventListener.apply(controller.signal, args);
    },
    removeEventListener(...args: Parameters<typeof removeEventListener>) {
      listeners -= 1;
      removeEventListener.apply(controller.signal, args);
    },
  });
  await using file = await File.open(fileWith('abc'));
  const { signal } = controller;
  for (let i = 0; i < 10; i += 1) {
    expect(await file.read(Buffer.alloc(3), { signal, position: 0 })).toBe(3);
  }
  expect(listeners).toBe(0);
});

lifeSuite.add(
  'an abort ends a read that waits',
  async () => {
    await using fifo = await openFifo();
    for (const size of [16, 512 * 1024]) {
      const controller = new AbortController();
      const reading = rejectionOf(fifo.read(Buffer.alloc(size), { signal: controller.signal }));
      await nextTurn();
      const reason = new Error('enough');
      controller.abort(reason);
      expect(await reading).toBe(reason);
    }
    await fifo.write(Buffer.from('later'));
    const buffer = Buffer.alloc(16);
    expect(buffer.toString('latin1', 0, await fifo.read(buffer))).toBe('later');
  },
  { skip: ['libuv', 'the thread pool cannot be interrupted: the read ends with the next data'] },
);

lifeSuite.add('an abort after the data has arrived ends the read once', async () => {
  await using fifo = await openFifo();
  const controller = new AbortController();
  const buffer = Buffer.alloc(16);
  const reading = fifo.read(buffer, { signal: controller.signal }).then(
    (count) => String(count),
    (error: Error) => error.name,
  );
  await nextTurn();
  await fifo.write(Buffer.from('data'));
  controller.abort();
  // The kernel may have been first: then the promise was resolved before the abort.
  expect(['4', 'AbortError']).toContain(await reading);
});

lifeSuite.add('an abort of one read leaves the others', async () => {
  await using file = await File.open(fileWith('abcdef'.repeat(100_000)));
  const controller = new AbortController();
  const kept = Array.from({ length: 20 }, (_, i) =>
    file.read(Buffer.alloc(6), { position: i * 6 }),
  );
  const aborted = Array.from({ length: 20 }, (_, i) =>
    file.read(Buffer.alloc(6), { position: i * 6, signal: controller.signal }),
  );
  controller.abort();
  expect(await Promise.all(kept)).toEqual(Array.from({ length: 20 }, () => 6));
  for (const outcome of await Promise.allSettled(aborted)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'AbortError' } });
  }
});

lifeSuite.add(
  'a closed runtime refuses operations, and the file can still be closed',
  async ({ runtime }) => {
    const file = await File.open(fileWith('abc'), 'r+');
    const { fd } = file;
    await runtime.close();
    for (const attempt of attemptsOn(file)) {
      expect((await rejectionOf(attempt())).code).toBe('ERR_RUNTIME_CLOSED');
    }
    await file.close();
    expect(existsSync(`/proc/self/fd/${fd}`)).toBe(false);
  },
);

lifeSuite.add(
  'a runtime that closes leaves no descriptor of files being opened',
  async ({ runtime }) => {
    const directory = tempDirectory();
    writeFileSync(join(directory, 'old'), '');
    // New files are made by kernel workers, old ones are opened on the spot.
    const opening = Array.from({ length: 20 }, (_, i) =>
      i < 10 ? File.open(join(directory, `${i}`), 'w') : File.open(join(directory, 'old')),
    );
    const closing = runtime.close();
    for (const outcome of await Promise.allSettled(opening)) {
      if (outcome.status === 'fulfilled') await outcome.value.close();
      else
        expect(outcome.reason).toMatchObject({
          code: expect.stringMatching(/^E(CANCELED|RR_|INTR)/),
        });
    }
    await closing;
  },
);

lifeSuite.add(
  'a runtime that closes ends reads that wait, and close() goes on',
  async ({ runtime, backend }) => {
    const fifo = await openFifo();
    const reading = fifo.read(Buffer.alloc(16)).then(
      (count) => count,
      (error: Error & { code?: string }) => error.code,
    );
    await nextTurn();
    const closing = fifo.close();
    if (backend === 'libuv') {
      // The thread pool cannot be interrupted: somebody has to write.
      const writer = await open(`/proc/self/fd/${fifo.fd}`, 'w');
      await writer.write('x');
      await writer.close();
    }
    await runtime.close();
    expect(['ECANCELED', 'EINTR', 1]).toContain(await reading);
    await closing;
  },
);

/** A directory with files, links, and something outside of it. */
function tree(): { root: string; outside: string } {
  const parent = tempDirectory();
  const root = join(parent, 'root');
  mkdirSync(join(root, 'sub'), { recursive: true });
  writeFileSync(join(parent, 'secret'), 'secret');
  writeFileSync(join(root, 'plain'), 'plain');
  writeFileSync(join(root, 'sub', 'deep'), 'deep');
  symlinkSync('sub/deep', join(root, 'inside'));
  symlinkSync('../plain', join(root, 'sub', 'up'));
  symlinkSync('../secret', join(root, 'outside'));
  symlinkSync(join(parent, 'secret'), join(root, 'absolute'));
  symlinkSync('/', join(root, 'slash'));
  symlinkSync('loop', join(root, 'loop'));
  return { root, outside: join(parent, 'secret') };
}

lifeSuite.add('openBeneath() opens what is below', async () => {
  await using root = await File.open(tree().root);
  const ways: [path: string | Buffer, content: string][] = [
    ['plain', 'plain'],
    [Buffer.from('sub/deep'), 'deep'],
    ['./sub/../plain', 'plain'],
    ['inside', 'deep'],
    ['sub/up', 'plain'],
  ];
  for (const [path, content] of ways) {
    await using file = await File.openBeneath(root, path);
    const buffer = Buffer.alloc(16);
    expect(buffer.toString('latin1', 0, await file.read(buffer))).toBe(content);
  }
});

lifeSuite.add('openBeneath() refuses every way out with EXDEV', async () => {
  const { root: path, outside } = tree();
  await using root = await File.open(path);
  const ways = ['../secret', 'sub/../../secret', outside, '/etc/passwd', 'outside', 'absolute'];
  ways.push('slash/etc/passwd', '..', '/', `../${basename(path)}/plain`, '../missing');
  for (const way of ways) {
    const error = await rejectionOf(File.openBeneath(root, way));
    expect([way, error.code]).toEqual([way, 'EXDEV']);
    expect(fieldsOf(error)).toMatchObject({
      errno: -18,
      syscall: 'open',
      path: way,
      message: `EXDEV: cross-device link not permitted, open '${way}'`,
    });
  }
});

lifeSuite.add('openBeneath() fails as open(2) does otherwise', async () => {
  await using root = await File.open(tree().root);
  const mistakes = [
    ['missing', 'r', 'ENOENT'],
    ['plain/below', 'r', 'ENOTDIR'],
    ['loop', 'r', 'ELOOP'],
    ['sub', 'w', 'EISDIR'],
    ['', 'r', 'ENOENT'],
  ] as const;
  for (const [path, flags, code] of mistakes) {
    const error = await rejectionOf(File.openBeneath(root, path, flags));
    expect([path, error.code]).toEqual([path, code]);
    expect(fieldsOf(error)).toMatchObject({ syscall: 'open', path });
  }
});

lifeSuite.add('openBeneath() creates files that can be opened again', async () => {
  const { root: path } = tree();
  await using root = await File.open(path);
  const file = await File.openBeneath(root, 'sub/new', 'w');
  await file.write(Buffer.from('made'));
  await file.close();
  expect(readFileSync(join(path, 'sub', 'new'), 'utf8')).toBe('made');
  expect(statSync(join(path, 'sub', 'new')).mode & 0o777).toBe(0o666 & ~process.umask());
});

lifeSuite.add('openBeneath() checks its arguments', async () => {
  await using root = await File.open(tree().root);
  await using file = await File.open(fileWith('abc'));
  const wrong = [
    [() => File.openBeneath(root, 1 as unknown as string), 'ERR_INVALID_ARG_TYPE'],
    [() => File.openBeneath(root, 'a\0b'), 'ERR_INVALID_ARG_VALUE'],
    [() => File.openBeneath(root, 'plain', 'bogus'), 'ERR_INVALID_ARG_VALUE'],
    [() => File.openBeneath({} as File, 'plain'), 'ERR_INVALID_ARG_TYPE'],
    [() => File.openBeneath(file, 'plain'), 'ENOTDIR'],
  ] as const;
  for (const [attempt, code] of wrong) expect((await rejectionOf(attempt())).code).toBe(code);
});
