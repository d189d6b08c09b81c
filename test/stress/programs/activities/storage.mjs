/**
 * Activities of `everything.mjs` on storage: the drop-in for `fs/promises`, appended logs, whole
 * files, registered memory that programs hold, and files that are to be polled.
 *
 * The form of an activity is told in `core.mjs`. A model in memory says what each must read.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { abortSoon, aborted, count, expect, folder, isOnRing, ring } from '../stage.mjs';
import { File } from 'onering';
import * as fs from 'onering/fs/promises';

const PAGE = 4096;
const PAGES = 32;
const NAMES = ['a', 'b', 'c', 'd'];

/** A directory of few names, and what each must hold; calls that must fail, do. */
export async function dropInFiles(random, left, lane) {
  const root = join(folder, `drop-in-${lane}`);
  mkdirSync(root, { recursive: true });
  const model = new Map();
  for (; left > 0; left -= 1) {
    const name = NAMES[random.below(NAMES.length)];
    const steps = [wrote, appended, read, renamed, removed, looked, handled, streamed, madeFolder];
    await steps[random.below(steps.length)]({ random, root, model, name, path: join(root, name) });
    count('drop-in files');
  }
  for (const name of model.keys()) await fs.unlink(join(root, name));
  await fs.rmdir(root);
}

async function wrote({ random, model, name, path }) {
  const bytes = random.bytes(random.below(random.below(6) === 0 ? 400_000 : 9000));
  await fs.writeFile(path, bytes);
  model.set(name, bytes);
}

async function appended({ random, model, name, path }) {
  const bytes = random.bytes(random.below(3000));
  await fs.appendFile(path, bytes);
  model.set(name, Buffer.concat([model.get(name) ?? Buffer.alloc(0), bytes]));
}

async function read({ random, model, name, path }) {
  const signal = random.below(3) === 0 ? abortSoon(random) : undefined;
  const bytes = await fs.readFile(path, { signal }).catch(missing).catch(aborted);
  if (bytes === null) count('aborted whole reads');
  else expectSame(bytes, model.get(name), `readFile of ${name}`);
}

async function renamed({ random, root, model, name, path }) {
  const other = NAMES[random.below(NAMES.length)];
  const result = await fs.rename(path, join(root, other)).catch(missing);
  expect((result === 'ENOENT') === !model.has(name), `rename gave ${result}`);
  if (!model.has(name)) return;
  const bytes = model.get(name);
  model.delete(name);
  model.set(other, bytes);
}

async function removed({ model, name, path }) {
  const result = await fs.unlink(path).catch(missing);
  expect((result === 'ENOENT') === !model.delete(name), `unlink gave ${result}`);
}

async function looked({ random, model, name, path }) {
  const stats = await fs.stat(path, { bigint: random.below(2) === 0 }).catch(missing);
  if (stats === 'ENOENT') expect(!model.has(name), `no stats of ${name}`);
  else expect(Number(stats.size) === model.get(name)?.length, `size ${stats.size} of ${name}`);
  const size = random.below(5000);
  const cut = await fs.truncate(path, size).catch(missing);
  if (cut !== 'ENOENT') model.set(name, Buffer.concat([model.get(name)], size));
}

/** Several calls on one handle at once, and `close()` among them. */
async function handled({ random, model, name, path }) {
  const bytes = model.get(name);
  const handle = await fs.open(path, 'r').catch(missing);
  if (handle === 'ENOENT') {
    expect(bytes === undefined, `no handle of ${name}`);
    return;
  }
  const reads = Array.from({ length: 1 + random.below(4) }, async () => {
    const position = random.below(bytes.length + 10);
    const buffers = [Buffer.alloc(1 + random.below(3000)), Buffer.alloc(1 + random.below(3000))];
    const { bytesRead } = await handle.readv(buffers, position);
    const got = Buffer.concat(buffers).subarray(0, bytesRead);
    expectSame(got, bytes.subarray(position, position + bytesRead), 'readv');
    const rest = Math.max(0, bytes.length - position);
    expect(bytesRead > 0 || rest === 0, `readv gave nothing of ${rest}`);
  });
  const closing = random.below(2) === 0 ? handle.close() : null;
  await Promise.all([...reads, closing]);
  await handle.close();
  const late = await handle.read(Buffer.alloc(1)).catch(({ code }) => code);
  expect(late === 'EBADF', `a closed handle gave ${String(late)}`);
}

/** Node's own streams over a handle; some are given up half-way. */
async function streamed({ random, model, name, path }) {
  const bytes = model.get(name);
  if (bytes === undefined) return;
  const handle = await fs.open(path);
  const stream = handle.createReadStream({ highWaterMark: 1 + random.below(20_000) });
  const closed = new Promise((resolve) => {
    stream.once('close', resolve);
  });
  const isGivenUp = random.below(3) === 0;
  const chunks = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
    if (isGivenUp) break;
  }
  const got = Buffer.concat(chunks);
  expectSame(got, isGivenUp ? bytes.subarray(0, got.length) : bytes, 'a stream');
  await closed;
}

