/**
 * A random program over the whole public API, with a model of what must come of it: files, sockets,
 * timers, aborts, channels, workers, registered tables, all at once, on a ring that is too small
 * and resizes all the time; then limits that are exhausted. At the end nothing may be left.
 *
 * Arguments: a seed, how many steps each activity takes. What an activity does depends on the seed
 * and on nothing else; how the activities interleave depends on the kernel.
 */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Channel, File, Runtime, TcpListener, TcpStream } from 'onering';
import { setImmediate as nextTurn, setTimeout as sleep } from 'onering/timers/promises';

const [seed, steps] = process.argv.slice(2).map(Number);
const LANES = 3;
const FILE_SIZE = 300_000;
const SLOTS = 1024;

const folder = mkdtempSync(join(tmpdir(), 'onering-everything-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const ring = new Runtime({
  entries: 16,
  completionEntries: 16,
  completionEntriesMax: 256,
  resize: { pressedBatches: 1, quietMs: 3 },
  receiveBuffers: 8,
  receiveBufferSize: 1024,
});
const isOnRing = ring.backend === 'uring';
/** Node's own timers go by whole milliseconds of a clock that is read now and then. */
const EARLY_MS = isOnRing ? 0.1 : 2;
const problems = [];
const counts = {};

// What Node and koffi open once is open before anything is counted.
process.stderr.write('');
await runAll(5, 7);
const before = await resources();
await runAll(steps, seed);
await exhaust();
const after = await resources();
const { inFlight, timers, lateCompletions, resizesGrown } = ring.metrics();
await ring.close();
const figures = { inFlight, timers, lateCompletions, resizesGrown };
console.log(JSON.stringify({ problems, counts, before, after, ...figures }));

async function runAll(stepCount, from) {
  const activities = { files, sockets, sleeps, channels, workers, tables, bursts };
  const runs = Object.entries(activities).flatMap(([name, run], kind) =>
    Array.from({ length: LANES }, async (_, lane) => {
      const random = generator(from + kind * 1000 + lane);
      try {
        await run(random, stepCount, lane);
      } catch (error) {
        problems.push(`${name} ${lane}: ${error.stack}`);
      }
    }),
  );
  await Promise.all(runs);
}

function expect(isRight, what) {
  if (!isRight) throw new Error(what);
}

