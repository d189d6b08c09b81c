/**
 * TCP echo server on Bun.listen, which leaves what a socket did not take to the program.
 */

import { ServerProcess } from '../server-process.ts';
import { bun } from './bun.ts';
import type { BunSocket } from './bun.ts';

const run = new ServerProcess();

const listener = bun().listen({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    open(socket) {
      socket.data = { queued: [] };
    },
    data(socket, chunk) {
      run.operations += 1;
      socket.data.queued.push(chunk);
      flush(socket);
    },
    drain: flush,
    error(_socket, error) {
      process.stderr.write(`${error.message}\n`);
    },
  },
});
run.ready(listener.port);

function flush(socket: BunSocket): void {
  const { queued } = socket.data;
  for (let first = queued[0]; first !== undefined; first = queued[0]) {
    const count = socket.write(first);
    if (count < first.length) {
      // Bun lends its memory: what is kept must be copied.
      queued[0] = first.slice(Math.max(0, count));
      for (let index = 1; index < queued.length; index += 1) {
        queued[index] = queued[index]?.slice() ?? first;
      }
      return;
    }
    queued.shift();
  }
}
