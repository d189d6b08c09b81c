/**
 * Starts workers that are busy with I/O, ends them one way or another, and looks whether anything
 * suffered: the memory of this thread, the files, the descriptors and mappings of the process.
 *
 * Arguments: what they do (see crew.mjs), how they end (`terminate`, `exit`, `end`), how many, how
 * many at a time, a seed.
 * While workers end, this thread keeps mapping and unmapping memory of the same sizes as theirs: a
 * kernel worker that still writes to memory which is gone would write here.
 */

/* oxlint-disable unicorn/require-post-message-target-origin -- Workers have no origin. */

import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

const [set, mode, countText, atOnceText, seedText] = process.argv.slice(2);
const BLOCK_SIZE = 4 * 1024 * 1024;
const SOURCE_SIZE = BLOCK_SIZE + 64 * 1024;
const GUARDS_MAX = 12;
const GUARD_BYTE = 0x3c;
const SOURCE_BYTE = 0xa5;

const folder = mkdtempSync(join(tmpdir(), 'onering-crew-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const source = join(folder, 'source');
writeFileSync(source, Buffer.alloc(SOURCE_SIZE, SOURCE_BYTE));
const guardPattern = Buffer.alloc(BLOCK_SIZE, GUARD_BYTE);
const sourcePattern = Buffer.alloc(SOURCE_SIZE, SOURCE_BYTE);

const problems = [];
const guards = [];
let randomState = Number(seedText) >>> 0;
let nextId = 1;
let directCrews = 0;

// Some Nodes have rings of their own.
const idle = resources();
await runCrew();
await runCrew();
await settle();
const before = resources();
const total = Number(countText);
const lanes = Array.from({ length: Number(atOnceText) }, async (_, lane) => {
  for (let n = lane; n < total; n += Number(atOnceText)) await runCrew();
});
await Promise.all(lanes);
verifyGuards('at the end');
if (!readFileSync(source).equals(sourcePattern)) problems.push('the source file has changed');
await settle();
const after = resources();
console.log(JSON.stringify({ problems, before, after, crews: nextId - 1, directCrews }));

async function runCrew() {
  const id = (nextId % 200) + 1;
  nextId += 1;
  const worker = new Worker(new URL('crew.mjs', import.meta.url), {
    workerData: { id, folder, set },
  });
  worker.once('error', (error) => problems.push(`worker: ${error.stack}`));
  const exited = once(worker, 'exit');
  const isBusy = new Promise((resolve) => {
    worker.on('message', (message) => {
      if (message === 'direct') directCrews += 1;
      else resolve();
    });
  });
  await Promise.race([isBusy, exited]);
  await sleep(random() * 3);
  addGuard();
  if (mode === 'terminate') void worker.terminate();
  else worker.postMessage(mode);
  // Its memory goes now; ours comes in its place.
  for (let n = 0; n < 3; n += 1) {
    addGuard();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await exited;
  addGuard();
  verifyGuards(`crew ${id}`);
  verifyTarget(id);
}

function addGuard() {
  guards.push(Buffer.alloc(BLOCK_SIZE, GUARD_BYTE));
  if (guards.length > GUARDS_MAX) guards.shift();
}

function verifyGuards(where) {
  for (const guard of guards) {
    if (guard.equals(guardPattern)) continue;
    const at = guard.findIndex((byte) => byte !== GUARD_BYTE);
    problems.push(`${where}: heap corrupted at ${at} with ${guard[at]}`);
    guard.fill(GUARD_BYTE);
  }
}

/** A target holds what its worker wrote, or nothing where it had not come yet. */
function verifyTarget(id) {
  const path = join(folder, `target-${id}`);
  if (!existsSync(path)) return;
  const content = readFileSync(path);
  const wrong = content.findIndex((byte) => byte !== id && byte !== 0);
  if (wrong !== -1) problems.push(`target ${id} holds ${content[wrong]} at ${wrong}`);
  rmSync(path);
}

/** Unmapped and closed is what the kernel has let go of, which it may do a little later. */
async function settle() {
  guards.length = 0;
  for (let n = 0; n < 20; n += 1) {
    globalThis.gc();
    await sleep(10);
    const { rings, segments } = resources();
    if (rings <= idle.rings && segments <= idle.segments) break;
  }
}

function resources() {
  const maps = readFileSync('/proc/self/maps', 'utf8').trimEnd().split('\n');
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    rings: maps.filter((line) => line.includes('io_uring')).length,
    segments: maps.filter((line) => line.includes('SYSV')).length,
    maps: maps.length,
  };
}

/** mulberry32, as in test/support/seeded-random.ts. */
function random() {
  randomState = (randomState + 0x6d2b79f5) | 0;
  let mixed = Math.imul(randomState ^ (randomState >>> 15), 1 | randomState);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
