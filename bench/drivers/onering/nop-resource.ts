/**
 * NOPs that make the kernel look something up: a registered file, a registered buffer, or nothing.
 *
 * What a lookup costs shows in the difference. By `submit`, as any operation of a user's own, with
 * functions that were made before the run. Linux 6.13+ for the lookups.
 */

import { openSync } from 'node:fs';
import { prep } from 'onering';
import { NopProcess } from '../nop-process.ts';
import { prepareRuntime } from './prepare.ts';

const run = new NopProcess();
const runtime = prepareRuntime(run.runtimeOptions);
const prepare = preparation(run.word('resource'));

run.open();
await Promise.all(Array.from({ length: run.depth }, loop));
run.report();

async function loop(): Promise<void> {
  while (!run.isStopping) {
    const sequence = run.next;
    run.next += 1;
    await runtime.submit(prepare);
    run.complete(sequence);
  }
}

function preparation(resource: string | null): Parameters<typeof runtime.submit>[0] {
  if (resource === 'file') {
    const slot = runtime.files.register(openSync('/dev/null', 'r'));
    const flags = prep.IORING_NOP_FILE | prep.IORING_NOP_FIXED_FILE;
    return (sqe) => prep.prepNop(sqe, flags, 0, slot);
  }
  if (resource === 'buffer') {
    const { index } = runtime.buffers.allocate(4096);
    return (sqe) => {
      prep.prepNop(sqe, prep.IORING_NOP_FIXED_BUFFER);
      prep.setSqeBufferIndex(sqe, index);
    };
  }
  return (sqe) => prep.prepNop(sqe);
}
