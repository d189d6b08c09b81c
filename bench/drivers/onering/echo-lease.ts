/**
 * TCP echo server in the promise style that sends what arrived from where the kernel put it.
 */

import { TcpListener } from 'onering';
import type { TcpStream } from 'onering';
import { ServerProcess } from '../server-process.ts';
import { prepareRuntime } from './prepare.ts';

const run = new ServerProcess();
prepareRuntime(run.runtimeOptions);

const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
run.ready(listener.address().port);

for await (const stream of listener) {
  serve(stream).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
  });
}

async function serve(stream: TcpStream): Promise<void> {
  for (;;) {
    const lease = await stream.lease();
    if (lease === null) break;
    run.operations += 1;
    try {
      await stream.write(lease.bytes);
    } finally {
      lease.release();
    }
  }
  await stream.close();
}
