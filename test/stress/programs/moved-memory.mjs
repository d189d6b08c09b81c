/**
 * Gives the memory of a buffer away while a read into it is in flight, makes it garbage, and lets
 * the read complete. A kernel that still has the old address writes into whatever came there since.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { File } from 'onering';

/** More than malloc ever keeps for itself: freed memory of that size is unmapped. */
const SIZE = 40 * 1024 * 1024;
const WRITTEN = 4096;
const ROUNDS = 3;
const folder = mkdtempSync(join(tmpdir(), 'onering-moved-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'fifo');
execFileSync('mkfifo', [path], { stdio: 'ignore' });
const fifo = await File.open(path, 'r+');

let corrupted = 0;
let refused = 0;
for (let round = 0; round < ROUNDS; round += 1) {
  const victim = new Uint8Array(SIZE);
  const reading = fifo.read(victim).catch((error) => error);
  await new Promise((resolve) => setTimeout(resolve, 5));
  try {
    giveAway(victim.buffer);
  } catch {
    // Refusing is as good as any other answer.
    refused += 1;
  }
  globalThis.gc();
  globalThis.gc();
  // What comes next of that size is mapped where the other one was.
  const heirs = Array.from({ length: 2 }, () => new Uint8Array(SIZE));
  await fifo.write(Buffer.alloc(WRITTEN, 0xee));
  await reading;
  corrupted += heirs.filter((heir) => heir.subarray(0, WRITTEN).some((byte) => byte !== 0)).length;
}
await fifo.close();
console.log(JSON.stringify({ corrupted, refused }));

/** Nobody holds the new owner, so that the memory is freed; where there is `transfer`, at once. */
function giveAway(buffer) {
  if (typeof buffer.transfer === 'function') buffer.transfer(0);
  else structuredClone(buffer, { transfer: [buffer] });
}
