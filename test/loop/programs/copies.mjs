/**
 * Two copies of the package in one thread: the URL of the second is the first argument. Both work
 * at once, sockets of one talk to sockets of the other, and the program ends by itself.
 */

import { strictEqual, notStrictEqual } from 'node:assert/strict';
import { runtime } from 'onering';
import { report } from './load.mjs';

const ROUNDS = 100;
const other = await import(process.argv[2]);
notStrictEqual(other.runtime, runtime);
const rings = [runtime(), other.runtime()];

const { listener, client } = await openPair(other);
let rounds = 0;
for (; rounds < ROUNDS; rounds += 1) {
  await Promise.all([...rings.map((ring) => ring.nop()), client.write('x')]);
  strictEqual(String(await client.read()), 'x');
}
await new Promise((resolve) => setTimeout(resolve, 5));
await client.close();
await listener.close();
report({ rounds, backends: rings.map(({ backend }) => backend) });

async function openPair({ TcpListener, TcpStream }) {
  const { TcpListener: OwnListener } = await import('onering');
  notStrictEqual(OwnListener, TcpListener);
  const made = await OwnListener.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: { data: (socket, chunk) => void socket.write(chunk) },
  });
  const { port } = made.address();
  return { listener: made, client: await TcpStream.connect({ hostname: '127.0.0.1', port }) };
}
