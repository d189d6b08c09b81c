/**
 * Unix sockets on Node's own `net`, for when there is no ring.
 */

import { createServer } from 'node:net';
import type { Runtime } from '../../runtime/index.ts';
import { NodeAcceptor } from '../tcp/node-acceptor.ts';
import { connectTo } from '../tcp/node-connection.ts';
import type { NodeConnection } from '../tcp/node-connection.ts';
import type { UnixName } from './unix-path.ts';

/** Connects as `net.connect` does. */
export function connectUnixOnNode(
  runtime: Runtime,
  name: UnixName,
  signal: AbortSignal | undefined,
): Promise<NodeConnection> {
  return connectTo(runtime, { path: name.text, allowHalfOpen: true }, signal);
}

/** Listens as `server.listen` does. */
export function openNodeUnixAcceptor(
  runtime: Runtime,
  name: UnixName,
  backlog: number,
): Promise<NodeAcceptor> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    server.once('error', reject);
    server.listen({ path: name.text, backlog }, () => {
      server.off('error', reject);
      resolve(new NodeAcceptor(runtime, server));
    });
  });
}
