/**
 * Calls `process.exit(7)` from the place that the first argument names, while other work is in
 * flight. Reports from the `exit` event how often that came.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { File, runtime, TcpListener, TcpStream } from 'onering';
import { openEcho, report } from './load.mjs';

const ring = runtime();
let exits = 0;
process.on('exit', () => {
  exits += 1;
  report({ exits });
});

const places = {
  callback() {
    // An immediate that waits keeps the tick from sleeping, and so from arming anything of its own.
    setImmediate(() => {
      setImmediate(() => {});
      ring.nop(leave);
    });
  },

  async await() {
    await ring.nop();
    leave();
  },

  tick() {
    ring.nop(() => process.nextTick(leave));
  },

  async data() {
    const socket = { data: leave };
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0, socket });
    const { port } = listener.address();
    const stream = await TcpStream.connect({ hostname: '127.0.0.1', port });
    await stream.write('x');
  },

  async read() {
    const file = await File.open(folderWithFile(), 'r');
    await file.read(Buffer.alloc(16));
    leave();
  },

  timer() {
    ring.nop(() => {});
    setTimeout(leave, 5);
  },

  immediate() {
    setImmediate(leave);
    const again = () => ring.nop(again);
    again();
  },
};

for (let n = 0; n < 10; n += 1) void ring.nop().then(() => undefined);
await places[process.argv[2]]();
// Something that would keep the process alive for ever.
const { listener } = await openEcho();
listener.ref();

function leave() {
  process.exit(7);
}

function folderWithFile() {
  const folder = mkdtempSync(join(tmpdir(), 'onering-exit-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  writeFileSync(path, 'content');
  return path;
}
