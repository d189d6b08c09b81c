/**
 * Opening files: flags, modes, paths, and what goes wrong, held against `node:fs/promises`. The
 * same cases for every backend.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { execFileSync } from 'node:child_process';
import { constants, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { File } from '../../src/io/file.ts';
import { Suite } from '../support/conformance-suite.ts';
import { expectSameRejection, fieldsOf, rejectionOf } from '../support/rejections.ts';
import { tempDirectory } from '../support/temp-directory.ts';

export const openSuite: Suite = new Suite();

const FLAGS_OF_NODE =
  'r rs sr r+ rs+ sr+ w wx xw w+ wx+ xw+ a ax xa as sa a+ ax+ xa+ as+ sa+'.split(' ');

/** `O_*` of an open descriptor, as the kernel sees them. */
function flagsOf(fd: number): number {
  const [, flags = ''] =
    /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
  return Number.parseInt(flags, 8);
}

openSuite.add('open() of a FIFO waits for its other end, and nobody waits with it', async () => {
  const path = join(tempDirectory(), 'fifo');
  execFileSync('mkfifo', [path]);
  const order: string[] = [];
  const opening = File.open(path);
  void opening.then(() => order.push('opened'));
  expect(String(await File.readWhole(new URL(import.meta.url))).length).toBeGreaterThan(1000);
  for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
  order.push('turned');
  await using writer = await File.open(path, 'w');
  await using reader = await opening;
  expect(order).toEqual(['turned', 'opened']);
  await writer.write(Buffer.from('through'));
  const bytes = Buffer.alloc(20);
  expect(await reader.read(bytes)).toBe(7);
  expect(bytes.toString('latin1', 0, 7)).toBe('through');
  await writer.close();
  expect(await reader.read(bytes)).toBe(0);
});

for (const flags of FLAGS_OF_NODE) {
  openSuite.add(`open() with '${flags}' does what node:fs does`, async () => {
    const directory = tempDirectory();
    const [ours, nodes] = [join(directory, 'ours'), join(directory, 'nodes')];
    const isExclusive = flags.includes('x');
    if (!isExclusive) for (const path of [ours, nodes]) writeFileSync(path, 'content');
    const file = await File.open(ours, flags);
    const handle = await open(nodes, flags);
    expect(flagsOf(file.fd)).toBe(flagsOf(handle.fd));
    await file.close();
    await handle.close();
    expect(readFileSync(ours)).toEqual(readFileSync(nodes));
    await expectSameOutcome(ours, flags);
  });
}

/** Opens an existing file once more: the exclusive flags fail as Node's do. */
async function expectSameOutcome(path: string, flags: string): Promise<void> {
  if (flags.includes('x')) await expectSameRejection(File.open(path, flags), open(path, flags));
  else await (await File.open(path, flags)).close();
}

openSuite.add('open() takes O_* as a number', async () => {
  const path = join(tempDirectory(), 'new');
  const { O_CREAT, O_EXCL, O_RDWR } = constants;
  const file = await File.open(path, O_CREAT | O_EXCL | O_RDWR);
  await file.write(Buffer.from('x'));
  await file.close();
  expect(readFileSync(path, 'utf8')).toBe('x');
  await expectSameRejection(
    File.open(path, O_CREAT | O_EXCL | O_RDWR),
    open(path, O_CREAT | O_EXCL | O_RDWR),
  );
});

openSuite.add('open() reads by default', async () => {
  const path = join(tempDirectory(), 'new');
  writeFileSync(path, 'content');
  await using file = await File.open(path);
  const accessMode = constants.O_WRONLY | constants.O_RDWR;
  expect(flagsOf(file.fd) & accessMode).toBe(constants.O_RDONLY);
});

openSuite.add('open() gives a new file the mode, less the umask', async () => {
  const directory = tempDirectory();
  const umask = process.umask();
  for (const mode of [0o666, 0o600, 0o777, 0o000, 0o4755]) {
    const [ours, nodes] = [join(directory, `ours-${mode}`), join(directory, `nodes-${mode}`)];
    await (await File.open(ours, 'w', mode)).close();
    await (await open(nodes, 'w', mode)).close();
    expect(statSync(ours).mode).toBe(statSync(nodes).mode);
  }
  const byDefault = join(directory, 'default');
  await (await File.open(byDefault, 'w')).close();
  expect(statSync(byDefault).mode & 0o777).toBe(0o666 & ~umask);
});

openSuite.add('open() takes strings, buffers and URLs', async () => {
  const path = join(tempDirectory(), 'näme with spaces %20?#');
  writeFileSync(path, 'content');
  const bytes = Uint8Array.from(Buffer.from(path)) as Buffer;
  for (const way of [path, Buffer.from(path), pathToFileURL(path), bytes]) {
    await using file = await File.open(way);
    expect((await file.stat()).size).toBe(7);
  }
});

