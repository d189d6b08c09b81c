/**
 * The other thread of `channel.ts`: counts streams, sends pings back, on all three ways at once.
 */

import { workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { Channel, prep, runtime } from 'onering';

/** As in `channel.ts`. */
const ANSWER_EVERY = 1000;

const given = workerData as {
  channel: MessagePort;
  port: MessagePort;
  events: readonly [number, number];
};
const channel = Channel.open(given.channel);
answerPort(given.port);
void answerEvents(given.events);
await channel.send('ready');
await answerChannel();
given.port.close();
await runtime().close();

async function answerChannel(): Promise<void> {
  let count = 0;
  for await (const message of channel) {
    if (message === 'ping') {
      await channel.send('pong');
    } else if (message === 'count') {
      await channel.send(count);
      count = 0;
    } else {
      count += 1;
    }
  }
}

function answerPort(port: MessagePort): void {
  let count = 0;
  port.on('message', (message: unknown) => {
    if (message === 'ping') {
      port.postMessage('pong');
      return;
    }
    if (message === 'count') {
      port.postMessage(count);
      count = 0;
      return;
    }
    count += 1;
    if (count % ANSWER_EVERY === 0) port.postMessage(count);
  });
}

async function answerEvents([there, back]: readonly [number, number]): Promise<void> {
  const ring = runtime();
  const block = ring.engine?.pool.take(16);
  if (block === undefined) return;
  block.words.fill(0, 0, 4);
  block.words[0] = 1;
  try {
    for (;;) {
      await ring.submit((sqe) => prep.prepRead(sqe, there, block.address + 8, 8, -1));
      void ring.submit((sqe) => prep.prepWrite(sqe, back, block.address, 8, -1));
    }
  } catch {
    // The runtime was closed, and with it the read that waits.
  }
}
