/**
 * TCP echo server on node:net, written as its users write it; the baseline of the comparison.
 *
 * Respects backpressure, because a server that does not is not the same server. Everything is
 * Node's default but TCP_NODELAY, which all contenders set.
 */

import net from 'node:net';
import { EchoProcess } from '../echo-process.ts';

const echo = new EchoProcess('echo-node');

const server = net.createServer({ noDelay: true }, (socket) => {
  socket.on('data', (chunk) => {
    echo.operations += 1;
    if (!socket.write(chunk)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
  });
});

server.listen(0, '127.0.0.1', 4096, () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Expected a TCP address');
  echo.ready(address.port);
});
