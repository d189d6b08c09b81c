/**
 * TCP echo server on onering/net: the program of the node:net driver, with another import.
 */

import { createServer } from 'onering/net';
import { EchoProcess } from '../echo-process.ts';

const echo = new EchoProcess('echo-onering-net');

const server = createServer({ noDelay: true }, (socket) => {
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