function count(name) {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** Reads, writes, sizes, aborts and reopening, against a copy in memory. */
async function files(random, left, lane) {
  const path = join(folder, `file-${lane}`);
  let model = Buffer.alloc(0);
  let file = await File.open(path, 'w+');
  for (; left > 0; left -= 1) {
    const kind = random.below(6);
    const position = random.below(FILE_SIZE);
    const buffer = Buffer.alloc(1 + random.below(random.below(8) === 0 ? FILE_SIZE : 5000));
    if (kind <= 1) {
      buffer.fill(random.below(256));
      const written = await file.write(buffer, { position });
      expect(written === buffer.length, `wrote ${written} of ${buffer.length}`);
      const size = Math.max(model.length, position + written);
      model = Buffer.concat([model], size);
      buffer.copy(model, position);
    } else if (kind <= 3) {
      const signal = random.below(3) === 0 ? abortSoon(random) : undefined;
      const size = await file.read(buffer, { position, signal }).catch(aborted);
      const expected = model.subarray(position, position + buffer.length);
      if (size === null) count('aborted reads');
      else expect(expected.equals(buffer.subarray(0, size)), `read ${size} wrong bytes`);
    } else if (kind === 4) {
      const { size } = await file.stat();
      expect(Number(size) === model.length, `size ${size} instead of ${model.length}`);
    } else {
      await file.close();
      const failure = await file.stat().catch((error) => error);
      expect(failure instanceof Error, 'a closed file answered');
      file = await File.open(path, 'r+');
    }
    count('files');
  }
  await file.close();
}

/** Connections whose other end sends everything back; some are given up half-way. */
async function sockets(random, left) {
  const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
  const address = { hostname: '127.0.0.1', port: listener.address().port };
  for (; left > 0; left -= 1) {
    const client = await TcpStream.connect(address);
    const server = await listener.accept();
    const echo = echoAll(server);
    const bytes = Buffer.alloc(1 + random.below(20_000), random.below(256));
    const isGivenUp = random.below(4) === 0;
    const received = readAll(client, random);
    await client.write(bytes);
    if (isGivenUp) {
      await client.destroy();
      await received;
    } else {
      await client.shutdown();
      const answer = await received;
      expect(answer.equals(bytes), `${answer.length} bytes instead of ${bytes.length}`);
    }
    await client.close();
    await echo;
    count('sockets');
  }
  await listener.close();
}

async function echoAll(stream) {
  try {
    for await (const chunk of stream) await stream.write(chunk);
  } catch {
    // The other end was given up.
  }
  await stream.close();
}

async function readAll(stream, random) {
  const chunks = [];
  for (;;) {
    const signal = random.below(5) === 0 ? abortSoon(random) : undefined;
    try {
      const chunk = await stream.read({ signal });
      if (chunk === null) break;
      chunks.push(chunk);
    } catch (error) {
      if (error.message === 'enough') count('aborted receives');
      else break;
    }
  }
  return Buffer.concat(chunks);
}

async function sleeps(random, left) {
  for (; left > 0; left -= 1) {
    const delayMs = random.below(300) / 100;
    const startMs = performance.now();
    if (random.below(3) === 0) {
      const signal = abortSoon(random);
      const isAborted = await sleep(delayMs, false, { signal }).catch(({ name }) => name);
      expect(isAborted === false || isAborted === 'AbortError', `slept to ${isAborted}`);
    } else {
      await sleep(delayMs);
      const tookMs = performance.now() - startMs;
      expect(tookMs >= delayMs - EARLY_MS, `slept ${tookMs} instead of ${delayMs}`);
    }
    count('sleeps');
  }
}

/** Both ends in this thread: numbered messages of all sizes, ends that close at any time. */
async function channels(random, left) {
  while (left > 0) {
    const { channel, port } = Channel.create({ capacity: 1024 << random.below(6) });
    const other = Channel.open(port);
    const total = 1 + random.below(40);
    const sizes = Array.from({ length: total }, () => random.below(4000));
    const sending = sizes.map((size, index) => channel.send({ index, fill: fill(size) }));
    const sent = Promise.all(sending).then(
      () => '',
      (error) => error.code,
    );
    let next = 0;
    const stopAt = random.below(3) === 0 ? random.below(total) : total;
    while (next < stopAt) {
      const signal = random.below(4) === 0 ? abortSoon(random) : undefined;
      const message = await other.receive({ signal }).catch(aborted);
      if (message === null) continue;
      const isRight = message.index === next && message.fill.length === sizes[next];
      expect(isRight, `${message.index} instead of ${next}`);
      next += 1;
    }
    await (random.below(2) === 0 ? channel : other).close();
    const code = await sent;
    expect(code === '' || code === 'ERR_CHANNEL_CLOSED', code);
    await Promise.all([channel.close(), other.close()]);
    left -= 1;
    count('channels');
  }
}

/** Workers that answer messages and connections, and end in every way. */
async function workers(random, left) {
  for (let n = Math.ceil(left / 25); n > 0; n -= 1) {
    const { channel, port } = Channel.create({ capacity: 8192 });
    const worker = new Worker(new URL('everything-worker.mjs', import.meta.url), {
      workerData: port,
      transferList: [port],
    });
    const exited = once(worker, 'exit');
    for (let messages = 1 + random.below(100); messages > 0; messages -= 1) {
      const value = { text: fill(random.below(3000)), when: new Date(messages) };
      await channel.send(value);
      const answer = await channel.receive();
      expect(answer.text === value.text && +answer.when === messages, 'another answer');
    }
    if (isOnRing) await handOver(channel);
    if (random.below(2) === 0) await worker.terminate();
    else await channel.close();
    await exited;
    await channel.close();
    count('workers');
  }
}

async function handOver(channel) {
  const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
  const client = await TcpStream.connect({ hostname: '127.0.0.1', port: listener.address().port });
  await channel.send(await listener.accept());
  await client.write('hello');
  const answer = await client.read();
  expect(String(answer) === 'hello', `the other thread answered ${String(answer)}`);
  await client.close();
  await listener.close();
  count('connections handed over');
}

/** Slots of the registered tables: what is given back can be taken again. */
async function tables(random, left) {
  if (!isOnRing) return;
  const held = [];
  const file = await File.open(process.argv[1]);
  for (; left > 0; left -= 1) {
    if (held.length > 0 && random.below(2) === 0) held.splice(random.below(held.length), 1)[0]();
    else if (random.below(2) === 0) {
      const buffer = ring.buffers.allocate(1 + random.below(9000), {
        shared: random.below(2) === 0,
      });
      held.push(() => buffer.release());
    } else {
      const slot = ring.files.register(file.fd);
      held.push(() => ring.files.unregister(slot));
    }
    if (random.below(4) === 0) await nextTurn();
    count('tables');
  }
  for (const giveBack of held) giveBack();
  await file.close();
}

/** Presses the completion queue, and leaves it alone again. */
async function bursts(random, left) {
  for (; left > 0; left -= 1) {
    let done = 0;
    const size = random.below(400);
    for (let n = 0; n < size; n += 1) ring.nop(() => (done += 1));
    await ring.nop();
    expect(done === size, `${done} of ${size} completions`);
    await sleep(random.below(8));
    count('bursts');
  }
}

/** Descriptors and slots run out, everything says so, and goes on when there are some again. */
async function exhaust() {
  const path = process.argv[1];
  const limit = readdirSync('/proc/self/fd').length + 20;
  const prlimit = (value) =>
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${value}:`]);
  const held = [];
  prlimit(limit);
  const failure = await hold(path, held);
  if (failure !== 'EMFILE') problems.push(`opening files ended with ${failure}`);
  const refused = await TcpStream.connect({ hostname: '127.0.0.1', port: 1 }).catch((e) => e.code);
  if (refused !== 'EMFILE') problems.push(`connecting ended with ${refused}`);
  // A channel does without a descriptor.
  const { channel, port } = Channel.create();
  const other = Channel.open(port);
  await channel.send('through');
  if ((await other.receive()) !== 'through') problems.push('no channel without descriptors');
  await Promise.all([channel.close(), other.close()]);
  for (const file of held) await file.close();
  prlimit(4096);
  if (!isOnRing) return;
  const buffers = Array.from({ length: SLOTS }, () => ring.buffers.allocate(1));
  try {
    ring.buffers.allocate(1);
    problems.push('more buffers than slots');
  } catch (error) {
    if (error.code !== 'ERR_TABLE_FULL') problems.push(String(error));
  }
  for (const buffer of buffers) buffer.release();
}

/** Opens a file until that fails. */
async function hold(path, held) {
  for (let n = 0; n < 100; n += 1) {
    try {
      held.push(await File.open(path));
    } catch (error) {
      return error.code;
    }
  }
  return 'nothing';
}

/** What must be the same before and after; the kernel and Node let go a little later. */
async function resources() {
  let last = '';
  for (let turns = 0; turns < 200; turns += 1) {
    await sleep(1);
    const now = JSON.stringify(look());
    if (now === last && ring.metrics().inFlight === 0) break;
    last = now;
  }
  return look();
}

function look() {
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    segments: maps.filter((line) => line.includes('SYSV')).length,
    buffers: isOnRing ? ring.buffers.used : 0,
    files: isOnRing ? ring.files.used : 0,
    resources: ring.resources.size,
    rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
  };
}

function abortSoon(random) {
  const controller = new AbortController();
  const abort = () => controller.abort(new Error('enough'));
  const when = random.below(4);
  if (when === 0) queueMicrotask(abort);
  else if (when === 1) setImmediate(abort);
  else void sleep(random.below(20) / 10).then(abort);
  return controller.signal;
}

/** For a promise that an abort may reject: `null` then. */
function aborted(error) {
  if (error.message !== 'enough') throw error;
  return null;
}

function fill(size) {
  return 'f'.repeat(size);
}

/** mulberry32, as in test/support/seeded-random.ts. */
function generator(from) {
  let state = from >>> 0;
  return {
    below(limit) {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
    },
  };
}
