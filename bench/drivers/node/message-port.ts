/**
 * Messages to another thread through a `MessagePort`: 1 SECONDS WARMUP --kind=NAME, or nothing for
 * a number there and back.
 *
 * A port has no back-pressure: the receiver answers every thousandth message, and eight thousand
 * are on their way at most, which is when a port is at its best.
 */

/* oxlint-disable unicorn/require-post-message-target-origin -- Threads have no origin. */

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { Counter, END, kindOf } from '../messages.ts';
import type { Tally } from '../messages.ts';
import { NopProcess } from '../nop-process.ts';

const ANSWER_EVERY = 1000;
const UNANSWERED_MAX = 8 * ANSWER_EVERY;

if (isMainThread) await main();
else if (parentPort !== null) answer(parentPort);

async function main(): Promise<void> {
  const run = new NopProcess();
  const kindName = run.word('kind');
  const worker = new Worker(new URL(import.meta.url), { workerData: kindName });
  await next(worker);
  run.open();
  if (kindName === null) {
    await trip(run, worker);
    run.report();
  }
  const { make } = kindOf(kindName);
  let answered = 0;
  while (!run.isStopping) {
    worker.postMessage(make(run.next));
    run.complete(run.next);
    run.next += 1;
    if (run.next % ANSWER_EVERY === 0 && run.next - answered >= UNANSWERED_MAX) {
      answered = (await next(worker)) as number;
    }
  }
  worker.postMessage(END);
  for (;;) {
    const last = await next(worker);
    if (typeof last === 'object') run.report({ ...(last as Tally) });
  }
}

/** A port's own promise of a message costs as much as the message: this is not in its way. */
function next(worker: Worker): Promise<unknown> {
  return new Promise((resolve) => worker.once('message', resolve));
}

function trip(run: NopProcess, worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.on('message', (number: number) => {
      run.complete(number);
      run.next += 1;
      if (run.isStopping) resolve();
      else worker.postMessage(run.next);
    });
    worker.postMessage(run.next);
  });
}

function answer(port: MessagePort): void {
  if (workerData === null) {
    port.on('message', (message: unknown) => port.postMessage(message));
  } else {
    const counter = new Counter(kindOf(workerData as string));
    port.on('message', (message: unknown) => {
      if (message === END) {
        port.postMessage(counter.tally());
        return;
      }
      counter.take(message);
      if (counter.count % ANSWER_EVERY === 0) port.postMessage(counter.count);
    });
  }
  port.postMessage('ready');
}