openSuite.add('open() takes names that are not UTF-8', async () => {
  const path = Buffer.concat([Buffer.from(`${tempDirectory()}/`), Buffer.from([0xff, 0xfe, 0x80])]);
  await (await File.open(path, 'w')).close();
  expect(existsSync(path)).toBe(true);
  await (await File.open(path, 'r')).close();
});

openSuite.add('open() takes long paths, and refuses those that are too long', async () => {
  const directory = tempDirectory();
  const long = `${directory}/${'./'.repeat(1900)}file`;
  await (await File.open(long, 'w')).close();
  expect(existsSync(join(directory, 'file'))).toBe(true);
  const tooLong = `${directory}/${'./'.repeat(2100)}file`;
  await expectSameRejection(File.open(tooLong), open(tooLong));
  const component = join(directory, 'x'.repeat(256));
  await expectSameRejection(File.open(component), open(component));
});

openSuite.add('open() fails as node:fs does', async () => {
  const directory = tempDirectory();
  const path = join(directory, 'file');
  writeFileSync(path, '');
  symlinkSync('loop', join(directory, 'loop'));
  mkdirSync(join(directory, 'sub'));
  const mistakes: [path: string | Buffer | URL, flags: string | number][] = [
    [join(directory, 'missing'), 'r'],
    [Buffer.from(join(directory, 'missing')), 'r'],
    [pathToFileURL(join(directory, 'missing')), 'r'],
    [join(directory, 'missing', 'below'), 'w'],
    [join(path, 'below'), 'r'],
    [join(directory, 'sub'), 'w'],
    [join(directory, 'loop'), 'r'],
    [path, constants.O_DIRECTORY],
    ['', 'r'],
  ];
  for (const [where, flags] of mistakes) {
    await expectSameRejection(File.open(where, flags), open(where, flags));
  }
});

openSuite.add('open() names the failed path as a string', async () => {
  const path = join(tempDirectory(), 'missing');
  expect(fieldsOf(await rejectionOf(File.open(path)))).toMatchObject({
    name: 'Error',
    code: 'ENOENT',
    errno: -2,
    syscall: 'open',
    path,
    message: `ENOENT: no such file or directory, open '${path}'`,
  });
});

const badPaths: readonly [name: string, path: unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 1],
  ['an object', {}],
  ['an array', ['a']],
  ['a function', function named(): void {}],
  ['a symbol', Symbol('s')],
  ['a bigint', 1n],
  ['a boolean', true],
  ['an ArrayBuffer', new ArrayBuffer(1)],
  ['an http: URL', new URL('http://localhost/')],
  ['a file: URL of another host', new URL('file://host/path')],
  ['a file: URL with an encoded slash', new URL('file:///a%2Fb')],
  ['a string with NUL', 'a\0b'],
  ['a long string with NUL', `${'directory/'.repeat(5)}\0b`],
  ['a buffer with NUL', Buffer.from('a\0b')],
  ['a URL with NUL', new URL('file:///a%00b')],
];

for (const [name, path] of badPaths) {
  openSuite.add(`open() refuses ${name} for a path as node:fs does`, async () => {
    await expectSameRejection(File.open(path as string), open(path as string));
  });
}

const badFlags: readonly [name: string, flags: unknown][] = [
  ['an unknown string', 'rw'],
  ['an empty string', ''],
  ['a name of Object.prototype', 'constructor'],
  ['a fraction', 1.5],
  ['NaN', Number.NaN],
  ['a number beyond 32 bits', 2 ** 31],
  ['a boolean', true],
];

for (const [name, flags] of badFlags) {
  openSuite.add(`open() refuses ${name} for flags as node:fs does`, async () => {
    const path = join(tempDirectory(), 'file');
    await expectSameRejection(File.open(path, flags as string), open(path, flags as string));
    expect(existsSync(path)).toBe(false);
  });
}

const badModes: readonly [name: string, mode: unknown][] = [
  ['a negative number', -1],
  ['a fraction', 0.5],
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['a number beyond 32 bits', 2 ** 32],
  ['a number with many digits', 2 ** 33],
  ['an object', {}],
  ['a boolean', true],
];

for (const [name, mode] of badModes) {
  openSuite.add(`open() refuses ${name} for a mode as node:fs does`, async () => {
    const path = join(tempDirectory(), 'file');
    const wrong = mode as number;
    await expectSameRejection(File.open(path, 'w', wrong), open(path, 'w', wrong));
    expect(existsSync(path)).toBe(false);
  });
}

openSuite.add('open() sets close-on-exec', async () => {
  await using file = await File.open('/dev/null');
  expect(flagsOf(file.fd) & 0o2000000).toBe(0o2000000);
});

openSuite.add('open() many files at once', async () => {
  const directory = tempDirectory();
  const paths = Array.from({ length: 200 }, (_, i) => join(directory, `file-${i}`));
  const files = await Promise.all(paths.map((path) => File.open(path, 'wx')));
  expect(new Set(files.map(({ fd }) => fd)).size).toBe(200);
  await Promise.all(files.map((file) => file.close()));
  expect(paths.every((path) => existsSync(path))).toBe(true);
});
