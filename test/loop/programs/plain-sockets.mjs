/**
 * Opens, uses and closes connections between two plain `node:net` sockets of this process, first
 * without a ring, then beside one that sleeps, then without one again. Reports the median
 * milliseconds of each round.
 */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { runtime } from 'onering';
import { report, startLoad } from './load.mjs';

const CONNECTIONS = 60;

const server = createServer((socket) => socket.pipe(socket));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();

await measure();
const before = await measure();
const stop = await startLoad(process.argv[2]);
const beside = await measure();
await stop();
await runtime().close();
const after = await measure();
server.close();
report({ before, beside, after });

async function measure() {
  const took = [];
  for (let n = 0; n < CONNECTIONS; n += 1) {
    const startMs = performance.now();
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('x');
    await once(socket, 'data');
    socket.end();
    await once(socket, 'close');
    took.push(performance.now() - startMs);
  }
  return took.toSorted((a, b) => a - b)[took.length >> 1];
}
