/**
 * The same hello-world on node:http, over sockets of the ring.
 */

import { createServer } from 'node:http';
import { TcpListener, toDuplex } from 'onering';
import { HELLO } from '../hello.ts';
import { ServerProcess } from '../server-process.ts';
import { prepareRuntime } from './prepare.ts';

const run = new ServerProcess();
prepareRuntime(run.runtimeOptions);

const server = createServer((_request, response) => {
  run.operations += 1;
  response.setHeader('Content-Type', 'text/plain');
  response.end(HELLO);
});
const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
run.ready(listener.address().port);

for await (const stream of listener) server.emit('connection', toDuplex(stream));
