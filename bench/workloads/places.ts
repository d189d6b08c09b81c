/**
 * Work on places of one file: random reads, a scan, sequential writes, and a log.
 *
 *   read    one of `count` places, which a hash of the number picks
 *   scan    place number % count
 *   write   each lane its places in turn, written with a stamp at both ends and looked at after it
 *   log     record `number` at its own place, then fdatasync; the harness looks at all of them
 *
 * `bench/c/storage.c` is its twin.
 */

import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { StorageDriver, StorageFile } from '../drivers/storage/storage-driver.ts';
import { mix, PAGE, readWord, stampRecord, sumOfBytes, sumOfEnds } from '../pattern.ts';
import type { Parameters, Work, Workload } from './workload.ts';

type PlaceWorkload = Workload<StorageDriver>;

export const read: PlaceWorkload = (driver, parameters) =>
  readingWork(driver, parameters, (number) => mix(number) % parameters.count);

export const scan: PlaceWorkload = (driver, parameters) =>
  readingWork(driver, parameters, (number) => number % parameters.count);

export const write: PlaceWorkload = async (driver, parameters) => {
  const { path, size, count, depth } = parameters;
  const file = await driver.open(path, constants.O_RDWR | constants.O_CREAT);
  const looker = openSync(path, 'r');
  const buffers = makeBuffers(driver, parameters, null);
  const ends = new Uint8Array(8);
  const rounds = new Uint32Array(depth);
  // Every lane has places of its own, so that nobody overwrites what another one still looks at.
  const positionOf = (lane: number): number =>
    (((rounds[lane] ?? 0) * depth + lane) % count) * size;
  return {
    style: driver.style,
    lanes: depth,
    start(number, lane, done) {
      const buffer = bufferOf(buffers, lane);
      stampRecord(buffer, number);
      return file.write(buffer, positionOf(lane), done);
    },
    check(_number, lane, result) {
      requireCount(driver.countOf(result), size);
      const position = positionOf(lane);
      rounds[lane] = (rounds[lane] ?? 0) + 1;
      readSync(looker, ends, 0, 4, position);
      readSync(looker, ends, 4, 4, position + size - 4);
      return sumOfEnds(readWord(ends, 0), readWord(ends, 4));
    },
    async finish() {
      closeSync(looker);
      await file.close();
    },
  };
};

export const log: PlaceWorkload = async (driver, parameters) => {
  const { path, size, depth } = parameters;
  const file = await driver.open(path, constants.O_RDWR | constants.O_CREAT);
  const buffers = makeBuffers(driver, parameters, null);
  return {
    style: driver.style,
    lanes: depth,
    start(number, lane, done) {
      const buffer = bufferOf(buffers, lane);
      stampRecord(buffer, number);
      return file.log(buffer, number * size, done);
    },
    check(_number, _lane, result) {
      requireCount(driver.countOf(result), size);
      return 0;
    },
    finish: () => file.close(),
  };
};

async function readingWork(
  driver: StorageDriver,
  parameters: Parameters,
  placeOf: (number: number) => number,
): Promise<Work> {
  const { path, size, depth, isDirect } = parameters;
  const flags = constants.O_RDONLY | (isDirect ? constants.O_DIRECT : 0);
  const file: StorageFile = await driver.open(path, flags);
  const buffers = makeBuffers(driver, parameters, isDirect ? path : null);
  return {
    style: driver.style,
    lanes: depth,
    start: (number, lane, done) => file.read(bufferOf(buffers, lane), placeOf(number) * size, done),
    check(_number, lane, result) {
      requireCount(driver.countOf(result), size);
      return sumOfBytes(bufferOf(buffers, lane));
    },
    finish: () => file.close(),
  };
}

/** One buffer a lane; those for O_DIRECT begin where the device takes them, on a page if can be. */
function makeBuffers(
  { allocate }: StorageDriver,
  { size, depth }: Parameters,
  directPath: string | null,
): Buffer[] {
  const bytes = depth * size + PAGE;
  const memory = allocate?.(bytes) ?? Buffer.from(new ArrayBuffer(bytes));
  const isFree = directPath === null || allocate !== undefined;
  const offset = isFree ? 0 : findAlignment(memory, directPath);
  return Array.from({ length: depth }, (_, lane) =>
    memory.subarray(offset + lane * size, offset + (lane + 1) * size),
  );
}

/**
 * JavaScript cannot see addresses, so it asks the kernel. Large blocks begin 16 bytes behind a page
 * with glibc's allocator, and on a page with others.
 */
function findAlignment(memory: Buffer, path: string): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECT);
  try {
    for (let offset = PAGE - 16; offset >= 0; offset -= 16) {
      try {
        readSync(fd, memory, offset % PAGE, PAGE, 0);
        return offset % PAGE;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
      }
    }
  } finally {
    closeSync(fd);
  }
  throw new Error('Found no memory that O_DIRECT takes');
}

function bufferOf(buffers: readonly Buffer[], lane: number): Buffer {
  const buffer = buffers[lane];
  if (buffer === undefined) throw new RangeError(`There is no lane ${lane}`);
  return buffer;
}

function requireCount(count: number, size: number): void {
  if (count !== size) throw new Error(`${count} bytes instead of ${size}`);
}
