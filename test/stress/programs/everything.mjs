/**
 * A random program over the whole public API, with a model of what must come of it, all of it at
 * once: see `activities/`. Then limits that are exhausted. At the end nothing may be left.
 *
 * Arguments: a seed, how many steps each activity takes, and for how many minutes that is repeated
 * with the seeds that follow (0: once). What an activity does depends on the seed and on nothing
 * else; how the activities interleave depends on the kernel. Wants `--expose-gc`.
 */

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { generator, counts, isOnRing, problems, ring } from './stage.mjs';
import * as core from './activities/core.mjs';
import * as socketActivities from './activities/sockets.mjs';
import * as storage from './activities/storage.mjs';
import { look, resources } from './resources.mjs';
import { Channel, File, TcpStream, UdpSocket } from 'onering';
import * as fs from 'onering/fs/promises';

const [seed, steps, minutes] = process.argv.slice(2).map(Number);
const LANES = 3;
const SLOTS = 1024;
/** koffi keeps mappings of every worker, and a process may have 65,530. */
const ROUNDS_PER_WORKERS = 5;
const SAMPLES = 10;
/** A round takes two seconds on an idle machine. */
const HANGS_MS = 60_000;
const running = new Set();
let rounds = 0;
const { workers, ...others } = { ...core, ...socketActivities, ...storage };

// What Node and koffi open once is open before anything is counted.
process.stderr.write('');
await runAll(5, 7, { ...others, workers });
await exhaust();
const before = await resources();
const samples = [];
const startMs = performance.now();
do {
  const hasWorkers = rounds % ROUNDS_PER_WORKERS === 0;
  await runAll(steps, seed + rounds, hasWorkers ? { ...others, workers } : others);
  await exhaust();
  if (problems.length > 0) problems.unshift(`replay with ONERING_SEED=${seed + rounds}`);
  rounds += 1;
  if (elapsedMinutes() > (samples.length * minutes) / SAMPLES) samples.push(await sample());
} while (elapsedMinutes() < minutes && problems.length === 0);
const after = await resources();
const metrics = ring.metrics();
await ring.close();
console.log(JSON.stringify({ problems, counts, rounds, before, samples, after, metrics }));

function elapsedMinutes() {
  return (performance.now() - startMs) / 60_000;
}

async function sample() {
  return { minute: Math.round(elapsedMinutes()), rounds, ...(await resources()) };
}

/** Ends the program when it hangs, and tells what does. */
function watch() {
  return setTimeout(() => {
    const { inFlight, timers } = ring.metrics();
    const hanging = `still running after ${HANGS_MS} ms: ${[...running].join(', ')}`;
    problems.push(`${hanging}; ${inFlight} in flight, ${timers} timers; seed ${seed + rounds}`);
    console.log(JSON.stringify({ problems, counts, before: look(), after: look() }));
    process.exit(0);
  }, HANGS_MS);
}

async function runAll(stepCount, from, activities) {
  const watchdog = watch();
  const runs = Object.entries(activities).flatMap(([name, run], kind) =>
    Array.from({ length: LANES }, async (_, lane) => {
      const random = generator(from + kind * 1000 + lane);
      const label = `${name} ${lane}`;
      running.add(label);
      try {
        await run(random, stepCount, lane);
      } catch (error) {
        problems.push(`${label}: ${error.stack}`);
      }
      running.delete(label);
    }),
  );
  await Promise.all(runs);
  clearTimeout(watchdog);
  // What was forgotten gives its slots back.
  await resources();
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
  const bound = await UdpSocket.bind().catch((error) => error.code);
  if (bound !== 'EMFILE') problems.push(`binding ended with ${String(bound)}`);
  const opened = await fs.open(path).catch((error) => error.code);
  if (opened !== 'EMFILE') problems.push(`opening a handle ended with ${String(opened)}`);
  // On the ring a whole file is read without a descriptor of the process.
  const whole = await fs.readFile(path, 'utf8').catch((error) => error.code);
  if (whole !== 'EMFILE' && !whole.startsWith('/**')) problems.push(`reading gave ${whole}`);
  // A channel does without a descriptor.
  const { channel, port } = Channel.create();
  const other = Channel.open(port);
  await channel.send('through');
  if ((await other.receive()) !== 'through') problems.push('no channel without descriptors');
  await Promise.all([channel.close(), other.close()]);
  for (const file of held) await file.close();
  prlimit(4096);
  if (!isOnRing) return;
  // Those that were forgotten come back when their finalizers have run, on a busy machine late.
  for (let n = 0; n < 200 && ring.buffers.used > 0; n += 1) {
    globalThis.gc();
    await sleep(10);
  }
  if (ring.buffers.used > 0) {
    const { leased, inFlight } = ring.metrics();
    problems.push(`${ring.buffers.used} slots in use, ${leased} leased, ${inFlight} in flight`);
    return;
  }
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
