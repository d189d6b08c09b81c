/**
 * The end that connects, many times, and does with each connection what `plan.mjs` says. What comes
 * back must be what was sent, as far as it comes.
 *
 * Arguments: address, ports as JSON, seed, connections before the first look, connections after
 * it, at once. Prints what it holds after the first part, waits for a line, and prints it again at
 * the end. Wants `--expose-gc`.
 */

import { createInterface } from 'node:readline';
import { setImmediate as nextTurn, setTimeout as nodeSleep } from 'node:timers/promises';
import { abortSoon, aborted, count, counts, problems, ring } from '../stage.mjs';
import { bytesOf, planOf, Track } from './plan.mjs';
import { resources } from '../resources.mjs';
import { TcpStream } from 'onering';
import { connect } from 'onering/net';
import { setTimeout as sleep } from 'onering/timers/promises';

const [address, portsText, ...numbers] = process.argv.slice(2);
const ports = JSON.parse(portsText);
const [seed, warmUps, connections, atOnce] = numbers.map(Number);
/** Long enough for the buffers of both kernels to fill. */
const MUTE_MS = 250;
/** A reset that the network loses is never sent again: who waits for it gives up after this. */
const GIVEN_UP_MS = 5000;
/** A connection whose packets are lost again and again takes its time; none takes this. */
const HANGS_MS = 90_000;
const running = new Map();
let next = 1;

process.stderr.write('');
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const watchdog = setInterval(watch, 5000);
await run(warmUps);
console.log(JSON.stringify(await look()));
await lines.next();
await run(connections);
console.log(JSON.stringify(await look()));
clearInterval(watchdog);
await lines.next();
await ring.close();
process.stdin.destroy();

