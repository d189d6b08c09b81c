/**
 * The store on the command line:
 *
 *   node examples/kv/main.js FILE set KEY VALUE | get KEY | delete KEY | list
 *   node examples/kv/main.js FILE load WRITERS    writes until it is killed, and prints each write
 *                                                 that was acknowledged: "KEY NUMBER"
 */

import { writeSync } from 'node:fs';
import { Store } from './store.js';

const [path, command = 'list', ...rest] = process.argv.slice(2);
if (path === undefined) {
  console.error('Usage: node examples/kv/main.js FILE set KEY VALUE | get KEY | delete KEY | list');
  process.exit(2);
}

const store = await Store.open(path);
if (store.cut > 0) console.error(`${store.cut} bytes of unfinished writes were cut away`);
if (command === 'set') await store.set(rest[0], Buffer.from(rest[1]));
else if (command === 'get') console.log(String((await store.get(rest[0])) ?? '(none)'));
else if (command === 'delete') await store.delete(rest[0]);
else if (command === 'load') await load(Number(rest[0]));
else for (const key of store.keys()) console.log(key, String(await store.get(key)));
await store.close();

/** Each writer counts up under its own key. What is printed may be relied on from then on. */
async function load(writers) {
  const count = async (_, writer) => {
    const key = `key-${writer}`;
    const last = String((await store.get(key)) ?? '0');
    for (let number = Number.parseInt(last, 10) + 1; ; number += 1) {
      const padding = '.'.repeat((number * 37) % 3000);
      await store.set(key, Buffer.from(`${number} ${padding}`));
      writeSync(1, `${key} ${number}\n`);
    }
  };
  await Promise.all(Array.from({ length: writers }, count));
}
