/**
 * Workers with rings of their own on this kernel, which end in the middle of I/O: terminated, by
 * `process.exit`, or in order. The process lives on, and nothing of theirs is left.
 */

/* oxlint-disable unicorn/require-post-message-target-origin -- Workers have no origin. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { File, runtime, TcpListener, TcpStream } from 'onering';
import { setTimeout } from 'onering/timers/promises';
import { runChecks } from './checks.ts';

const path = '/tmp/workers';
const SIZE = 1024 * 1024;
const FILL = 0xa5;
const hostname = '127.0.0.1';

/** Workers that end in each way. */
const COUNT = 4;
const MAPPINGS_OF_RING = 2;
/**
 * From Linux 6.5 on the rings of a worker are in memory that a clean-up hook can unmap. Before, a
 * worker that is terminated keeps the mappings of its ring until the process ends.
 */
const [major = 0, minor = 0] = release().split('.').map(Number);
const canPlaceRings = major > 6 || minor >= 5;

const endings = ['terminate', 'exit', 'end'] as const;
type Ending = (typeof endings)[number];

if (isMainThread) await runMain();
else await runWorker();

async function runMain(): Promise<void> {
  writeFileSync(path, Buffer.alloc(SIZE, FILL));
  const ring = runtime();
  // What Node and koffi make once is there before anything is counted.
  await useUp('end', 1);
  await runChecks(
    Object.fromEntries(
      endings.map((ending) => [
        `workers that ${ending} leave nothing behind`,
        async () => {
          const before = countResources();
          await useUp(ending, COUNT);
          const after = countResources();
          const kept = ending === 'terminate' && !canPlaceRings ? COUNT * MAPPINGS_OF_RING : 0;
          assert.deepEqual(after, { ...before, rings: before.rings + kept });
          assert.equal(await ring.nop(), 0);
        },
      ]),
    ),
  );
  await ring.close();
}

/** Runs workers two at a time and ends them when they are busy. */
async function useUp(ending: Ending, count: number): Promise<void> {
  for (let started = 0; started < count; started += 2) {
    await Promise.all([workAndEnd(ending), workAndEnd(ending)]);
  }
}

async function workAndEnd(ending: Ending): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: ending });
  const exited = once(worker, 'exit');
  const [message] = await Promise.race([once(worker, 'message'), exited]);
  assert.equal(message, 'busy');
  if (ending === 'terminate') await worker.terminate();
  else worker.postMessage('stop');
  const [code] = await exited;
  assert.equal(code, ending === 'terminate' ? 1 : 0);
}

/** Rings are seen as descriptors and as mappings; segments are memory of workers. */
function countResources(): { rings: number; segments: number; descriptors: number } {
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return {
    rings: maps.filter((line) => line.includes('[io_uring]')).length,
    segments: maps.filter((line) => line.includes('SYSV')).length,
    descriptors: readdirSync('/proc/self/fd').length,
  };
}

async function runWorker(): Promise<void> {
  const port = parentPort;
  assert.ok(port !== null);
  const ring = runtime();
  if (ring.backend !== 'uring') throw ring.reason ?? new Error('no ring');
  const state = { isStopped: false };
  port.once('message', () => {
    if (workerData === 'exit') process.exit(0);
    state.isStopped = true;
  });
  const listener = await TcpListener.listen({
    hostname,
    port: 0,
    socket: { data: (socket, chunk) => void socket.write(chunk) },
  });
  const stream = await TcpStream.connect({ hostname, port: listener.address().port });
  const file = await File.open(path, 'r+');
  const buffer = Buffer.alloc(SIZE);
  for (let round = 0; !state.isStopped; round += 1) {
    const [count] = await Promise.all([
      file.read(buffer, { position: 0 }),
      file.write(Buffer.alloc(SIZE, FILL), { position: 0 }),
      stream.write('ping'),
      setTimeout(0.2),
    ]);
    assert.equal(count, SIZE);
    assert.ok(buffer[0] === FILL && buffer[SIZE - 1] === FILL);
    assert.ok((await stream.read()) !== null);
    if (round === 1) port.postMessage('busy');
  }
  await Promise.all([stream.close(), listener.close(), file.close()]);
  await ring.close();
  port.close();
}
