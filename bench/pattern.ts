/**
 * What stands in the files of the storage scenarios, and what a run must therefore have seen.
 *
 * Every page has a word of its own at both ends, derived from its number by a hash; so has every
 * record that is written, derived from the number of the operation. An operation that was dropped,
 * done twice or done by half leaves other words behind, and the sum differs. bench/c/storage.c has
 * the same functions. Imports nothing of the harness: it runs under Bun and Deno too.
 */

import { closeSync, fstatSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export const PAGE = 4096;
const SMALL_SIZE_MIN = 1024;
const SMALL_SIZE_SPAN = 7168;
/** Pages written at once while a file is made. */
const PAGES_PER_WRITE = 256;

/** The final mix of MurmurHash3: every bit of the result depends on every bit of the word. */
export function mix(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** The word with this number. */
function wordOf(number: number): number {
  return mix((number + 0x9e3779b9) >>> 0);
}

/** What an operation adds to the checksum: the words at both ends of what it saw. */
export function sumOfEnds(first: number, last: number): number {
  return (first + Math.imul(3, last)) >>> 0;
}

/** The same, read from bytes. */
export function sumOfBytes(bytes: Uint8Array): number {
  return sumOfEnds(readWord(bytes, 0), readWord(bytes, bytes.length - 4));
}

/** The sum that record or file version `number` must give. */
export function sumOfRecord(number: number): number {
  return sumOfEnds(wordOf(2 * number), wordOf(2 * number + 1));
}

/** The sum of `pages` pages from page `first` on. */
export function sumOfPages(first: number, pages: number): number {
  return sumOfEnds(wordOf(2 * first), wordOf(2 * (first + pages - 1) + 1));
}

/** Puts the words of record `number` at both ends. */
export function stampRecord(bytes: Uint8Array, number: number): void {
  writeWord(bytes, 0, wordOf(2 * number));
  writeWord(bytes, bytes.length - 4, wordOf(2 * number + 1));
}

/** Bytes of the small file with this number. */
export function smallSize(number: number): number {
  return SMALL_SIZE_MIN + (wordOf(number) % SMALL_SIZE_SPAN);
}

/** Makes a file of pages. One that has the right size is taken as it is. */
export function makePagesFile(path: string, pages: number): void {
  const fd = openSync(path, 'a+');
  try {
    if (fstatSync(fd).size === pages * PAGE) return;
  } finally {
    closeSync(fd);
  }
  const target = openSync(path, 'w');
  try {
    const chunk = new Uint8Array(PAGES_PER_WRITE * PAGE).map((_, index) => mix(index) & 255);
    for (let page = 0; page < pages; page += PAGES_PER_WRITE) {
      const count = Math.min(PAGES_PER_WRITE, pages - page);
      for (let index = 0; index < count; index += 1) {
        stampRecord(chunk.subarray(index * PAGE, (index + 1) * PAGE), page + index);
      }
      writeSync(target, chunk, 0, count * PAGE);
    }
  } finally {
    closeSync(target);
  }
}

/** Makes the small files 0 .. count-1 of a folder, each with the words of its own number. */
export function makeSmallFiles(folder: string, count: number): void {
  mkdirSync(folder, { recursive: true });
  for (let number = 0; number < count; number += 1) {
    const bytes = new Uint8Array(smallSize(number)).fill(number & 255);
    stampRecord(bytes, number);
    writeFileSync(join(folder, String(number)), bytes);
  }
}

/** Reads a word, little endian. */
export function readWord(bytes: Uint8Array, offset: number): number {
  const at = (index: number): number => bytes[offset + index] ?? 0;
  return (at(0) | (at(1) << 8) | (at(2) << 16) | (at(3) << 24)) >>> 0;
}

function writeWord(bytes: Uint8Array, offset: number, word: number): void {
  bytes[offset] = word & 255;
  bytes[offset + 1] = (word >>> 8) & 255;
  bytes[offset + 2] = (word >>> 16) & 255;
  bytes[offset + 3] = word >>> 24;
}
