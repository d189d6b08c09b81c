/**
 * A TCP proxy: whatever arrives on one side goes to the other inside the kernel, by splice(2) on
 * the ring. The end of one direction leaves the other open.
 *
 *   node dist/examples/tcp-proxy.js --port 8080 --host 127.0.0.1 --to 80
 */

import { TcpListener, TcpStream } from 'onering';
import { readArguments } from './arguments.ts';

const { port, host, to } = readArguments({ port: '8080', host: '127.0.0.1', to: '80' });

async function proxy(client: TcpStream): Promise<void> {
  try {
    const server = await TcpStream.connect({ hostname: host, port: Number(to) });
    // Either failure destroys both, and so ends the other one.
    await Promise.all([client.splice(server), server.splice(client)]);
    await Promise.all([client.close(), server.close()]);
  } catch {
    // The target refused, or one of the two has vanished: the client sees its connection end.
    await client.destroy();
  }
}

const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: Number(port) });
console.log(`listening on ${listener.address().port}`);
for await (const client of listener) void proxy(client);
