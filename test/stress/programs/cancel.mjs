/**
 * Begins operations of every kind that takes a signal and aborts most of them at random moments:
 * before, at once, in a tick, in a completion, while the kernel is at it, after the end.
 *
 * Every buffer is filled with another pattern as soon as its promise has settled, and looked at
 * again later: a late completion would show. Bytes and connections that a peer sent are counted
 * against those that arrived: an aborted read or accept may lose none of them.
 *
 * Arguments: how many operations, a seed.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { File, prep, runtime, TcpListener, TcpStream } from 'onering';
import { setImmediate as nextTurn, setTimeout as sleep } from 'onering/timers/promises';

const [countText, seedText] = process.argv.slice(2);
const LANES = 256;
const FILE_SIZE = 1024 * 1024;
const SMALL = 4096;
const LARGE = 512 * 1024;
const FILE_BYTE = 0x11;
const QUARANTINE_MAX = 256;
const BYTES_PER_FEED = 512;
/** Connections that nobody has accepted yet. */
const WAITING_MAX = 64;

const ring = runtime();
const isOnRing = ring.backend === 'uring';
const folder = mkdtempSync(join(tmpdir(), 'onering-cancel-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
let randomState = Number(seedText) >>> 0;
const problems = [];
const outcomes = { done: 0, aborted: 0 };
/** Buffers whose operations are over, with the byte that they must keep. */
const quarantine = [];
const sent = { bytes: 0, connections: 0 };
const received = { bytes: 0, connections: 0 };
let left = Number(countText);

// What Node opens once for pipes and sockets is open before anything is counted.
await (await TcpListener.listen({ port: 0 })).close();
process.stderr.write('');
const before = await descriptors();
const stage = await openStage();
const kinds = Object.entries(everyKind());
await Promise.all(Array.from({ length: LANES }, lane));
await collectRest();
await closeStage();
for (const entry of quarantine) inspect(entry);
const { inFlight, lateCompletions } = ring.metrics();
const leaked = (await descriptors()) - before;
await ring.close();
console.log(
  JSON.stringify({ problems, outcomes, sent, received, inFlight, lateCompletions, leaked }),
);

async function lane() {
  while (left > 0) {
    left -= 1;
    const [name, run] = kinds[below(kinds.length)];
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new Error('aborted on purpose');
    const abort = () => controller.abort(reason);
    scheduleAbort(abort);
    try {
      await run(signal);
      outcomes.done += 1;
    } catch (error) {
      const isOurs = error === reason || error.cause === reason;
      if (isOurs) outcomes.aborted += 1;
      else if (!isAcceptable(name, error)) problems.push(`${name}: ${error.stack}`);
    }
    if (problems.length > 20) left = 0;
  }
}

/** Aborts at a random moment, at the latest in 20 ms: what never completes must end, too. */
function scheduleAbort(abort) {
  const moments = [
    () => abort(),
    () => queueMicrotask(abort),
    () => process.nextTick(abort),
    () => setImmediate(() => abort()),
    () => ring.nop(abort),
    () => void ring.nop().then(abort),
    () => void ring.nop().then(() => ring.nop(abort)),
    () => void sleep(random() * 0.3).then(abort),
    () => void sleep(random() * 2).then(abort),
    () => setTimeout(() => abort(), below(4)),
  ];
  const at = below(moments.length + 2);
  (moments[at] ?? (() => setTimeout(() => abort(), 20)))();
}

function isAcceptable(name, { code }) {
  // A reset by a peer that gave up its half of an aborted connection.
  return name === 'connect' && (code === 'ECONNRESET' || code === 'EPIPE');
}

async function openStage() {
  const path = join(folder, 'file');
  writeFileSync(path, Buffer.alloc(FILE_SIZE, FILE_BYTE));
  const fifoPath = join(folder, 'fifo');
  execFileSync('mkfifo', [fifoPath], { stdio: 'ignore' });
  const hostname = '127.0.0.1';
  const listener = await TcpListener.listen({ hostname, port: 0 });
  const { port } = listener.address();
  const sink = await TcpListener.listen({ hostname, port: 0, socket: { data() {} } });
  const feeder = await TcpStream.connect({ hostname, port });
  const fed = await listener.accept();
  const dryPeer = await TcpStream.connect({ hostname, port });
  const dry = await listener.accept();
  return {
    listener,
    address: { hostname, port },
    sink,
    sinkAddress: { hostname, port: sink.address().port },
    feeder,
    fed,
    dryPeer,
    dry,
    path,
    source: await File.open(path),
    target: await File.open(join(folder, 'target'), 'w+'),
    // Opened for both, a pipe has always a writer, and a read waits. Node's thread pool would too.
    fifo: isOnRing ? await File.open(fifoPath, 'r+') : undefined,
    nextTarget: 0,
  };
}

function everyKind() {
  const onEither = {
    smallRead: (signal) => readFile(SMALL, signal),
    largeRead: (signal) => readFile(LARGE, signal),
    write: (signal) => writeTarget(signal),
    streamRead: (signal) => readFed(signal),
    dryRead: (signal) => stage.dry.read({ signal }),
    accept: (signal) => acceptOne(signal),
    connect: (signal) => connectOne(signal),
    timer: (signal) => sleep(random() * 3, undefined, { signal }),
    immediate: (signal) => nextTurn(undefined, { signal }),
  };
  if (!isOnRing) return onEither;
  return {
    ...onEither,
    fifoRead: (signal) => readFifo(signal),
    nop: (signal) => ring.submit((sqe) => prep.prepNop(sqe), { signal }),
    poll: (signal) => ring.submit((sqe) => prep.prepPollAdd(sqe, stage.fifo.fd, 1), { signal }),
    multishot: (signal) => pollOften(signal),
  };
}

async function readFile(size, signal) {
  const { source } = stage;
  const buffer = Buffer.alloc(size, 0xee);
  const position = below((FILE_SIZE - size) / SMALL + 1) * SMALL;
  try {
    const count = await source.read(buffer, { position, signal });
    if (count !== size) problems.push(`read ${count} of ${size} bytes`);
    else if (buffer[0] !== FILE_BYTE || buffer[size - 1] !== FILE_BYTE) {
      problems.push(`read ${buffer[0]} and ${buffer[size - 1]}`);
    }
  } finally {
    retire(buffer);
  }
}

/** Each write has a place of its own; what is there in the end must be its bytes or none. */
async function writeTarget(signal) {
  const number = stage.nextTarget % 256;
  stage.nextTarget += 1;
  const buffer = Buffer.alloc(SMALL, 1 + (number % 100));
  try {
    await stage.target.write(buffer, { position: number * SMALL, signal });
  } finally {
    // Not a byte that a write may have: 200 in the file would be a late one.
    retire(buffer, 200);
  }
}

async function readFed(signal) {
  const { feeder, fed } = stage;
  if (random() < 0.6) {
    sent.bytes += BYTES_PER_FEED;
    await feeder.write(Buffer.alloc(BYTES_PER_FEED, 0x22));
  }
  const chunk = await fed.read({ signal });
  received.bytes += chunk.length;
  if (chunk.some((byte) => byte !== 0x22)) problems.push('foreign bytes in a stream');
}

async function acceptOne(signal) {
  const { listener, address } = stage;
  // Never more than the backlog holds: a connection that does not fit waits for seconds.
  if (random() < 0.5 && sent.connections - received.connections < WAITING_MAX) {
    sent.connections += 1;
    const stream = await TcpStream.connect(address);
    await stream.shutdown();
    void drained(stream);
  }
  const accepted = await listener.accept({ signal });
  received.connections += 1;
  await accepted.close();
}

/** Reads to the end, so that nothing is reset, and closes. */
async function drained(stream) {
  try {
    while ((await stream.read()) !== null);
  } catch (error) {
    if (error.code !== 'ECONNRESET') problems.push(error.stack);
  }
  await stream.close();
}

async function connectOne(signal) {
  const { sinkAddress } = stage;
  const stream = await TcpStream.connect({ ...sinkAddress, signal });
  await stream.close();
}

async function readFifo(signal) {
  const { fifo } = stage;
  if (random() < 0.5) await fifo.write(Buffer.alloc(64, 0x33));
  const buffer = Buffer.alloc(64, 0xee);
  try {
    const count = await fifo.read(buffer, { signal });
    if (buffer.subarray(0, count).some((byte) => byte !== 0x33)) problems.push('foreign bytes');
  } finally {
    retire(buffer);
  }
}

async function pollOften(signal) {
  const { fifo } = stage;
  const often = ring.multishot((sqe) => prep.prepPollMultishot(sqe, fifo.fd, 1), { signal });
  let seen = 0;
  for await (const { result } of often) {
    if (result < 0) problems.push(`poll gave ${result}`);
    seen += 1;
    if (seen === 3) break;
  }
}

/** The operation is over: from now on nobody may write here. */
function retire(buffer, byte = 0x44) {
  buffer.fill(byte);
  quarantine.push({ buffer, byte });
  if (quarantine.length > QUARANTINE_MAX) inspect(quarantine.shift());
}

function inspect({ buffer, byte }) {
  const at = buffer.findIndex((value) => value !== byte);
  if (at !== -1) problems.push(`late write of ${buffer[at]} into a buffer of ${buffer.length}`);
}

/** What the last aborted reads and accepts have left behind is still there for the next ones. */
async function collectRest() {
  const { fed, listener } = stage;
  while (received.bytes < sent.bytes) {
    const chunk = await withTimeLimit((signal) => fed.read({ signal }));
    if (chunk === undefined) break;
    received.bytes += chunk.length;
  }
  for (;;) {
    const stream = await withTimeLimit((signal) => listener.accept({ signal }));
    if (stream === undefined) break;
    received.connections += 1;
    await stream.close();
  }
}

async function withTimeLimit(run) {
  try {
    return await run(AbortSignal.timeout(50));
  } catch (error) {
    if (error.name !== 'TimeoutError') throw error;
    return undefined;
  }
}

async function closeStage() {
  const { listener, sink, feeder, fed, dryPeer, dry, source, target, fifo } = stage;
  const open = [feeder, fed, dryPeer, dry, source, target, listener, sink];
  await Promise.all(open.map((it) => it.close()));
  await fifo?.close();
  const content = readFileSync(join(folder, 'target'));
  for (let at = 0; at < content.length; at += SMALL) {
    const expected = 1 + ((at / SMALL) % 100);
    const block = content.subarray(at, at + SMALL);
    const wrong = block.find((byte) => byte !== expected && byte !== 0);
    if (wrong !== undefined) problems.push(`target holds ${wrong} at ${at}`);
  }
}

/** How many are open, when those that close a little later have closed. */
async function descriptors() {
  let count = Infinity;
  for (let n = 0; n < 5; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    count = Math.min(count, readdirSync('/proc/self/fd').length);
  }
  return count;
}

function below(limit) {
  return Math.floor(random() * limit);
}

/** mulberry32, as in test/support/seeded-random.ts. */
function random() {
  randomState = (randomState + 0x6d2b79f5) | 0;
  let mixed = Math.imul(randomState ^ (randomState >>> 15), 1 | randomState);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
