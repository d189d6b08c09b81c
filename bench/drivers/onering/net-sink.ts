/**
 * A server that takes what comes, on `onering/net`: the same code as on `node:net`.
 */

import { serveSink } from '../net-servers.ts';
import type { NetModule } from '../net-servers.ts';
import { loadDropIn } from './drop-in.ts';

serveSink(await loadDropIn<NetModule>('net'));
