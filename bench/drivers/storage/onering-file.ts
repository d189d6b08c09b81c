/**
 * Storage by `File`, the class of onering's own interface.
 *
 * Whole files and `stat` are what a program writes with it: open, the operation, close.
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
  async readFile(path) {
    const file = await File.open(path);
    const { size } = await file.stat();
    const bytes = Buffer.allocUnsafeSlow(size);
    let count = 0;
    while (count < size) {
      const more = await file.read(bytes, { offset: count, position: count });
      if (more === 0) break;
      count += more;
    }
    await file.close();
    return bytes.subarray(0, count);
  },
  async writeFile(path, bytes) {
    const file = await File.open(path, 'w');
    const count = await file.write(bytes, { position: 0 });
    await file.close();
    if (count !== bytes.length) throw new Error(`Wrote ${count} of ${bytes.length} bytes`);
  },
  async stat(path) {
    const file = await File.open(path);
    const stats = await file.stat();
    await file.close();
    return stats;
  },
  sizeOf: (result) => (result as { size: number }).size,
};
