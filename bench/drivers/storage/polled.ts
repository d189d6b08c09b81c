/**
 * Reads that wait for the device by polling it: a driver for each way, for files of O_DIRECT.
 *
 * A device without poll queues refuses, and the reads run on interrupts after all: then this driver
 * fails, so that nobody takes one for the other.
 */

import { File } from 'onering';
import { driver as fileDriver } from './onering-file.ts';
import type { StorageDriver } from './storage-driver.ts';

export function polledDriver(poll: 'hybrid' | 'busy'): StorageDriver {
  return {
    ...fileDriver,
    async open(path) {
      const file = await File.open(path, { direct: true, poll });
      return {
        read: (buffer, position) => file.read(buffer, { position }),
        write: (buffer, position) => file.write(buffer, { position }),
        log: () => Promise.reject(new Error('A polled file has no log')),
        async close() {
          const isPolling = file.polling === poll;
          await file.close();
          if (!isPolling) throw new Error('The device has no poll queues');
        },
      };
    },
  };
}
