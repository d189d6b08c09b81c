/**
 * Storage by a module with the interface of `node:fs/promises`: Node's own, or a drop-in for it.
 */

import type fs from 'node:fs/promises';
import type { StorageDriver, StorageFile } from './storage-driver.ts';

/** The functions that are used of it. */
export type PromisesModule = Pick<typeof fs, 'open' | 'readFile' | 'writeFile' | 'stat'>;

export function promiseDriver(module: PromisesModule): StorageDriver {
  return {
    style: 'promise',
    open: async (path, flags) => openFile(await module.open(path, flags)),
    countOf: (result) => {
      const { bytesRead, bytesWritten } = result as { bytesRead?: number; bytesWritten?: number };
      return bytesRead ?? bytesWritten ?? 0;
    },
    readFile: (path) => module.readFile(path),
    writeFile: (path, bytes) => module.writeFile(path, bytes),
    stat: (path) => module.stat(path),
    sizeOf: (result) => (result as { size: number }).size,
  };
}

function openFile(handle: fs.FileHandle): StorageFile {
  return {
    read: (buffer, position) => handle.read(buffer, 0, buffer.length, position),
    write: (buffer, position) => handle.write(buffer, 0, buffer.length, position),
    log: async (buffer, position) => {
      const result = await handle.write(buffer, 0, buffer.length, position);
      await handle.datasync();
      return result;
    },
    close: () => handle.close(),
  };
}
