/**
 * Messages to another thread through a `Channel`: 1 SECONDS WARMUP --kind=NAME, or nothing for a
 * number there and back. With --style=batch without a promise for each message.
 */

import { isMainThread, Worker, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { Channel } from 'onering';
import { Counter, END, kindOf } from '../messages.ts';
import type { Tally } from '../messages.ts';
import { NopProcess } from '../nop-process.ts';
import { prepareRuntime } from './prepare.ts';

interface Given {
  readonly kindName: string | null;
  readonly style: string | null;
  readonly port: MessagePort;
}

if (isMainThread) await main();
else await answer(workerData as Given);

async function main(): Promise<void> {
  const run = new NopProcess();
  prepareRuntime();
  const { channel, port } = Channel.create();
  const given: Given = { kindName: run.word('kind'), style: run.word('style'), port };
  const worker = new Worker(new URL(import.meta.url), { workerData: given, transferList: [port] });
  worker.unref();
  await channel.receive();
  run.open();
  if (given.kindName === null) {
    await trip(run, channel);
    run.report();
  }
  if (given.style === 'batch') await post(run, channel, kindOf(given.kindName).make);
  else await send(run, channel, kindOf(given.kindName).make);
  await channel.send(END);
  run.report({ ...((await channel.receive()) as Tally) });
}

async function send(
  run: NopProcess,
  channel: Channel,
  make: (index: number) => unknown,
): Promise<void> {
  while (!run.isStopping) {
    await channel.send(make(run.next));
    run.complete(run.next);
    run.next += 1;
  }
}

/** Waits when there is no room, and now and then for the timers of the loop. */
async function post(
  run: NopProcess,
  channel: Channel,
  make: (index: number) => unknown,
): Promise<void> {
  while (!run.isStopping) {
    let isRoom = true;
    for (let left = 1024; left > 0 && isRoom; left -= 1) {
      isRoom = channel.post(make(run.next));
      run.complete(run.next);
      run.next += 1;
    }
    await channel.send(make(run.next));
    run.complete(run.next);
    run.next += 1;
    if (isRoom) await new Promise((resolve) => setImmediate(resolve));
  }
}

async function trip(run: NopProcess, channel: Channel): Promise<void> {
  for (; !run.isStopping; run.next += 1) {
    await channel.send(run.next);
    run.complete((await channel.receive()) as number);
  }
}

async function answer({ kindName, style, port }: Given): Promise<void> {
  prepareRuntime();
  const channel = Channel.open(port);
  await channel.send('ready');
  if (kindName === null) {
    for await (const message of channel) await channel.send(message);
    return;
  }
  const counter = new Counter(kindOf(kindName));
  if (style === 'batch') {
    while (!takeAll(counter, await channel.receiveAll()));
  } else {
    for (let message = await channel.receive(); message !== END;) {
      counter.take(message);
      message = await channel.receive();
    }
  }
  await channel.send(counter.tally());
}

function takeAll(counter: Counter, messages: readonly unknown[]): boolean {
  for (const message of messages) {
    if (message === END) return true;
    counter.take(message);
  }
  return false;
}
