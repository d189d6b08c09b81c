/**
 * What must be the same before and after everything in `everything.mjs`: descriptors, mappings,
 * registered slots, leases, memory, and provided buffers, which are counted by using them.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { RECEIVE_BUFFERS, RECEIVE_BUFFER_SIZE, isOnRing, ring } from './stage.mjs';
import { UdpSocket, UnixListener, UnixStream } from 'onering';
import { setImmediate as nextTurn, setTimeout as sleep } from 'onering/timers/promises';

/** As many as the runtime has for datagrams; a receive that finds nothing needs one, too. */
const MESSAGE_BUFFERS = 64;

/** The kernel, Node and V8's finalizers let go a little later. */
export async function resources() {
  const buffers = await whole();
  let last = '';
  for (let turns = 0; turns < 200; turns += 1) {
    globalThis.gc();
    await nextTurn();
    await sleep(1);
    const now = JSON.stringify(look());
    if (now === last && turns > 3 && ring.metrics().inFlight === 0) break;
    last = now;
  }
  return { ...look(), ...buffers };
}

/** The same at this moment. */
export function look() {
  const maps = readFileSync('/proc/self/maps', 'utf8').trimEnd().split('\n');
  const pinned = /^VmPin:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    segments: maps.filter((line) => line.includes('SYSV')).length,
    rings: maps.filter((line) => line.includes('io_uring')).length,
    buffers: isOnRing ? ring.buffers.used : 0,
    files: isOnRing ? ring.files.used : 0,
    resources: ring.resources.size,
    leased: ring.metrics().leased,
    pinnedKiB: Number(pinned?.[1] ?? 0),
    maps: maps.length,
    rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
  };
}

/** Whether as much as all provided buffers hold is received without one missing. */
async function whole() {
  if (!isOnRing) return {};
  const path = `\0onering-resources-${process.pid}`;
  const listener = await UnixListener.listen({ path });
  const client = await UnixStream.connect({ path });
  const server = await listener.accept();
  // The last buffer is for the receive that finds nothing.
  const size = (RECEIVE_BUFFERS - 1) * RECEIVE_BUFFER_SIZE;
  await client.write(Buffer.alloc(size));
  const streamsShort = await shortages(async () => {
    for (let left = size; left > 0;) left -= (await server.read()).length;
  });
  await Promise.all([client.close(), server.close(), listener.close()]);
  const socket = await UdpSocket.bind({ hostname: '127.0.0.1' });
  const datagramsShort = await shortages(async () => {
    for (let n = 1; n < MESSAGE_BUFFERS; n += 1) socket.post('x', socket.address());
    for (let n = 1; n < MESSAGE_BUFFERS; n += 1) await socket.receive();
  });
  await socket.close();
  return { streamsShort, datagramsShort };
}

async function shortages(run) {
  const before = ring.metrics().buffersExhausted;
  await run();
  return ring.metrics().buffersExhausted - before;
}
