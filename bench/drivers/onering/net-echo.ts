/**
 * TCP echo server, on `onering/net`: the same code as on `node:net`.
 */

import { serveEcho } from '../net-servers.ts';
import type { NetModule } from '../net-servers.ts';
import { loadDropIn } from './drop-in.ts';

serveEcho(await loadDropIn<NetModule>('net'));