async function madeFolder({ random, root }) {
  const path = join(root, `folder-${random.below(3)}`);
  await fs.mkdir(path);
  const again = await fs.mkdir(path).catch(({ code }) => code);
  expect(again === 'EEXIST', `mkdir twice gave ${again}`);
  await fs.symlink('elsewhere', join(path, 'link'));
  const full = await fs.rmdir(path).catch(({ code }) => code);
  expect(full === 'ENOTEMPTY', `rmdir gave ${full}`);
  expect((await fs.readdir(path)).join() === 'link', 'another folder');
  await fs.unlink(join(path, 'link'));
  await fs.rmdir(path);
}

/** Records of a log: the order of the calls, what is synced, and whole files beside it. */
export async function logs(random, left, lane) {
  const path = join(folder, `log-${lane}`);
  while (left > 0) {
    const file = await File.open(path, random.below(2) === 0 ? 'w+' : 'a+');
    const before = (await file.stat()).size;
    const records = Array.from({ length: 1 + random.below(30) }, () =>
      random.bytes(1 + random.below(random.below(20) === 0 ? 100_000 : 400)),
    );
    const syncs = ['data', 'full', false, false];
    const appending = records.map((record) =>
      file.append(record, { sync: syncs[random.below(4)] }),
    );
    // It waits for what is being appended.
    const closing = random.below(2) === 0 ? file.close() : null;
    let end = Number(before);
    for (const [index, position] of (await Promise.all(appending)).entries()) {
      expect(position === end, `record ${index} is at ${position} and not at ${end}`);
      end += records[index].length;
    }
    await closing;
    await file.close();
    const signal = random.below(4) === 0 ? abortSoon(random) : undefined;
    const whole = await File.readWhole(path, { signal }).catch(aborted);
    if (whole !== null) expectSame(whole.subarray(Number(before)), Buffer.concat(records), 'a log');
    if (end > 500_000) await File.writeWhole(path, 'new', { flush: random.below(2) === 0 });
    left -= 1;
    count('logs');
  }
}

/** Memory of the runtime in reads and writes: released, released in flight, and forgotten. */
export async function lentMemory(random, left, lane) {
  const path = join(folder, `lent-${lane}`);
  const content = random.bytes(64 * 1024);
  await File.writeWhole(path, content);
  const file = await File.open(path, 'r+');
  let forgotten = 0;
  for (; left > 0; left -= 1) {
    const buffer = ring.allocate(1 + random.below(20_000));
    const position = random.below(content.length);
    const part = buffer.subarray(random.below(buffer.length));
    const signal = random.below(4) === 0 ? abortSoon(random) : undefined;
    const reading = file.read(part, { position, signal }).catch(aborted);
    const how = random.below(3);
    if (how === 0) ring.release(buffer);
    const size = await reading;
    if (size !== null) {
      expectSame(
        part.subarray(0, size),
        content.subarray(position, position + size),
        'lent memory',
      );
      await file.write(part, { length: size, position });
    }
    if (how === 1 || (how === 2 && forgotten > 20)) ring.release(buffer);
    else if (how === 2) forgotten += 1;
    count('lent memory');
  }
  expectSame(await File.readWhole(path), content, 'written from lent memory');
  await file.close();
}

/** Where the device has no poll queues, each is retried on the ordinary ring: the same bytes. */
export async function polledFiles(random, left, lane) {
  const path = join(folder, `polled-${lane}`);
  const content = random.bytes(PAGES * PAGE);
  await File.writeWhole(path, content);
  while (left > 0) {
    const poll = ['hybrid', 'busy', false][random.below(3)];
    const file = await openDirect(path, poll);
    if (file === null) return;
    const size = 1 + random.below(8);
    const pages = Array.from({ length: size }, () => page());
    const transfers = pages.map(async ({ bytes }) => {
      const position = random.below(PAGES) * PAGE;
      const signal = random.below(4) === 0 ? abortSoon(random) : undefined;
      const got = await file.read(bytes, { position, signal }).catch(aborted);
      if (got === null) return count('aborted direct reads');
      expectSame(bytes.subarray(0, got), content.subarray(position, position + PAGE), 'a page');
      // The same bytes again, so that nobody needs to know who was first.
      await file.write(bytes, { position });
      return count('direct reads');
    });
    const closing = random.below(3) === 0 ? Promise.all(transfers).then(() => file.close()) : null;
    await Promise.all([...transfers, closing]);
    await file.close();
    for (const { release } of pages) release();
    left -= size;
  }
}

/** `null` where the file system has no direct I/O. */
async function openDirect(path, poll) {
  try {
    return await File.open(path, { flags: 'r+', direct: true, poll });
  } catch (error) {
    if (error.code !== 'EINVAL') throw error;
    return null;
  }
}

function page() {
  if (!isOnRing) return { bytes: Buffer.alloc(PAGE), release() {} };
  const buffer = ring.buffers.allocate(PAGE);
  return { bytes: buffer.bytes, release: () => buffer.release() };
}

function missing(error) {
  if (error.code !== 'ENOENT') throw error;
  return 'ENOENT';
}

function expectSame(got, expected, what) {
  if (got === 'ENOENT') return expect(expected === undefined, `${what}: there is nothing`);
  expect(expected !== undefined, `${what}: there should be nothing`);
  const isSame = expected.equals(got);
  if (isSame) return undefined;
  const at = expected.findIndex((byte, index) => byte !== got[index]);
  throw new Error(`${what}: ${got.length} of ${expected.length} bytes, another one at ${at}`);
}
