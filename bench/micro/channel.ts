/**
 * A message to another thread: one way in a stream of many, and there and back.
 *
 *   Channel      through shared memory, woken over the ring
 *   MessagePort  Node's own
 *   eventfd      there and back only: a number of 8 bytes, read and written by both rings
 *
 * Senders of a stream wait when the receiver is behind: those of a channel by themselves, those of
 * a port for an answer to every thousandth message, with eight thousand on their way at most.
 */

import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { Channel, prep, Runtime } from 'onering';
import { loadLibc } from '../../src/native/libc.ts';
import { measureParts, scaled } from './measurement.ts';
import type { Micro, Part, Size } from './measurement.ts';

const STREAM = 100_000;
const ROUND_TRIPS = 2000;
/** Messages between two answers of a port's receiver, and how many may be unanswered. */
const ANSWER_EVERY = 1000;
const UNANSWERED_MAX = 8 * ANSWER_EVERY;
/** `eventfd2(2)`, by architecture. */
const SYS_EVENTFD2 = process.arch === 'x64' ? 290 : 19;

const kinds: Readonly<Record<string, (index: number) => unknown>> = {
  number: (index) => index,
  object: (index) => ({ id: index, op: 'read', path: '/etc/passwd', size: 4096 }),
  '64 bytes': () => new Uint8Array(64),
};

export const channel: Micro = {
  name: 'channel',
  summary: 'a message to another thread: Channel, MessagePort, eventfd',
  async run(size) {
    const runtime = new Runtime({ backend: 'uring' });
    const { channel: near, port: far } = Channel.create();
    const { port1, port2 } = new MessageChannel();
    const events = [makeEvent(), makeEvent()] as const;
    const worker = new Worker(new URL('channel-worker.js', import.meta.url), {
      workerData: { channel: far, port: port2, events },
      transferList: [far, port2],
    });
    const exited = once(worker, 'exit');
    try {
      await near.receive();
      const streams = Object.entries(kinds).flatMap(([name, make]) => [
        streamPart(`Channel, ${name}`, size, (count) => streamOnChannel(near, make, count)),
        streamPart(`MessagePort, ${name}`, size, (count) => streamOnPort(port1, make, count)),
      ]);
      return await measureParts(size, [
        ...streams,
        tripPart('Channel', size, (count) => tripOnChannel(near, count)),
        tripPart('MessagePort', size, (count) => tripOnPort(port1, count)),
        tripPart('eventfd', size, (count) => tripOnEvents(runtime, events, count)),
      ]);
    } finally {
      port1.close();
      await near.close();
      await exited;
      const kernel = runtime.engine?.host.kernel;
      await runtime.close();
      for (const fd of events) kernel?.close(fd);
    }
  },
};

function makeEvent(): number {
  const libc = loadLibc();
  if (typeof libc === 'string') throw new Error(libc);
  const fd = libc.syscall(SYS_EVENTFD2, 0, 0, 0, 0, 0, 0);
  if (fd < 0) throw new Error('No eventfd');
  return fd;
}

function streamPart(name: string, size: Size, work: (count: number) => Promise<void>): Part {
  return { name, count: scaled(STREAM, size), measure: elapsedOf(work) };
}

function tripPart(name: string, size: Size, work: (count: number) => Promise<void>): Part {
  const count = scaled(ROUND_TRIPS, size);
  return { name: `${name}, there and back`, count, measure: elapsedOf(work) };
}

function elapsedOf(work: (count: number) => Promise<void>): Part['measure'] {
  return async (count) => {
    const startMs = performance.now();
    await work(count);
    return performance.now() - startMs;
  };
}

async function streamOnChannel(
  near: Channel,
  make: (index: number) => unknown,
  count: number,
): Promise<void> {
  for (let index = 1; index < count; index += 1) await near.send(make(index));
  await near.send('count');
  const received = await near.receive();
  if (received !== count - 1) throw new Error(`${String(received)} of ${count - 1} messages`);
}

async function streamOnPort(
  port: MessagePort,
  make: (index: number) => unknown,
  count: number,
): Promise<void> {
  let answered = 0;
  for (let index = 1; index < count; index += 1) {
    port.postMessage(make(index));
    if (index % ANSWER_EVERY === 0 && index - answered >= UNANSWERED_MAX) {
      answered = await answerOf(port);
    }
  }
  port.postMessage('count');
  while (answered !== count - 1) answered = await answerOf(port);
}

/** A port's own promise of a message costs as much as the message: this is not in its way. */
function answerOf(port: MessagePort): Promise<number> {
  return new Promise((resolve) => port.once('message', resolve));
}

async function tripOnChannel(near: Channel, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await near.send('ping');
    await near.receive();
  }
}

function tripOnPort(port: MessagePort, count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    const onMessage = (): void => {
      left -= 1;
      if (left > 0) {
        port.postMessage('ping');
        return;
      }
      port.off('message', onMessage);
      resolve();
    };
    port.on('message', onMessage);
    port.postMessage('ping');
  });
}

async function tripOnEvents(
  runtime: Runtime,
  [there, back]: readonly [number, number],
  count: number,
): Promise<void> {
  const pool = runtime.engine?.pool;
  const block = pool?.take(16);
  if (pool === undefined || block === undefined) throw new Error('Expected a ring');
  block.words.fill(0, 0, 4);
  block.words[0] = 1;
  for (let index = 0; index < count; index += 1) {
    void runtime.submit((sqe) => prep.prepWrite(sqe, there, block.address, 8, -1));
    await runtime.submit((sqe) => prep.prepRead(sqe, back, block.address + 8, 8, -1));
  }
  pool.give(block);
}
