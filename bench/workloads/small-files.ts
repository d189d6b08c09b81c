/**
 * Work on many small files of one folder, and on one large one as a whole.
 *
 *   read    reads file number % count
 *   write   writes it anew, with the words of the number
 *   stat    asks for its size
 *   whole   reads the file at the path, all of it
 *
 * `bench/c/storage.c` is the twin of the first three.
 */

import { join } from 'node:path';
import type { StorageDriver } from '../drivers/storage/storage-driver.ts';
import { smallSize, stampRecord, sumOfBytes } from '../pattern.ts';
import type { Parameters, Work, Workload } from './workload.ts';

type FileWorkload = Workload<StorageDriver>;

export const read: FileWorkload = (driver, parameters) => {
  const paths = pathsOf(parameters);
  return makeWork(driver, parameters, {
    start: (number, _lane, done) => driver.readFile(pathOf(paths, number), done),
    check: (_number, _lane, result) => sumOfBytes(result as Uint8Array),
  });
};

export const write: FileWorkload = (driver, parameters) => {
  const paths = pathsOf(parameters);
  const { count, depth } = parameters;
  const contents = Array.from({ length: depth }, () => Buffer.alloc(8192, 1));
  return makeWork(driver, parameters, {
    start(number, lane, done) {
      const bytes = (contents[lane] ?? Buffer.alloc(8192)).subarray(0, smallSize(number % count));
      stampRecord(bytes, number);
      return driver.writeFile(pathOf(paths, number), bytes, done);
    },
    // The harness looks at all of them in the end.
    check: () => 0,
  });
};

export const stat: FileWorkload = (driver, parameters) => {
  const paths = pathsOf(parameters);
  return makeWork(driver, parameters, {
    start: (number, _lane, done) => driver.stat(pathOf(paths, number), done),
    check: (_number, _lane, result) => driver.sizeOf(result),
  });
};

export const whole: FileWorkload = (driver, parameters) =>
  makeWork(driver, parameters, {
    start: (_number, _lane, done) => driver.readFile(parameters.path, done),
    check(_number, _lane, result) {
      const bytes = result as Uint8Array;
      const isWhole = bytes.length === parameters.size * parameters.count;
      return isWhole ? sumOfBytes(bytes) : 0;
    },
  });

/** The paths of the small files, as text: nobody measures how they are put together. */
function pathsOf({ path, count }: Pick<Parameters, 'path' | 'count'>): string[] {
  return Array.from({ length: count }, (_, number) => join(path, String(number)));
}

function pathOf(paths: readonly string[], number: number): string {
  return paths[number % paths.length] ?? '';
}

async function makeWork(
  { style }: StorageDriver,
  { depth }: Parameters,
  parts: Pick<Work, 'start' | 'check'>,
): Promise<Work> {
  return { style, lanes: depth, finish: () => Promise.resolve(), ...parts };
}
