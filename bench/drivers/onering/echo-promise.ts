/**
 * TCP echo server in the promise style: one async function per connection, nothing else.
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
    const chunk = await stream.read();
    if (chunk === null) break;
    run.operations += 1;
    await stream.write(chunk);
  }
  await stream.close();
}
