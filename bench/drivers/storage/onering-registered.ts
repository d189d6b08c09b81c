/**
 * Storage by `File` with memory of `runtime.allocate`, which the kernel has pinned once for all.
 */

import { runtime } from 'onering';
import { driver as fileDriver } from './onering-file.ts';
import type { StorageDriver } from './storage-driver.ts';

export const driver: StorageDriver = {
  ...fileDriver,
  allocate: (size) => runtime().allocate(size),
};
