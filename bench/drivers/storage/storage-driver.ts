/**
 * What a driver of the storage scenarios can do, in one style: by promise or by callback.
 *
 * In callback style `done` is called and nothing returned; in promise style it is the other way
 * round. A driver adds no more between the workload and what it stands for than a call.
 */

import type { Done, Started, Style } from '../../workloads/workload.ts';

/** An open file. */
export interface StorageFile {
  /** Reads into the whole buffer; `countOf` makes bytes of the result. */
  read(buffer: Uint8Array, position: number, done: Done): Started;
  write(buffer: Uint8Array, position: number, done: Done): Started;
  /** Writes, then waits until the data is on the disk. */
  log(buffer: Uint8Array, position: number, done: Done): Started;
  close(): Promise<void>;
}

export interface StorageDriver {
  readonly style: Style;
  open(path: string, flags: number): Promise<StorageFile>;
  /** Memory for reads and writes, where the driver has its own; it begins on a page. */
  readonly allocate?: (size: number) => Buffer;
  /** Bytes that a read or write has moved. */
  countOf(result: unknown): number;
  /** Reads a whole file into memory that nobody else has. */
  readFile(path: string, done: Done): Started;
  writeFile(path: string, bytes: Uint8Array, done: Done): Started;
  stat(path: string, done: Done): Started;
  /** Bytes of a file, as `stat` has reported it. */
  sizeOf(result: unknown): number;
}

/** What a module in drivers/storage exports; null where the driver does not exist. */
export interface StorageModule {
  readonly driver: StorageDriver;
}
