/**
 * A number of 8 bytes to another thread and back through two eventfds, read and written by both
 * rings: 1 SECONDS WARMUP. The least that the kernel offers for waking a thread on a ring.
 *
 * A program of its own, for the scenario `channel`. eventfd2(2) has no opcode, hence libc.
 */

import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { prep, Runtime } from 'onering';
import { loadLibc } from '../../src/native/libc.ts';
import { NopProcess } from '../drivers/nop-process.ts';

/** By architecture. */
const SYS_EVENTFD2 = process.arch === 'x64' ? 290 : 19;

const runtime = new Runtime({ backend: 'uring' });
const block = runtime.engine?.pool.take(16);
if (block === undefined) throw new Error('Expected a ring');
const { address, words } = block;

if (isMainThread) await main();
else await answer(workerData as readonly [number, number]);

async function main(): Promise<void> {
  const run = new NopProcess();
  const events = [makeEvent(), makeEvent()] as const;
  new Worker(new URL(import.meta.url), { workerData: events }).unref();
  const [there, back] = events;
  run.open();
  for (; !run.isStopping; run.next += 1) {
    // A counter of 0 would wake nobody.
    words[0] = run.next + 1;
    words[1] = 0;
    void runtime.submit((sqe) => prep.prepWrite(sqe, there, address, 8, -1));
    await runtime.submit((sqe) => prep.prepRead(sqe, back, address + 8, 8, -1));
    run.complete((words[2] ?? 0) - 1);
  }
  run.report();
}

function makeEvent(): number {
  const libc = loadLibc();
  if (typeof libc === 'string') throw new Error(libc);
  const fd = libc.syscall(SYS_EVENTFD2, 0, 0, 0, 0, 0, 0);
  if (fd < 0) throw new Error('No eventfd');
  return fd;
}

/** Sends back the bytes that came. */
async function answer([there, back]: readonly [number, number]): Promise<void> {
  for (;;) {
    await runtime.submit((sqe) => prep.prepRead(sqe, there, address, 8, -1));
    await runtime.submit((sqe) => prep.prepWrite(sqe, back, address, 8, -1));
  }
}
