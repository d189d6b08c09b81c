/**
 * Messages between this thread and a worker, in both directions at once, numbered: none may be lost
 * or doubled. Meanwhile both rings are pressed: small completion queues overflow, grow and shrink.
 *
 * Arguments: how many messages for each direction, a seed.
 */

import { once } from 'node:events';
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { Channel, Runtime } from 'onering';

const given = { count: Number(process.argv[2]), seed: Number(process.argv[3]), port: null };
const { count, seed, port } = isMainThread ? given : workerData;
let randomState = seed >>> 0;
// Grows after one pressed batch and shrinks within milliseconds, over and over.
const ring = new Runtime({
  entries: 8,
  completionEntries: 8,
  completionEntriesMax: 64,
  resize: { pressedBatches: 1, quietMs: 2 },
});

if (isMainThread) {
  const { channel, port: other } = Channel.create({ capacity: 16_384 });
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { count, seed: seed + 1, port: other },
    transferList: [other],
  });
  const exited = once(worker, 'exit');
  const main = await exchange(channel);
  const reply = await channel.receive();
  await channel.close();
  await exited;
  await ring.close();
  console.log(JSON.stringify({ main, worker: reply }));
} else {
  const channel = Channel.open(port);
  await channel.send(await exchange(channel));
  await channel.receive().catch(({ code }) => {
    if (code !== 'ERR_CHANNEL_CLOSED') throw new Error(code);
  });
}

/** Sends and receives all messages, and tells what was wrong with those that came. */
async function exchange(channel) {
  const problems = [];
  const state = { isOver: false };
  const pressure = press(state);
  const sending = send(channel);
  for (let index = 0; index < count; index += 1) {
    const message = await channel.receive();
    const problem = check(message, index);
    if (problem !== undefined && problems.length < 5) problems.push(problem);
  }
  await sending;
  state.isOver = true;
  await pressure;
  const { messages, completionOverflows, resizesGrown, resizesShrunk, lateCompletions } =
    ring.metrics();
  return { problems, messages, completionOverflows, resizesGrown, resizesShrunk, lateCompletions };
}

async function send(channel) {
  for (let index = 0; index < count; index += 1) {
    const kind = index % 3;
    if (kind === 0) await channel.send(index);
    else if (kind === 1) await channel.send({ index, text: 'x'.repeat(index % 50) });
    else await channel.send(Buffer.alloc(4 + (index % 100), index & 0xff));
  }
}

function check(message, index) {
  const kind = index % 3;
  const isRight =
    kind === 0
      ? message === index
      : kind === 1
        ? message.index === index && message.text.length === index % 50
        : message.length === 4 + (index % 100) && message.at(-1) === (index & 0xff);
  return isRight ? undefined : `${index}: ${JSON.stringify(message)}`;
}

/** Bursts that overflow the completion queue, and pauses in which it shrinks again. */
async function press(state) {
  while (!state.isOver) {
    const burst = 1 + Math.floor(random() * 200);
    for (let n = 1; n < burst; n += 1) ring.nop(() => {});
    await ring.nop();
    await new Promise((resolve) => setTimeout(resolve, random() * 12));
  }
}

/** mulberry32, as in test/support/seeded-random.ts. */
function random() {
  randomState = (randomState + 0x6d2b79f5) | 0;
  let mixed = Math.imul(randomState ^ (randomState >>> 15), 1 | randomState);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
