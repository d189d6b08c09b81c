/**
 * A server on node:net that takes what comes and says in the end how much it was.
 */

import net from 'node:net';
import { serveSink } from '../net-servers.ts';

serveSink(net);
