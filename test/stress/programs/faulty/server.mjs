/**
 * The end that sends everything back, in three forms on three ports, while connections of the other
 * end fail in all the ways of `plan.mjs`, and it fails some of them itself.
 *
 * Arguments: address, seed. Prints its ports, and for each line `look` that it reads what it holds
 * then: see `resources.mjs`. Wants `--expose-gc`.
 */

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { aborted, abortSoon, count, counts, problems, ring } from '../stage.mjs';
import { planOf, Track } from './plan.mjs';
import { resources } from '../resources.mjs';
import { TcpListener } from 'onering';
import { createServer } from 'onering/net';
import { setTimeout as sleep } from 'onering/timers/promises';

const [address, seedText] = process.argv.slice(2);
const seed = Number(seedText);
/** A reset that the network loses is never sent again: who waits for it is given up after this. */
const GIVEN_UP_MS = 2000;
/** Connections that are open, and how to be done with each. */
const open = new Map();
let finished = 0;

const servers = { net: await netServer(), promise: await promises(), callback: await callbacks() };
// What Node opens once is open before anything is counted.
process.stderr.write('');
const ports = Object.entries(servers).map(([form, { port }]) => [form, port]);
console.log(JSON.stringify(Object.fromEntries(ports)));
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'look') console.log(JSON.stringify(await look()));
}
await Promise.all(Object.values(servers).map(({ close }) => close()));
await ring.close();

async function look() {
  const deadline = performance.now() + GIVEN_UP_MS;
  while (open.size > 0 && performance.now() < deadline) await sleep(10);
  for (const { track, destroy } of open.values()) {
    const { isOrderly } = track.id === null ? { isOrderly: false } : planOf(seed, track.id);
    if (isOrderly) problems.push(`${track.id} is still open, ${track.size} bytes in`);
    count('given up');
    destroy();
  }
  while (open.size > 0) await sleep(10);
  const { inFlight, buffersExhausted, lostCompletions, lateCompletions } = ring.metrics();
  const metrics = { inFlight, buffersExhausted, lostCompletions, lateCompletions };
  const heapMiB = Math.round(process.memoryUsage().heapUsed / 2 ** 20);
  return { ...(await resources()), heapMiB, finished, problems, counts, metrics };
}

/** A connection that is open from now on. The result says that it is over. */
function begin(track, destroy) {
  const entry = {};
  open.set(entry, { track, destroy });
  count('accepted');
  return () => {
    open.delete(entry);
    finished += 1;
    if (track.problem !== null) problems.push(`server: ${track.problem}`);
  };
}

/** What the plan wants now that so much has arrived: `reset`, `destroy` or nothing. */
function due(track) {
  if (track.id === null) return null;
  const { fate, cutAt } = planOf(seed, track.id);
  if (track.size < cutAt) return null;
  if (fate === 'server resets') return 'reset';
  return fate === 'server destroys' ? 'destroy' : null;
}

/** The other end says that nothing follows. */
function ended(track) {
  if (track.id === null) return;
  const { isOrderly, size } = planOf(seed, track.id);
  if (isOrderly && track.size !== size) {
    problems.push(`server: ${track.id} ended after ${track.size} of ${size}`);
  }
}

/** Whether it is one to be slow with, this time. */
function isSlow(track) {
  if (track.id === null) return false;
  const { fate, random } = planOf(seed, track.id);
  return fate === 'slow server' && (track.size + random.below(2)) % 2 === 0;
}

async function listening(server) {
  server.listen(0, address);
  await once(server, 'listening');
  return server;
}

async function netServer() {
  let isPiped = false;
  const server = createServer((socket) => {
    const track = new Track();
    const over = begin(track, () => socket.destroy());
    // A peer whose reset was lost is found out.
    socket.setKeepAlive(true, 1000);
    socket.on('error', ({ code }) => count(`server ${code}`));
    socket.on('close', over);
    socket.on('end', () => ended(track));
    socket.on('data', (chunk) => {
      track.take(chunk);
      const what = due(track);
      if (what === 'reset') socket.resetAndDestroy();
      else if (what === 'destroy') socket.destroy();
    });
    isPiped = !isPiped;
    if (isPiped) socket.pipe(socket);
    else sendBack(socket, track);
  });
  await listening(server);
  const close = async () => {
    server.close();
    await once(server, 'close');
  };
  return { port: server.address().port, close };
}

function sendBack(socket, track) {
  const resume = () => socket.resume();
  socket.on('drain', resume);
  socket.on('data', (chunk) => {
    if (socket.destroyed) return;
    const isRoom = socket.write(chunk);
    const isLate = isRoom && isSlow(track);
    if (!isRoom || isLate) socket.pause();
    if (isLate) setTimeout(resume, 3);
  });
}

async function promises() {
  const listener = await TcpListener.listen({ hostname: address, port: 0 });
  const accepting = (async () => {
    for await (const stream of listener) void flow(stream);
  })();
  const close = async () => {
    await listener.close();
    await accepting;
  };
  return { port: listener.address().port, close };
}

async function flow(stream) {
  const track = new Track();
  const over = begin(track, () => void stream.destroy());
  try {
    for (let turn = 0; ; turn += 1) {
      const isAborted = turn % 7 === 3;
      const signal = isAborted ? abortSoon(planOf(seed, turn).random) : undefined;
      const isLent = turn % 2 === 0;
      const got = await tried(isLent ? stream.lease({ signal }) : stream.read({ signal }));
      if (got === 'aborted') continue;
      if (got === null) break;
      await answer(stream, track, isLent ? got.bytes : got).finally(() => isLent && got.release());
    }
    ended(track);
    await stream.close();
  } catch ({ code, message }) {
    count(`server ${code ?? message}`);
    await stream.destroy();
  }
  over();
}

async function answer(stream, track, chunk) {
  track.take(chunk);
  if (isSlow(track)) await sleep(3);
  if (due(track) === null) await stream.write(chunk);
  else await stream.destroy();
}

async function tried(promise) {
  try {
    return await promise;
  } catch (error) {
    aborted(error);
    count('aborted receives');
    return 'aborted';
  }
}

async function callbacks() {
  const listener = await TcpListener.listen({
    hostname: address,
    port: 0,
    socket: {
      open(socket) {
        const track = new Track();
        socket.data = { track, over: begin(track, () => socket.destroy()) };
      },
      data(socket, chunk) {
        const { track } = socket.data;
        track.take(chunk);
        if (due(track) !== null) {
          socket.destroy();
          return;
        }
        const isRoom = socket.write(chunk);
        const isLate = isRoom && isSlow(track);
        if (!isRoom || isLate) socket.pause();
        if (isLate) setTimeout(() => socket.resume(), 3);
      },
      drain: (socket) => socket.resume(),
      error: (_socket, { code }) => count(`server ${code}`),
      close: ({ data: { over } }) => over(),
    },
  });
  return { port: listener.address().port, close: () => listener.close() };
}
