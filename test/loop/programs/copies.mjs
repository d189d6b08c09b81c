/**
 * Two copies of the package in one thread, each with a ring: the URL of the second is the first
 * argument. Both work at once, Node's timers are on time, and the program ends by itself.
 */

import { strictEqual, notStrictEqual } from 'node:assert/strict';
import { runtime } from 'onering';
import { report } from './load.mjs';

const ROUNDS = 100;
const other = await import(process.argv[2]);
notStrictEqual(other.runtime, runtime);
const rings = [runtime(), other.runtime()];
strictEqual(rings[0].backend, rings[1].backend);

const { listener, client } = await openPair(other);
let rounds = 0;
for (; rounds < ROUNDS; rounds += 1) {
  await Promise.all([...rings.map((ring) => ring.nop()), client.write('x')]);
  strictEqual(String(await client.read()), 'x');
}
await new Promise((resolve) => setTimeout(resolve, 5));
await client.close();
await listener.close();
report({ rounds });

async function openPair({ TcpListener, TcpStream }) {
  const { TcpListener: OwnListener } = await import('onering');
  notStrictEqual(OwnListener, TcpListener);
  const listener = await OwnListener.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: { data: (socket, chunk) => void socket.write(chunk) },
  });
  const { port } = listener.address();
  return { listener, client: await TcpStream.connect({ hostname: '127.0.0.1', port }) };
}
