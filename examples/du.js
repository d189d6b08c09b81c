/**
 * How much a directory holds, its parts looked at in parallel:
 *
 *   node examples/du.js [DIRECTORY]
 *
 * Directories are listed by Node, which no opcode does; sizes come from statx on the ring.
 */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { File } from 'onering';

const [root = '.'] = process.argv.slice(2);
let files = 0;
let bytes = 0;

async function measure(directory) {
  const entries = await readdir(directory, { withFileTypes: true });
  await Promise.all(
    entries.map((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return measure(path);
      return entry.isFile() ? add(path) : undefined;
    }),
  );
}

async function add(path) {
  const file = await File.open(path);
  const { size } = await file.stat();
  await file.close();
  files += 1;
  bytes += size;
}

await measure(root);
console.log(`${bytes} bytes in ${files} files`);
