/**
 * `fs/promises` on what is not a regular file, and around the event loop, compared with Node:
 * FIFOs, devices, sockets, async context.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { execFileSync } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import { openSync, closeSync, writeSync, constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { ComparedSuite } from '../support/fs-transcript.ts';

export const specialSuite: ComparedSuite = new ComparedSuite();

specialSuite.compare('a FIFO is read when somebody writes', async ({ fs, at, note }) => {
  execFileSync('mkfifo', [at('fifo')]);
  const reading = fs.readFile(at('fifo'), 'utf8');
  await fs.writeFile(at('fifo'), 'through the fifo');
  note(await reading);
});

specialSuite.compare('a FIFO is written when somebody reads', async ({ fs, at, note }) => {
  execFileSync('mkfifo', [at('fifo')]);
  const writing = fs.appendFile(at('fifo'), ['a', 'b', 'c'] as never);
  note(await fs.readFile(at('fifo'), 'utf8'));
  await writing;
});

specialSuite.compare('a FIFO by handles, piece by piece', async ({ fs, at, note }) => {
  execFileSync('mkfifo', [at('fifo')]);
  const opening = [fs.open(at('fifo'), 'r'), fs.open(at('fifo'), 'w')] as const;
  const [reader, writer] = await Promise.all(opening);
  const first = reader.read(Buffer.alloc(8), 0, 8, null);
  await writer.write('one');
  note(await first);
  const second = reader.readv([Buffer.alloc(2), Buffer.alloc(4)]);
  await writer.write('two');
  note(await second);
  await writer.close();
  note(await reader.read(Buffer.alloc(8), 0, 8, null));
  note((await reader.stat()).isFIFO());
  await reader.close();
});

specialSuite.compare(
  'a FIFO that is read is open when somebody writes',
  async ({ fs, at, note }) => {
    execFileSync('mkfifo', [at('fifo')]);
    const order: string[] = [];
    const opening = fs.open(at('fifo')).then((handle) => {
      order.push('open');
      return handle;
    });
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    order.push('writer comes');
    const writer = await fs.open(at('fifo'), 'w');
    const reader = await opening;
    note(order);
    await writer.write('text');
    await writer.close();
    note(await reader.readFile('utf8'));
    await reader.close();
  },
);

specialSuite.compare('a FIFO that is not to be waited for', async ({ fs, at, attempt }) => {
  execFileSync('mkfifo', [at('fifo')]);
  const { O_RDONLY, O_NONBLOCK, O_WRONLY } = constants;
  await attempt(() => fs.stat(at('fifo')));
  await attempt(() => fs.open(at('fifo'), O_WRONLY | O_NONBLOCK));
  const reader = await fs.open(at('fifo'), O_RDONLY | O_NONBLOCK);
  await attempt(() => reader.read(Buffer.alloc(4), 0, 4, null));
  const fd = openSync(at('fifo'), O_WRONLY);
  await attempt(() => reader.read(Buffer.alloc(4), 0, 4, null));
  writeSync(fd, 'data');
  await attempt(() => reader.read(Buffer.alloc(4), 0, 4, null));
  closeSync(fd);
  await reader.close();
});

specialSuite.compare('devices', async ({ fs, note, attempt }) => {
  const zero = await fs.open('/dev/zero');
  note(await zero.read(Buffer.alloc(4, 1), 0, 4, null));
  note(await zero.read(Buffer.alloc(4, 1), 0, 4, 100));
  note((await zero.stat()).isCharacterDevice());
  await zero.close();
  const nothing = await fs.open('/dev/null', 'r+');
  note(await nothing.read(Buffer.alloc(4)), await nothing.write('x'));
  await nothing.close();
  const full = await fs.open('/dev/full', 'w');
  await attempt(() => full.write('x'));
  await attempt(() => full.writev([Buffer.from('x')]));
  await full.close();
});

specialSuite.compare('the async context goes through', async ({ fs, at, note }) => {
  const storage = new AsyncLocalStorage<string>();
  await storage.run('mine', async () => {
    await fs.writeFile(at('file'), 'content');
    note(storage.getStore());
    const handle = (await fs.open(at('file'))) as FileHandle & EventEmitter;
    note(storage.getStore());
    handle.once('close', () => note(storage.getStore()));
    await handle.read(Buffer.alloc(3));
    note(storage.getStore());
    await Promise.all([handle.read(Buffer.alloc(1)), handle.read(Buffer.alloc(1))]);
    note(storage.getStore());
    await handle.close();
    note(storage.getStore());
    await fs.stat(at('missing')).catch(() => note(storage.getStore()));
  });
  note(storage.getStore());
});

specialSuite.compare('errors have the stack of who awaits', async ({ fs, at, note }) => {
  async function caller(path: string): Promise<void> {
    await fs.stat(path);
  }
  const error = await caller(at('missing')).catch((reason: Error) => reason);
  note(
    String((error as Error).stack).split('\n')[0],
    /at async caller/.test(String((error as Error).stack)),
  );
});
