/**
 * Reading and writing files: positions, bounds, sizes, the end of the file, concurrency. Effects
 * are seen through `node:fs`. The same cases for every backend.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { createHash } from 'node:crypto';
import { constants, openSync, readFileSync, readSync, statSync, truncateSync } from 'node:fs';
import { closeSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { File } from '../../src/io/file.ts';
import type { TransferOptions } from '../../src/io/file.ts';
import { Suite } from '../support/conformance-suite.ts';
import { rejectionOf } from '../support/rejections.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { tempDirectory } from '../support/temp-directory.ts';

export const transferSuite: Suite = new Suite();

/** A file with this content. */
function fileWith(content: string | Uint8Array): string {
  const path = join(tempDirectory(), 'file');
  writeFileSync(path, content);
  return path;
}

function newPath(): string {
  return join(tempDirectory(), 'file');
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}

/** `size` bytes that do not repeat with any power of two. */
function pattern(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let i = 0; i < size; i += 1) bytes[i] = (i * 31 + (i >>> 8) * 17 + (i >>> 16)) & 0xff;
  return bytes;
}

transferSuite.add('read() fills the buffer from the current position, which moves', async () => {
  await using file = await File.open(fileWith('abcdefgh'));
  const buffer = Buffer.alloc(3);
  const pieces: string[] = [];
  for (let count = 1; count > 0;) {
    count = await file.read(buffer);
    pieces.push(buffer.toString('latin1', 0, count));
  }
  expect(pieces).toEqual(['abc', 'def', 'gh', '']);
});

transferSuite.add('read() at a position leaves the current one', async () => {
  await using file = await File.open(fileWith('abcdefgh'));
  const buffer = Buffer.alloc(2);
  await file.read(buffer);
  await file.read(buffer, { position: 6 });
  expect(String(buffer)).toBe('gh');
  await file.read(buffer, { position: null });
  expect(String(buffer)).toBe('cd');
  await file.read(buffer, { position: 0 });
  expect(String(buffer)).toBe('ab');
});

transferSuite.add('read() gives fewer bytes at the end and none behind it', async () => {
  await using file = await File.open(fileWith('abcdefgh'));
  const buffer = Buffer.alloc(8, '.');
  expect(await file.read(buffer, { position: 6 })).toBe(2);
  expect(String(buffer)).toBe('gh......');
  expect(await file.read(buffer, { position: 8 })).toBe(0);
  expect(await file.read(buffer, { position: 2 ** 40 })).toBe(0);
});

transferSuite.add('read() into a part of the buffer touches nothing else', async () => {
  await using file = await File.open(fileWith('abcdefgh'));
  const buffer = Buffer.alloc(8, '.');
  expect(await file.read(buffer, { offset: 2, length: 3, position: 1 })).toBe(3);
  expect(String(buffer)).toBe('..bcd...');
  expect(await file.read(buffer, { offset: 7, position: 0 })).toBe(1);
  expect(String(buffer)).toBe('..bcd..a');
});

transferSuite.add('read() takes every kind of view, small and large', async () => {
  await using file = await File.open(fileWith(pattern(4096)));
  const all = new ArrayBuffer(4096);
  const views = [
    new Uint8Array(16),
    new Uint8Array(all, 8, 16),
    new Float64Array(2),
    new BigInt64Array(all, 1024, 2),
    new DataView(all, 2048, 16),
    Buffer.allocUnsafe(16),
    Buffer.allocUnsafe(4096).subarray(4080),
    new Uint16Array(8),
  ];
  for (const view of views) {
    expect(await file.read(view, { position: 5 })).toBe(16);
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    expect([...bytes]).toEqual([...pattern(4096).subarray(5, 21)]);
  }
});

transferSuite.add('zero bytes are read and written without a fuss', async () => {
  const path = fileWith('abc');
  await using file = await File.open(path, 'r+');
  expect(await file.read(Buffer.alloc(0))).toBe(0);
  expect(await file.read(Buffer.alloc(4), { length: 0 })).toBe(0);
  expect(await file.read(Buffer.alloc(4), { offset: 4 })).toBe(0);
  expect(await file.write(Buffer.alloc(0))).toBe(0);
  expect(await file.write(Buffer.alloc(4), { length: 0 })).toBe(0);
  expect(readFileSync(path, 'utf8')).toBe('abc');
});

transferSuite.add('write() at the current position, which moves', async () => {
  const path = newPath();
  await using file = await File.open(path, 'w');
  expect(await file.write(Buffer.from('abc'))).toBe(3);
  expect(await file.write(Buffer.from('xdefx'), { offset: 1, length: 3 })).toBe(3);
  expect(readFileSync(path, 'utf8')).toBe('abcdef');
});

