/**
 * The hello-world on node:http, fed with connections of `onering/net`.
 */

import { createServer } from 'node:http';
import { HELLO } from '../hello.ts';
import type { NetModule } from '../net-servers.ts';
import { ServerProcess } from '../server-process.ts';
import { loadDropIn } from './drop-in.ts';

const run = new ServerProcess();
const net = await loadDropIn<NetModule>('net');

const http = createServer((_request, response) => {
  run.operations += 1;
  response.setHeader('Content-Type', 'text/plain');
  response.end(HELLO);
});
const server = net.createServer((socket) => void http.emit('connection', socket));

server.listen(0, '127.0.0.1', 4096, () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Expected a TCP address');
  run.ready(address.port);
});
