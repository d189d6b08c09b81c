/**
 * TCP echo server in the callback style, the one for the hottest servers.
 *
 * `write` gathers what the socket does not take at once, so one message in flight needs no `drain`.
 */

import { TcpListener } from 'onering';
import { ServerProcess } from '../server-process.ts';
import { prepareRuntime } from './prepare.ts';

const run = new ServerProcess();
prepareRuntime(run.runtimeOptions);

const listener = await TcpListener.listen({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    open() {},
    data(socket, chunk) {
      run.operations += 1;
      socket.write(chunk);
    },
    drain() {},
    close() {},
    error(_socket, error) {
      process.stderr.write(`${error.message}\n`);
    },
  },
});
run.ready(listener.address().port);
