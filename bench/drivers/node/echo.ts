/**
 * TCP echo server on node:net, written as its users write it; the baseline of the comparison.
 *
 * Respects backpressure, because a server that does not is not the same server. Everything is
 * Node's default but TCP_NODELAY, which all contenders set.
 */

import net from 'node:net';
import { serveEcho } from '../net-servers.ts';

serveEcho(net);
