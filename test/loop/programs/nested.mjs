/**
 * What of Node's calls back inside of a callback of ours: after an await of the ring, in a timer of
 * ours, and in a listener of a socket. Reports the order of events, and rejections that nobody
 * handled in time.
 */

import { open } from 'node:fs/promises';
import { TcpListener, TcpStream, runtime } from 'onering';
import { setTimeout as sleep } from 'onering/timers/promises';
import { report } from './load.mjs';

const hostname = '127.0.0.1';
const unhandled = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason.message));
const handle = await open('/dev/null');

/** An empty vector is refused on the spot: Node calls back before `readv` returns. */
function nest(seen) {
  process.nextTick(() => seen.push('tick'));
  const failing = handle.readv([]);
  seen.push('end');
  return failing.catch(() => seen.push('rejection'));
}

const afterAwait = [];
await runtime().nop();
await nest(afterAwait);

const afterTimer = [];
await sleep(1.5);
await nest(afterTimer);

const inListener = [];
const listener = await TcpListener.listen({
  hostname,
  port: 0,
  socket: {
    data(socket) {
      void nest(inListener).then(() => socket.end());
      inListener.push('listener');
    },
  },
});
const client = await TcpStream.connect({ hostname, port: listener.address().port });
await client.write('x');
while ((await client.read()) !== null);
await client.close();
await listener.close();
await handle.close();
await sleep(1);
report({ afterAwait, afterTimer, inListener, unhandled });