transferSuite.add('write() at a position leaves the current one, and holes are zeros', async () => {
  const path = newPath();
  await using file = await File.open(path, 'w');
  await file.write(Buffer.from('end'), { position: 6 });
  await file.write(Buffer.from('ab'));
  expect(readFileSync(path, 'latin1')).toBe('ab\0\0\0\0end');
});

transferSuite.add(
  'write() to a file that appends goes to the end, whatever the position',
  async () => {
    const path = fileWith('abc');
    await using file = await File.open(path, 'a');
    await file.write(Buffer.from('def'), { position: 0 });
    await file.write(Buffer.from('ghi'));
    expect(readFileSync(path, 'utf8')).toBe('abcdefghi');
  },
);

for (const [name, position] of [
  ['2^31 - 1', 2 ** 31 - 1],
  ['2^31', 2 ** 31],
  ['2^32 - 2', 2 ** 32 - 2],
  ['2^32', 2 ** 32],
  ['2^32 + 2^31 + 7', 2 ** 32 + 2 ** 31 + 7],
  ['2^40 + 1', 2 ** 40 + 1],
] as const) {
  transferSuite.add(`positions around ${name} are exact`, async () => {
    const path = newPath();
    await using file = await File.open(path, 'w+');
    expect(await file.write(Buffer.from('needle'), { position })).toBe(6);
    expect(statSync(path).size).toBe(position + 6);
    const seen = Buffer.alloc(8);
    const fd = openSync(path, 'r');
    readSync(fd, seen, 0, 8, position - 1);
    closeSync(fd);
    expect(seen.toString('latin1')).toBe('\0needle\0');
    const back = Buffer.alloc(10);
    expect(await file.read(back, { position: position + 2 })).toBe(4);
    expect(back.toString('latin1', 0, 4)).toBe('edle');
    expect((await file.stat()).size).toBe(position + 6);
  });
}

transferSuite.add('the current position passes 2^32', async () => {
  const path = newPath();
  writeFileSync(path, '');
  truncateSync(path, 2 ** 32 + 4);
  const appended = await File.open(path, 'a');
  await appended.write(Buffer.from('tail'));
  await appended.close();
  expect(statSync(path).size).toBe(2 ** 32 + 8);
});

for (const size of [4096, 64 * 1024, 256 * 1024 - 1, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024]) {
  transferSuite.add(`${size} bytes there and back keep their checksum`, async () => {
    const content = pattern(size);
    const path = newPath();
    await using file = await File.open(path, 'w+');
    expect(await file.write(content, { position: 0 })).toBe(size);
    expect(digestOf(readFileSync(path))).toBe(digestOf(content));
    const back = Buffer.alloc(size + 2, 0xee);
    expect(await file.read(back, { offset: 1, length: size, position: 0 })).toBe(size);
    expect(digestOf(back.subarray(1, -1))).toBe(digestOf(content));
    expect([back[0], back[size + 1]]).toEqual([0xee, 0xee]);
  });
}

transferSuite.add('many reads of one file at a time give each its own bytes', async () => {
  const random = new SeededRandom();
  const content = pattern(2 * 1024 * 1024);
  await using file = await File.open(fileWith(content));
  const reads = Array.from({ length: 300 }, async (_, i) => {
    const length = i % 10 === 0 ? random.between(256 * 1024, 512 * 1024) : random.between(1, 9000);
    const position = random.below(content.length);
    const buffer = Buffer.alloc(length);
    const count = await file.read(buffer, { position });
    const expected = content.subarray(position, position + length);
    return count === expected.length && expected.equals(buffer.subarray(0, count));
  });
  expect(
    (await Promise.all(reads)).filter((isRight) => !isRight),
    random.replay,
  ).toEqual([]);
});

transferSuite.add('many writes of one file at a time arrive each at its place', async () => {
  const random = new SeededRandom();
  const content = pattern(512 * 1024);
  const path = newPath();
  await using file = await File.open(path, 'w');
  const pieces: Promise<number>[] = [];
  for (let at = 0; at < content.length;) {
    const length = Math.min(random.between(1, 5000), content.length - at);
    pieces.push(file.write(content.subarray(at, at + length), { position: at }));
    at += length;
  }
  const total = (await Promise.all(pieces)).reduce((sum, count) => sum + count, 0);
  expect(total).toBe(content.length);
  expect(readFileSync(path).equals(content), random.replay).toBe(true);
});

transferSuite.add('sync() and datasync() resolve to nothing', async () => {
  await using file = await File.open(newPath(), 'w');
  await file.write(Buffer.from('abc'));
  expect(await file.sync()).toBeUndefined();
  expect(await file.datasync()).toBeUndefined();
});

const outOfBounds: readonly [name: string, options: TransferOptions][] = [
  ['a negative offset', { offset: -1 }],
  ['an offset behind the buffer', { offset: 9 }],
  ['a fractional offset', { offset: 0.5 }],
  ['a negative length', { length: -1 }],
  ['a length behind the buffer', { length: 9 }],
  ['a length behind what the offset leaves', { offset: 4, length: 5 }],
  ['a fractional length', { length: 0.5 }],
  ['NaN for a length', { length: Number.NaN }],
  ['a position below zero', { position: -2 }],
  ['a fractional position', { position: 1.5 }],
  ['a position beyond 2^53', { position: 2 ** 53 }],
  ['NaN for a position', { position: Number.NaN }],
];

