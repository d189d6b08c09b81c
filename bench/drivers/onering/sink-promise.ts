/**
 * A server that takes what comes and says in the end how much it was, in the promise style.
 */

import { TcpListener } from 'onering';
import type { TcpStream } from 'onering';
import { ServerProcess, totalsOf, wrongEnds } from '../server-process.ts';
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
  let bytes = 0;
  let wrong = 0;
  for (;;) {
    const chunk = await stream.read();
    if (chunk === null) break;
    run.operations += 1;
    wrong += wrongEnds(chunk, bytes);
    bytes += chunk.length;
  }
  await stream.write(totalsOf(bytes, wrong));
  await stream.close();
}
