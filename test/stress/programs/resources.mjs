/**
 * What must be the same before and after everything in `everything.mjs`: descriptors, mappings,
 * registered slots, leases, memory, and the provided buffers of streams, which are counted by
 * using them.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { RECEIVE_BUFFERS, RECEIVE_BUFFER_SIZE, isOnRing, ring } from './stage.mjs';
import { UnixListener, UnixStream } from 'onering';
import { setImmediate as nextTurn, setTimeout as sleep } from 'onering/timers/promises';

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

/**
 * Whether one provided buffer is missing: filling all of them, or all but one where the kernel
 * looks for another before it sees that nothing more has come.
 */
async function whole() {
  if (!isOnRing) return {};
  const path = `\0onering-resources-${process.pid}`;
  const listener = await UnixListener.listen({ path });
  const client = await UnixStream.connect({ path });
  const server = await listener.accept();
  const shortOfStreams = [];
  for (const spare of [0, 1]) {
    const size = (RECEIVE_BUFFERS - spare) * RECEIVE_BUFFER_SIZE;
    await client.write(Buffer.alloc(size));
    const reading = async () => {
      for (let left = size; left > 0;) left -= (await server.read()).length;
    };
    shortOfStreams.push(await isShort(reading));
  }
  await Promise.all([client.close(), server.close(), listener.close()]);
  return { shortOfStreams };
}

async function isShort(run) {
  const before = ring.metrics().buffersExhausted;
  await run();
  return ring.metrics().buffersExhausted > before;
}
