/**
 * Cutting or extending an open file by Node's thread pool: for kernels that have no opcode for it.
 */

import { ftruncate } from 'node:fs';
import { promisify } from 'node:util';

/** Gives an open file another size. Rejects with Node's error. */
export const truncateOnNode: (fd: number, size: number) => Promise<void> = promisify(ftruncate);