async function run(total) {
  const last = next + total;
  const lane = async () => {
    while (next < last) await live(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

async function live(id) {
  const plan = planOf(seed, id);
  const track = new Track(id);
  running.set(id, { plan, track, startMs: performance.now() });
  const target = { port: ports[plan.form], plan, track };
  let failure = null;
  try {
    failure = await (plan.isPromise ? promiseLife(target) : netLife(target));
  } catch (error) {
    problems.push(`client: ${id}, ${plan.fate}: ${error.stack}`);
  }
  running.delete(id);
  count(plan.fate);
  if (failure !== null) count(`client ${failure.code ?? failure.message}`);
  if (track.problem !== null) problems.push(`client: ${String(track.problem)}`);
  if (!plan.isOrderly) return;
  const how = `${plan.fate}, ${plan.form}, ${plan.isPromise ? 'promises' : 'net'}`;
  if (track.size !== plan.size || failure !== null) {
    problems.push(`client: ${id} (${how}) got ${track.size} of ${plan.size}, ${failure}`);
  }
}

/** Pieces of random sizes; stops where the client is to fail. */
function* piecesOf({ id, size, cutAt, fate, random }) {
  const isCut = fate.startsWith('client') && fate !== 'client never reads';
  const last = isCut ? cutAt : size;
  for (let at = 0; at < last;) {
    const to = Math.min(last, at + 1 + random.below(random.below(4) === 0 ? 60_000 : 3000));
    yield bytesOf(id, at, to);
    at = to;
  }
}

async function netLife({ port, plan, track }) {
  const { fate, random } = plan;
  const aborter = new AbortController();
  const signal = fate === 'client aborts' ? { signal: aborter.signal } : {};
  const socket = connect({ port, host: address, ...signal });
  let failure = null;
  let [begun, over] = [0, 0];
  socket.on('error', (error) => (failure ??= error));
  const gone = new Promise((resolve) => {
    socket.once('close', resolve);
  });
  const take = (chunk) => {
    track.take(chunk);
    if (fate !== 'slow client' || random.below(3) !== 0) return;
    socket.pause();
    setTimeout(() => socket.resume(), random.below(8));
  };
  if (fate !== 'client never reads') socket.on('data', take);
  if (fate === 'connect is aborted') {
    if (random.below(2) === 0) await nextTurn();
    socket.destroy();
  }
  const enough = enoughOf(plan);
  for (const piece of piecesOf(plan)) {
    if (socket.destroyed) break;
    begun += 1;
    const isRoom = socket.write(piece, () => (over += 1));
    if (!isRoom) await room(socket, gone, enough);
    if (random.below(4) === 0) await nextTurn();
  }
  if (fate === 'client never reads') await enough;
  if (fate === 'client resets') socket.resetAndDestroy();
  else if (fate === 'client aborts') aborter.abort();
  else if (plan.isOrderly || fate.startsWith('server')) socket.end();
  else socket.destroy();
  const timer = giveUpLater(plan, () => socket.destroy());
  await gone;
  clearTimeout(timer);
  await nextTurn();
  if (over !== begun) problems.push(`client: ${plan.id}: ${over} of ${begun} writes called back`);
  return failure;
}

async function room(socket, gone, enough) {
  let resume;
  const drained = new Promise((resolve) => {
    resume = resolve;
  });
  socket.once('drain', resume);
  await Promise.race([drained, gone, enough]);
  socket.off('drain', resume);
}

/** When one that never reads has waited long enough for room. */
function enoughOf({ fate }) {
  return fate === 'client never reads' ? nodeSleep(MUTE_MS) : new Promise(() => {});
}

function giveUpLater({ fate }, destroy) {
  if (!fate.startsWith('server')) return undefined;
  return setTimeout(() => {
    count('given up');
    destroy();
  }, GIVEN_UP_MS);
}

async function promiseLife({ port, plan, track }) {
  const { fate, random } = plan;
  const isAborted = fate === 'connect is aborted';
  const signal = isAborted ? abortSoon(random) : undefined;
  const stream = await TcpStream.connect({ hostname: address, port, signal }).catch((error) => {
    if (!isAborted) throw error;
    return aborted(error);
  });
  if (stream === null) return null;
  // Two sides of one connection: the first failure is that of both.
  let failure = null;
  const fail = (error) => {
    failure ??= error;
    return stream.destroy();
  };
  const reading = fate === 'client never reads' ? null : readAll(stream, plan, track).catch(fail);
  const writing = writeAll(stream, plan).catch(fail);
  if (fate === 'client never reads') await Promise.race([enoughOf(plan), writing]);
  else await writing;
  const isOver = plan.isOrderly || fate.startsWith('server');
  if (!isOver || failure !== null) void stream.destroy();
  const timer = giveUpLater(plan, () => void stream.destroy());
  await Promise.all([reading, writing]);
  clearTimeout(timer);
  await stream.close();
  // What the client did itself is no failure.
  return isOver ? failure : null;
}

async function readAll(stream, { fate, random }, track) {
  for (let turn = 0; ; turn += 1) {
    const signal = turn % 5 === 4 ? abortSoon(random) : undefined;
    const chunk = await stream.read({ signal }).catch(aborted);
    if (chunk === null) {
      if (signal?.aborted) continue;
      return;
    }
    track.take(chunk);
    if (fate === 'slow client' && random.below(3) === 0) await sleep(random.below(8));
  }
}

async function writeAll(stream, plan) {
  const { fate, random } = plan;
  const pending = [];
  for (const piece of piecesOf(plan)) {
    const isAborted = fate === 'client aborts' && random.below(2) === 0;
    const write = stream.write(piece, isAborted ? { signal: abortSoon(random) } : {});
    pending.push(write);
    if (random.below(2) === 0) await write;
    else {
      write.catch(() => {
        // Waited for at the end, with all the others.
      });
    }
  }
  await Promise.all(pending);
  if (plan.isOrderly || fate.startsWith('server')) await stream.shutdown();
}

async function look() {
  const { inFlight, buffersExhausted, lostCompletions, lateCompletions } = ring.metrics();
  const metrics = { inFlight, buffersExhausted, lostCompletions, lateCompletions };
  const held = await resources();
  const heapMiB = Math.round(process.memoryUsage().heapUsed / 2 ** 20);
  return { ...held, heapMiB, finished: next - 1, problems, counts, metrics };
}

/** Ends the program when something hangs, and tells what does. */
function watch() {
  for (const [id, { plan, track, startMs }] of running) {
    if (performance.now() - startMs < HANGS_MS) continue;
    const { fate, form, isPromise, size } = plan;
    problems.push(`client: ${id} hangs: ${fate}, ${form}, ${isPromise}, ${track.size} of ${size}`);
  }
  if (problems.length === 0) return;
  console.log(JSON.stringify({ problems, counts }));
  process.exit(0);
}
