/**
 * Storage by `File`, the class of onering's own interface.
 *
 * `stat` is what a program writes with it: open, the operation, close.
 */

import { File } from 'onering';
import { prepareRuntime } from '../onering/prepare.ts';
import type { StorageDriver } from './storage-driver.ts';

prepareRuntime();

export const driver: StorageDriver = {
  style: 'promise',
  async open(path, flags) {
    const file = await File.open(path, flags);
    return {
      read: (buffer, position) => file.read(buffer, { position }),
      write: (buffer, position) => file.write(buffer, { position }),
      log: async (buffer, position) => {
        const count = await file.write(buffer, { position });
        await file.datasync();
        return count;
      },
      close: () => file.close(),
    };
  },
  countOf: (result) => result as number,
  readFile: (path) => File.readWhole(path),
  writeFile: (path, bytes) => File.writeWhole(path, bytes),
  async stat(path) {
    const file = await File.open(path);
    const stats = await file.stat();
    await file.close();
    return stats;
  },
  sizeOf: (result) => (result as { size: number }).size,
};
