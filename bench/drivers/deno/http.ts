/**
 * A hello-world on Deno.serve. Its types are not installed here, so what is used stands below.
 */

import { HELLO } from '../hello.ts';
import { ServerProcess } from '../server-process.ts';

interface Deno {
  serve(
    options: { hostname: string; port: number; onListen(address: { port: number }): void },
    handler: () => Response,
  ): unknown;
}

const run = new ServerProcess();
const { Deno: deno } = globalThis as unknown as { readonly Deno?: Deno };
if (deno === undefined) throw new Error('This driver runs under Deno');

deno.serve({ hostname: '127.0.0.1', port: 0, onListen: ({ port }) => run.ready(port) }, () => {
  run.operations += 1;
  return new Response(HELLO, { headers: { 'Content-Type': 'text/plain' } });
});
