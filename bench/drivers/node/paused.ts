/**
 * A server on node:net whose sockets are paused for good.
 */

import net from 'node:net';
import { servePaused } from '../net-servers.ts';

servePaused(net);
