/**
 * Registered memory that several threads have: workers read files into it with their own rings, the
 * main thread sees the bytes, and it lives on in whichever thread ends last.
 *
 * Argument: how workers end (`terminate` or `close`).
 */

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { File, prep, runtime } from 'onering';

/* oxlint-disable unicorn/require-post-message-target-origin -- Workers have no origin. */

const WORKERS = 4;
const SIZE = 64 * 1024;
const path = fileURLToPath(import.meta.url);

if (isMainThread) await main(process.argv[2]);
else await work();

async function main(mode) {
  const { buffers } = runtime();
  const expected = readFileSync(path);
  const problems = [];
  const run = async () => {
    const buffer = buffers.allocate(SIZE, { shared: true });
    const worker = new Worker(new URL(import.meta.url), { workerData: buffer.share() });
    const exited = once(worker, 'exit');
    const [address] = await once(worker, 'message');
    if (!buffer.bytes.subarray(0, expected.length).equals(expected)) problems.push('bytes differ');
    // From here on it is the worker's alone.
    buffer.release();
    worker.postMessage('again');
    const [isEqual] = await once(worker, 'message');
    if (isEqual !== true) problems.push('bytes differ without their donor');
    if (mode === 'terminate') await worker.terminate();
    else worker.postMessage('end');
    await exited;
    return address;
  };
  await run();
  const before = resources();
  for (let n = 0; n < WORKERS; n += 1) await run();
  const after = resources();
  const used = buffers.used;
  await runtime().close();
  console.log(JSON.stringify({ problems, used, before, after }));
}

async function work() {
  const ring = runtime();
  const buffer = ring.buffers.adopt(workerData);
  const file = await File.open(path);
  const read = () =>
    ring.submit((sqe) => {
      prep.prepReadFixed(sqe, file.fd, buffer.address, SIZE, 0, buffer.index);
    });
  await read();
  parentPort.postMessage(buffer.address);
  await once(parentPort, 'message');
  buffer.bytes.fill(0);
  const size = await read();
  parentPort.postMessage(buffer.bytes.subarray(0, size).equals(readFileSync(path)));
  await once(parentPort, 'message');
  await file.close();
  await ring.close();
}

function resources() {
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    segments: maps.filter((line) => line.includes('SYSV')).length,
  };
}
