/**
 * Appending to files and cutting them off, seen through `node:fs`. The same cases for every
 * backend.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { File } from '../../src/io/file.ts';
import { Suite } from '../support/conformance-suite.ts';
import { rejectionOf } from '../support/rejections.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { smallDisk } from '../support/small-disk.ts';
import { tempDirectory } from '../support/temp-directory.ts';

export const appendSuite: Suite = new Suite();

function newPath(): string {
  return join(tempDirectory(), 'file');
}

appendSuite.add('append() keeps the order of the calls, of any size and kind', async () => {
  const random = new SeededRandom();
  const path = newPath();
  const file = await File.open(path, 'w');
  const pieces = Array.from({ length: 300 }, () =>
    random.bytes(random.chance(0.02) ? random.between(60_000, 300_000) : random.below(300)),
  );
  const positions = await Promise.all(
    pieces.map((piece) => file.append(piece, { sync: random.pick(['data', 'full', false]) })),
  );
  const whole = Buffer.concat(pieces);
  expect(readFileSync(path).equals(whole), random.replay).toBe(true);
  let end = 0;
  for (const [i, piece] of pieces.entries()) {
    expect(positions[i], random.replay).toBe(end);
    end += piece.length;
  }
  await file.append('text €');
  expect(statSync(path).size).toBe(whole.length + 8);
  await file.close();
});

appendSuite.add('append() goes to the end, whatever the file was opened with', async () => {
  for (const flags of ['a', 'r+', 'a+']) {
    const path = newPath();
    writeFileSync(path, 'old');
    await using file = await File.open(path, flags);
    expect(await file.append('new')).toBe(3);
    // Somebody else, whom nobody told about.
    writeFileSync(path, 'else', { flag: 'a' });
    await file.append('end');
    expect(readFileSync(path, 'utf8')).toBe('oldnewelseend');
  }
});

appendSuite.add('close() waits for what is being appended', async () => {
  const path = newPath();
  const file = await File.open(path, 'w');
  const appending = Array.from({ length: 50 }, (_, i) => file.append(`${i} `, { sync: 'data' }));
  const closing = file.close();
  expect((await rejectionOf(file.append('late'))).code).toBe('ERR_FILE_CLOSED');
  await Promise.all([...appending, closing]);
  const expected = Array.from({ length: 50 }, (_, i) => `${i} `).join('');
  expect(readFileSync(path, 'utf8')).toBe(expected);
});

appendSuite.add('append() checks its arguments', async () => {
  await using file = await File.open('/dev/null', 'r+');
  const wrong = [
    [file.append(1 as unknown as string), 'ERR_INVALID_ARG_TYPE'],
    [file.append('x', { sync: true as unknown as 'data' }), 'ERR_INVALID_ARG_VALUE'],
    [file.append('x', null as unknown as object), 'ERR_INVALID_ARG_TYPE'],
  ] as const;
  for (const [promise, code] of wrong) expect((await rejectionOf(promise)).code).toBe(code);
  const { message } = await rejectionOf(file.append('x', { snyc: 'data' } as object));
  expect(message).toContain('did you mean "sync"');
});

appendSuite.add('append() to what is not open for writing fails, and that is all', async () => {
  const path = newPath();
  writeFileSync(path, 'old');
  await using file = await File.open(path, 'r');
  for (let i = 0; i < 2; i += 1) {
    expect(await rejectionOf(file.append('x', { sync: 'data' }))).toMatchObject({
      code: 'EBADF',
      syscall: 'write',
    });
  }
});

appendSuite.add(
  'append() to a full disk acknowledges what is on it, and goes on later',
  async ({ skip }) => {
    const directory = smallDisk('size=1m', skip);
    const path = join(directory, 'log');
    const ballast = join(directory, 'ballast');
    writeFileSync(ballast, Buffer.alloc(512 * 1024));
    const file = await File.open(path, 'w');
    const record = (i: number): string => `${String(i).padStart(9, '0')}${'x'.repeat(2990)}\n`;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 400 }, (_, i) => file.append(record(i), { sync: 'data' })),
    );
    const acknowledged = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(acknowledged).toBeGreaterThan(0);
    expect(acknowledged).toBeLessThan(400);
    const kept = Array.from({ length: acknowledged }, (_, i) => record(i)).join('');
    expect(readFileSync(path, 'utf8') === kept, 'nothing torn is left').toBe(true);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(failed?.reason).toMatchObject({ code: 'ENOSPC', syscall: 'write' });
    unlinkSync(ballast);
    expect(await file.append('more', { sync: 'data' })).toBe(kept.length);
    expect(readFileSync(path, 'utf8') === `${kept}more`).toBe(true);
    await file.close();
  },
);

appendSuite.add('truncate() cuts, extends with zeros, and checks its argument', async () => {
  const path = newPath();
  writeFileSync(path, 'content');
  await using file = await File.open(path, 'r+');
  await file.truncate(3);
  expect(readFileSync(path, 'latin1')).toBe('con');
  await file.truncate(5);
  expect(readFileSync(path, 'latin1')).toBe('con\0\0');
  await file.truncate();
  expect(statSync(path).size).toBe(0);
  expect((await rejectionOf(file.truncate(-1))).code).toBe('ERR_OUT_OF_RANGE');
  expect((await rejectionOf(file.truncate('1' as unknown as number))).code).toBe(
    'ERR_INVALID_ARG_TYPE',
  );
  await file.close();
  expect((await rejectionOf(file.truncate(0))).code).toBe('ERR_FILE_CLOSED');
});
