/**
 * Storage by `node:fs/promises`, as most programs have it; Bun and Deno run it too.
 */

import fs from 'node:fs/promises';
import { promiseDriver } from './promise-driver.ts';
import type { StorageDriver } from './storage-driver.ts';

export const driver: StorageDriver = promiseDriver(fs);
