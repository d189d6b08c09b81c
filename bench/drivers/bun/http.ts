/**
 * A hello-world on Bun.serve.
 */

import { HELLO } from '../hello.ts';
import { ServerProcess } from '../server-process.ts';
import { bun } from './bun.ts';

const run = new ServerProcess();

const server = bun().serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch() {
    run.operations += 1;
    return new Response(HELLO, { headers: { 'Content-Type': 'text/plain' } });
  },
});
run.ready(server.port);
