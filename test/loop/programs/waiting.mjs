/**
 * Sends itself the signal that the first argument names, by way of a child, while the ring sleeps.
 * There is no handler: it dies of it.
 */

import { spawn } from 'node:child_process';
import { startLoad } from './load.mjs';

await startLoad('idle');
spawn('kill', [`-${process.argv[2].slice('SIG'.length)}`, String(process.pid)]);