for (const [name, options] of outOfBounds) {
  transferSuite.add(`read() and write() refuse ${name}`, async () => {
    const path = fileWith('abcdefgh');
    await using file = await File.open(path, 'r+');
    for (const transfer of [
      file.read(Buffer.alloc(8), options),
      file.write(Buffer.alloc(8), options),
    ]) {
      const error = await rejectionOf(transfer);
      expect([error.name, error.code]).toEqual(['RangeError', 'ERR_OUT_OF_RANGE']);
    }
    expect(readFileSync(path, 'utf8')).toBe('abcdefgh');
  });
}

const badTypes: readonly [name: string, buffer: unknown, options?: unknown][] = [
  ['no buffer', undefined],
  ['a string', 'text'],
  ['an ArrayBuffer', new ArrayBuffer(8)],
  ['an array', [1, 2]],
  ['null for options', Buffer.alloc(8), null],
  ['a number for options', Buffer.alloc(8), 4],
  ['a string for an offset', Buffer.alloc(8), { offset: '0' }],
  ['a string for a length', Buffer.alloc(8), { length: '1' }],
  ['a string for a position', Buffer.alloc(8), { position: '0' }],
  ['an object for a signal', Buffer.alloc(8), { signal: {} }],
];

for (const [name, buffer, options] of badTypes) {
  transferSuite.add(`read() and write() refuse ${name}`, async () => {
    await using file = await File.open(fileWith('abcdefgh'), 'r+');
    const [wrong, also] = [buffer as Buffer, options as TransferOptions];
    for (const transfer of [() => file.read(wrong, also), () => file.write(wrong, also)]) {
      const error = await rejectionOf(transfer());
      expect([error.name, error.code]).toEqual(['TypeError', 'ERR_INVALID_ARG_TYPE']);
    }
  });
}

const movable: readonly [name: string, make: () => Uint8Array][] = [
  ['a resizable buffer', () => new Uint8Array(resizable(64))],
  ['shared memory', () => new Uint8Array(new SharedArrayBuffer(64))],
  ['a detached buffer', detached],
];

/** The types here are those of ES2023, which does not know resizable buffers. */
function resizable(size: number): ArrayBuffer {
  const Constructor = ArrayBuffer as unknown as new (
    size: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer;
  return new Constructor(size, { maxByteLength: 2 * size });
}

function detached(): Uint8Array {
  const view = new Uint8Array(64);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

for (const [name, make] of movable) {
  transferSuite.add(`read() and write() refuse ${name}`, async () => {
    await using file = await File.open(fileWith('abc'), 'r+');
    for (const transfer of [() => file.read(make()), () => file.write(make())]) {
      expect((await rejectionOf(transfer())).code).toBe('ERR_INVALID_ARG_VALUE');
    }
  });
}

transferSuite.add('a directory cannot be read or written, but described', async () => {
  await using directory = await File.open(tempDirectory());
  expect(await rejectionOf(directory.read(Buffer.alloc(8)))).toMatchObject({
    code: 'EISDIR',
    errno: -21,
    syscall: 'read',
    message: 'EISDIR: illegal operation on a directory, read',
  });
  expect((await directory.stat()).isDirectory()).toBe(true);
  await directory.sync();
});

transferSuite.add('what the flags do not allow is EBADF', async () => {
  const path = fileWith('abc');
  await using reader = await File.open(path, 'r');
  await using writer = await File.open(path, 'a');
  expect(await rejectionOf(reader.write(Buffer.from('x')))).toMatchObject({
    code: 'EBADF',
    errno: -9,
    syscall: 'write',
    message: 'EBADF: bad file descriptor, write',
  });
  expect(await rejectionOf(writer.read(Buffer.alloc(1)))).toMatchObject({
    code: 'EBADF',
    syscall: 'read',
    message: 'EBADF: bad file descriptor, read',
  });
});

transferSuite.add('a full device is ENOSPC', async () => {
  await using file = await File.open('/dev/full', 'w');
  const error = await rejectionOf(file.write(Buffer.from('x')));
  expect(error).toMatchObject({ code: 'ENOSPC', errno: -28, syscall: 'write' });
});

transferSuite.add(
  'a position in a device without positions is ESPIPE or ignored as by Node',
  async () => {
    await using file = await File.open('/dev/zero', constants.O_RDONLY);
    const buffer = Buffer.alloc(64, 0xff);
    expect(await file.read(buffer, { position: 2 ** 33 })).toBe(64);
    expect(buffer.every((byte) => byte === 0)).toBe(true);
  },
);
