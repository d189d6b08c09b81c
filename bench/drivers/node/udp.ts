/**
 * UDP echo server on node:dgram.
 */

import { createSocket } from 'node:dgram';
import { ServerProcess } from '../server-process.ts';

const run = new ServerProcess();
const socket = createSocket('udp4');

socket.on('message', (message, { port, address }) => {
  run.operations += 1;
  socket.send(message, port, address);
});
socket.bind(0, '127.0.0.1', () => run.ready(socket.address().port));
