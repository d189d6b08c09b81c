/**
 * Reads 4 KiB from random places of a file or a disk, many at a time, and says how many it got:
 *
 *   node examples/random-read.js FILE [SECONDS] [DEPTH] [direct|cached]
 *
 * `direct` asks the disk for every one of them; `cached` asks the page cache first.
 */

import { File, runtime } from 'onering';

const BLOCK_SIZE = 4096;

const [path, seconds = '5', depth = '32', how = 'cached'] = process.argv.slice(2);
if (path === undefined) {
  console.error('Usage: node examples/random-read.js FILE [SECONDS] [DEPTH] [direct|cached]');
  process.exit(2);
}

const file = await File.open(path, { direct: how === 'direct' });
const blocks = Math.floor((await sizeOf(file)) / BLOCK_SIZE);
if (blocks === 0) throw new Error(`${path} has less than ${BLOCK_SIZE} bytes`);
const memory = runtime().allocate(Number(depth) * BLOCK_SIZE);
const end = performance.now() + Number(seconds) * 1000;
const latenciesMs = [];
const cpu = process.cpuUsage();

await Promise.all(Array.from({ length: Number(depth) }, (_, lane) => readUntilTheEnd(lane)));

const { user, system } = process.cpuUsage(cpu);
await file.close();
latenciesMs.sort((left, right) => left - right);
const at = (share) => latenciesMs[Math.floor((latenciesMs.length - 1) * share)].toFixed(3);
const count = latenciesMs.length;
console.log(`${Math.round(count / Number(seconds))} reads a second, depth ${depth}, ${how}`);
console.log(`median ${at(0.5)} ms, 99 % ${at(0.99)} ms, most ${at(1)} ms`);
console.log(`${((user + system) / count).toFixed(1)} µs of CPU a read`);

async function readUntilTheEnd(lane) {
  const buffer = memory.subarray(lane * BLOCK_SIZE, (lane + 1) * BLOCK_SIZE);
  for (;;) {
    const startMs = performance.now();
    if (startMs >= end) return;
    const position = Math.floor(Math.random() * blocks) * BLOCK_SIZE;
    const read = await file.read(buffer, { position });
    if (read !== BLOCK_SIZE) throw new Error(`${read} bytes at ${position}`);
    latenciesMs.push(performance.now() - startMs);
  }
}

/** A disk says 0: its end is where nothing can be read any more. */
async function sizeOf(opened) {
  const { size } = await opened.stat();
  if (size > 0) return size;
  const probe = runtime().allocate(BLOCK_SIZE);
  let low = 0;
  let high = 2 ** 40;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const read = await opened.read(probe, { position: (middle - 1) * BLOCK_SIZE });
    if (read === BLOCK_SIZE) low = middle;
    else high = middle - 1;
  }
  return low * BLOCK_SIZE;
}
