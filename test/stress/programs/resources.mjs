/**
 * What must be the same before and after everything in `everything.mjs`: descriptors, mappings,
 * registered slots, leases, memory, and provided buffers.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { isOnRing, problems, ring } from './stage.mjs';
import { setImmediate as nextTurn, setTimeout as sleep } from 'onering/timers/promises';

/** The kernel, Node and V8's finalizers let go a little later. */
export async function resources() {
  let last = '';
  for (let turns = 0; turns < 200; turns += 1) {
    globalThis.gc();
    await nextTurn();
    await sleep(1);
    const now = JSON.stringify(look());
    if (now === last && turns > 3 && ring.metrics().inFlight === 0) break;
    last = now;
  }
  return { ...look(), ...providedBuffers() };
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
 * The provided buffers that the kernel has, as it counts them itself: one that was not given back
 * is missing, and one that was given back twice is one too many. `-EINVAL` before Linux 6.8.
 */
function providedBuffers() {
  if (!isOnRing) return {};
  const { receiveBuffers, chunkBuffers, bulkBuffers, messageBuffers } = ring.engine;
  const provided = {
    leases: receiveBuffers.countReady() + receiveBuffers.lent,
    chunks: chunkBuffers.countReady(),
    bulk: bulkBuffers.countReady(),
    datagrams: messageBuffers.countReady(),
  };
  const all = {
    leases: receiveBuffers.count,
    chunks: chunkBuffers.made,
    bulk: bulkBuffers.made,
    datagrams: messageBuffers.count,
  };
  for (const [kind, count] of Object.entries(all)) {
    if (provided[kind] < 0 || provided[kind] === count) continue;
    problems.push(`${provided[kind]} of ${count} buffers for ${kind} are provided`);
  }
  return { provided };
}
