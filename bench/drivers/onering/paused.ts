/**
 * A server whose sockets are paused for good, in the callback style.
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
    open: (socket) => socket.pause(),
    data: () => process.stderr.write('A paused socket has read\n'),
    error(_socket, error) {
      process.stderr.write(`${error.message}\n`);
    },
  },
});
run.ready(listener.address().port);
