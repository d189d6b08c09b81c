/**
 * Copies a file, and says how far it is:
 *
 *   node examples/copy.js SOURCE TARGET
 *
 * Two pieces of registered memory: while one is written, the other is read into.
 */

import { File, runtime } from 'onering';

const PIECE_SIZE = 1024 * 1024;

const [source, target] = process.argv.slice(2);
if (source === undefined || target === undefined) {
  console.error('Usage: node examples/copy.js SOURCE TARGET');
  process.exit(2);
}

const from = await File.open(source);
const to = await File.open(target, 'w');
const { size } = await from.stat();
const memory = runtime().allocate(2 * PIECE_SIZE);
const pieces = [memory.subarray(0, PIECE_SIZE), memory.subarray(PIECE_SIZE)];

let copied = 0;
let reading = from.read(pieces[0], { position: 0 });
for (let turn = 0; ; turn += 1) {
  const count = await reading;
  if (count === 0) break;
  reading = from.read(pieces[(turn + 1) % 2], { position: copied + count });
  await writeAll(pieces[turn % 2].subarray(0, count), copied);
  copied += count;
  const percent = size === 0 ? 100 : Math.floor((copied / size) * 100);
  process.stderr.write(`\r${percent} %`);
}
process.stderr.write('\n');
await to.sync();
await Promise.all([from.close(), to.close()]);
console.log(`${copied} bytes`);

async function writeAll(bytes, position) {
  for (let written = 0; written < bytes.length;) {
    const left = bytes.subarray(written);
    written += await to.write(left, { position: position + written });
  }
}
