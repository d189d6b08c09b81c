/**
 * Storage by `onering/fs/promises`, the drop-in: the same code as for `node:fs/promises`.
 */

import { loadDropIn } from '../onering/drop-in.ts';
import { promiseDriver } from './promise-driver.ts';
import type { PromisesModule } from './promise-driver.ts';
import type { StorageDriver } from './storage-driver.ts';

export const driver: StorageDriver = promiseDriver(await loadDropIn<PromisesModule>('fs/promises'));
