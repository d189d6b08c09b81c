/**
 * The log by `File.append` with group commit: writers that arrive while a sync runs share the next.
 *
 * Only the log differs from `onering-file`: records follow each other in the order of the calls.
 */

import { File } from 'onering';
import { driver as fileDriver } from './onering-file.ts';
import type { StorageDriver } from './storage-driver.ts';

export const driver: StorageDriver = {
  ...fileDriver,
  async open(path, flags) {
    const file = await File.open(path, flags);
    return {
      read: (buffer, position) => file.read(buffer, { position }),
      write: (buffer, position) => file.write(buffer, { position }),
      log: async (buffer) => {
        await file.append(buffer, { sync: 'data' });
        return buffer.length;
      },
      close: () => file.close(),
    };
  },
};
