/**
 * A server whose sockets are paused for good, on `onering/net`: the same code as on `node:net`.
 */

import { servePaused } from '../net-servers.ts';
import type { NetModule } from '../net-servers.ts';
import { loadDropIn } from './drop-in.ts';

servePaused(await loadDropIn<NetModule>('net'));
