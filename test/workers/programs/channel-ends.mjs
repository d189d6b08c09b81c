/**
 * Workers that end in the middle of an exchange, one after the other: terminated, by
 * `process.exit`, or in order. This end must hear of it, keep nothing, and lose nothing that had
 * been sent.
 *
 * Arguments: how they end (`terminate`, `exit`, `close`), how many.
 */

import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { Channel, runtime } from 'onering';

/** Messages after which a worker is ended. */
const ENOUGH = 200;

if (isMainThread) await main();
else await work(Channel.open(workerData.port));

async function main() {
  const [mode, count] = [process.argv[2], Number(process.argv[3])];
  const problems = [];
  await runWorker(mode, problems);
  await runWorker(mode, problems);
  const before = descriptors();
  for (let n = 0; n < count; n += 1) await runWorker(mode, problems);
  for (let turns = 0; turns < 50 && descriptors() > before; turns += 1) await nextTurn();
  const leaked = descriptors() - before;
  await runtime().close();
  const { inFlight, lateCompletions } = runtime().metrics();
  console.log(JSON.stringify({ problems, leaked, inFlight, lateCompletions }));
}

async function runWorker(mode, problems) {
  const { channel, port } = Channel.create({ capacity: 4096 });
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { port, mode },
    transferList: [port],
  });
  const exited = once(worker, 'exit');
  // Is full soon, because the worker reads only half of it.
  const flood = (async () => {
    for (;;) await channel.send({ fill: 'x'.repeat(50) });
  })().catch((error) => error.code);
  let next = 0;
  for await (const message of channel) {
    if (message !== next) problems.push(`${String(message)} instead of ${next}`);
    next += 1;
    if (next === ENOUGH && mode === 'terminate') void worker.terminate();
  }
  if (next < ENOUGH) problems.push(`over after ${next}`);
  const code = await flood;
  if (code !== 'ERR_CHANNEL_CLOSED') problems.push(`sending ended with ${code}`);
  if (!channel.isClosed) problems.push('not closed');
  await channel.close();
  await exited;
}

async function work(channel) {
  for (let index = 0; ; index += 1) {
    await channel.send(index);
    if (index % 2 === 0) await channel.receive();
    if (index < ENOUGH) continue;
    if (workerData.mode === 'exit') process.exit(0);
    if (workerData.mode !== 'close') continue;
    await channel.close();
    return;
  }
}

function descriptors() {
  return readdirSync('/proc/self/fd').length;
}
