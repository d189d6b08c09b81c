/**
 * Storms of completions: DEPTH polls wait for one pipe, a byte makes all of them complete at once.
 *
 * The completion queue is as small as the options say, so that it grows, overflows, or is large
 * enough for the worst case. The pipe is a FIFO whose path is passed as --fifo=PATH.
 */

import { constants, openSync, readSync, writeSync } from 'node:fs';
import { prep } from 'onering';
import { NopProcess } from '../nop-process.ts';
import { prepareRuntime } from './prepare.ts';

const run = new NopProcess();
const runtime = prepareRuntime(run.runtimeOptions);
// Both ends in one descriptor: opening never waits, and there is always a writer.
const fd = openSync(run.word('fifo') ?? '', constants.O_RDWR | constants.O_NONBLOCK);
const byte = new Uint8Array(1);
const prepare: Parameters<typeof runtime.submit>[0] = (sqe) =>
  prep.prepPollAdd(sqe, fd, prep.POLLIN);

run.open();
while (!run.isStopping) await storm();
const { completionOverflows, resizesGrown, completionEntries } = runtime.metrics();
run.report({ completionOverflows, resizesGrown, completionEntries });

async function storm(): Promise<void> {
  const polls = Array.from({ length: run.depth }, poll);
  // One round trip later all polls wait in the kernel.
  await runtime.nop();
  writeSync(fd, byte);
  await Promise.all(polls);
  readSync(fd, byte);
}

async function poll(): Promise<void> {
  const sequence = run.next;
  run.next += 1;
  const events = await runtime.submit(prepare);
  if ((events & prep.POLLIN) === 0) throw new Error(`A poll returned ${events}`);
  run.complete(sequence);
}
