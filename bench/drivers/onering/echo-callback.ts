/**
 * TCP echo server in the callback style, the one for the hottest servers.
 *
 * `write` gathers what the socket does not take at once, so one message in flight needs no `drain`.
 */

import { TcpListener } from 'onering';
import { EchoProcess } from '../echo-process.ts';
import { prepareRuntime } from './prepare.ts';

const echo = new EchoProcess('echo-onering-callback');
prepareRuntime(echo.busyWaitMicros);

const listener = await TcpListener.listen({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    open() {},
    data(socket, chunk) {
      echo.operations += 1;
      socket.write(chunk);
    },
    drain() {},
    close() {},
    error(_socket, error) {
      process.stderr.write(`${error.message}\n`);
    },
  },
});
echo.ready(listener.address().port);
