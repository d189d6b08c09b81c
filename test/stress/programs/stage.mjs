/**
 * What all activities of `everything.mjs` share: the runtime, a folder, what went wrong, and random
 * numbers. The runtime is opened here, before anything else asks for one, so import this first.
 *
 * The ring is too small on purpose, and resizes all the time.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Runtime } from 'onering';
import { setTimeout as sleep } from 'onering/timers/promises';

export const folder = mkdtempSync(join(tmpdir(), 'onering-everything-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

export const ring = new Runtime({
  entries: 16,
  completionEntries: 16,
  completionEntriesMax: 256,
  resize: { pressedBatches: 1, quietMs: 3 },
  receiveBuffers: 8,
  receiveBufferSize: 1024,
});
export const isOnRing = ring.backend === 'uring';

export const problems = [];
export const counts = {};

export function expect(isRight, what) {
  if (!isRight) throw new Error(what);
}

export function count(name) {
  counts[name] = (counts[name] ?? 0) + 1;
}

export function abortSoon(random) {
  const controller = new AbortController();
  const abort = () => controller.abort(new Error('enough'));
  const when = random.below(4);
  if (when === 0) queueMicrotask(abort);
  else if (when === 1) setImmediate(abort);
  else void sleep(random.below(20) / 10).then(abort);
  return controller.signal;
}

/** For a promise that an abort may reject: `null` then. */
export function aborted(error) {
  // Node's own functions reject with an AbortError that has the reason.
  if ((error.cause ?? error).message !== 'enough') throw error;
  return null;
}

/** mulberry32, as in test/support/seeded-random.ts. */
export function generator(seed) {
  let state = seed >>> 0;
  return {
    below(limit) {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
    },
    /** Bytes that no other place has in common. */
    bytes(size) {
      const bytes = Buffer.alloc(size);
      const from = this.below(2 ** 31);
      for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE((from + at * 31) >>> 0, at);
      return bytes;
    },
  };
}
