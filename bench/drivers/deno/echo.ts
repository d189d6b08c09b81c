/**
 * TCP echo server on Deno.listen, as its manual writes it: one async function per connection.
 */

import { ServerProcess } from '../server-process.ts';

interface DenoConnection {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  setNoDelay(noDelay: boolean): void;
}

interface Deno {
  listen(options: { hostname: string; port: number }): AsyncIterable<DenoConnection> & {
    readonly addr: { readonly port: number };
  };
}

const run = new ServerProcess();
const { Deno: deno } = globalThis as unknown as { readonly Deno?: Deno };
if (deno === undefined) throw new Error('This driver runs under Deno');

const listener = deno.listen({ hostname: '127.0.0.1', port: 0 });
run.ready(listener.addr.port);

for await (const connection of listener) {
  connection.setNoDelay(true);
  serve(connection).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
  });
}

async function serve(connection: DenoConnection): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return;
    run.operations += 1;
    for (let sent = 0; sent < count;) {
      sent += await connection.write(buffer.subarray(sent, count));
    }
  }
}
