/**
 * UDP echo server in the callback style.
 */

import { UdpSocket } from 'onering';
import { ServerProcess } from '../server-process.ts';
import { prepareRuntime } from './prepare.ts';

const run = new ServerProcess();
prepareRuntime(run.runtimeOptions);

const socket = await UdpSocket.bind({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    message(self, data, sender) {
      run.operations += 1;
      self.post(data, sender);
    },
    error(_self, error) {
      process.stderr.write(`${error.message}\n`);
    },
  },
});
run.ready(socket.address().port);
