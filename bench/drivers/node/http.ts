/**
 * A hello-world on node:http, nothing but defaults.
 */

import { createServer } from 'node:http';
import { HELLO } from '../hello.ts';
import { ServerProcess } from '../server-process.ts';

const run = new ServerProcess();

const server = createServer((_request, response) => {
  run.operations += 1;
  response.setHeader('Content-Type', 'text/plain');
  response.end(HELLO);
});

server.listen(0, '127.0.0.1', 4096, () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Expected a TCP address');
  run.ready(address.port);
});
